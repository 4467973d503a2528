#include <utility>

#include <flame/session/connections.hpp>
#include <flame/session/sqlite.hpp>
#include <flame/session/store_url.hpp>

#include "connection.hpp"

namespace flame::inline v0::session::sqlite {
namespace {

// Few, for a lane's other connections look again only when they are used: where -wal was taken
// away, none is opened anew before the last old one is closed.
constexpr std::chrono::seconds idle_close{10};
// A sweep is a look at an index, and the time for a checkpoint.
constexpr std::chrono::seconds sweep_every{1};

std::filesystem::path whole_path(const std::filesystem::path& path) {
  std::error_code error;
  auto whole = std::filesystem::absolute(path, error);
  return error || path.empty() ? path : whole;
}

void check(const SqliteOptions& options) {
  if (options.path.empty())
    fail(StoreError::Kind::refused, "path is empty: give the file of a database");
  if (options.path == ":memory:")
    fail(StoreError::Kind::refused,
         "path is :memory:, which each connection would have for itself: give the file of a "
         "database, or take the store in memory (memory:)");
  if (options.path.native().find('\0') != std::string::npos)
    fail(StoreError::Kind::refused, "path has a NUL in it: leave it out");
  const auto name = parse_table_name("sqlite store: table", options.table);
  if (!name.schema.empty())
    fail(StoreError::Kind::refused, "table has a dot: a database has no schemas, leave it out");
  if (name.table.size() >= 7 && sqlite3_strnicmp(name.table.c_str(), "sqlite_", 7) == 0)
    fail(StoreError::Kind::refused, "table begins with sqlite_, which SQLite keeps for itself");
  if (sqlite3_threadsafe() == 0)
    fail(StoreError::Kind::refused,
         "this SQLite was built for one thread: install one that was not (Debian's was not)");
}

}  // namespace

Shared::Shared(SqliteOptions given) : options(std::move(given)), place(whole_path(options.path)) {
  try {
    check(options);
  } catch (const StoreError& error) {
    wrong = error.what();
  }
}

StorePtr store(SqliteOptions options) {
  StoreTraits traits;
  traits.max_record = max_record;
  traits.writes.workers = 1;
  traits.idle_close = idle_close;
  traits.sweep_every = sweep_every;
  return make_store(traits, [shared = std::make_shared<Shared>(std::move(options))] {
    return std::make_unique<Connection>(shared);
  });
}

}  // namespace flame::inline v0::session::sqlite
