#pragma once

#include <string>

#include <flame/session/connections.hpp>
#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::postgres {

struct PostgresOptions {
  /// As libpq reads it: `postgres://user:password@host:port/database?sslmode=verify-full`, several
  /// hosts too, or `host=… dbname=…`. What is not in it comes from libpq's environment variables
  /// (PGHOST, PGPASSFILE, …). The parameters `table`, `init_table`, `readers` and `writers` of a
  /// URL go before the options below.
  std::string dsn{};
  std::string table = "sessions";  ///< perhaps with its schema before it: `web.sessions`
  /// Makes the table and its index where they are missing; any number of processes may do so at
  /// once. Otherwise start refuses, with the statements to run.
  bool init_table = false;
  ConnectionOptions connections{};
};

/// Sessions in a table of a PostgreSQL server, for any number of processes on any machines. The
/// schema, what it needs and what it promises: src/stores/postgres/README.md.
[[nodiscard]] StorePtr store(PostgresOptions options);

}  // namespace flame::inline v0::session::postgres

#pragma GCC visibility pop
