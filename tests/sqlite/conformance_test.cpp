#include <list>

#include <flame/session/sqlite.hpp>
#include <flame/session/test_support/conformance.hpp>

#include "test_support/temporary_folder.hpp"

namespace flame::session {
namespace {

/// Each with a database of its own, for as long as the tests run.
StorePtr new_store(Durability durability) {
  static std::list<test_support::TemporaryFolder> folders;
  return sqlite::store({.path = folders.emplace_back().path() / "sessions.db",
                        .durability = durability,
                        .init_table = true});
}

FLAME_SESSION_STORE_CONFORMANCE(Sqlite, [] { return new_store(Durability::process_crash); })
FLAME_SESSION_STORE_CONFORMANCE(SqlitePowerCut, [] { return new_store(Durability::power_cut); })

}  // namespace
}  // namespace flame::session
