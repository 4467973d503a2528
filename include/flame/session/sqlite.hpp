#pragma once

#include <filesystem>
#include <string>

#include <flame/session/durability.hpp>
#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::sqlite {

struct SqliteOptions {
  /// The database, on a local disk. Its folder must be there, and this user must be able to write
  /// it: `-wal` and `-shm` lie beside the database. It may be the application's own, where that is
  /// in WAL mode. A relative path counts from the working directory at the time of store().
  std::filesystem::path path{};
  Durability durability = Durability::process_crash;
  std::string table = "sessions";
  /// Makes the database, the table and its indexes where they are missing; any number of processes
  /// may do so at once. Otherwise start refuses, with the statements to run.
  bool init_table = false;
};

/// Sessions in a table of an SQLite database, for any number of processes of one machine. The
/// schema, what each level does and what it promises: src/stores/sqlite/README.md.
[[nodiscard]] StorePtr store(SqliteOptions options);

}  // namespace flame::inline v0::session::sqlite

#pragma GCC visibility pop
