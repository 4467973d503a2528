#pragma once

#include <string>

#include <flame/session/connections.hpp>
#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::mysql {

/// Which server and table, and how it is reached.
struct MysqlOptions {
  /// `mysql://user:password@host:port/database?parameters`, percent-encoded, or
  /// `user:password@tcp(host:port)/database?parameters`, also `unix(/path)`, where user and
  /// password are taken as they are. Parameters: table, init_table; tls=true for a connection that
  /// is encrypted and whose server is the one named, ca=/path for who vouches for it where the
  /// system does not know; option_file=/path and password_file=/path for where to read the password
  /// from at each connect. Those of other drivers that have no use here are told as a warning.
  std::string dsn{};
  std::string table = "sessions";  ///< a database and a dot may stand before it; the DSN's counts
  bool init_table = false;         ///< makes the table where it is not there
  ConnectionOptions connections{};
};

/// Sessions in a table of MySQL 8 or MariaDB 10.5, or later. The schema, what is atomic and what a
/// crash can lose: src/stores/mysql/README.md.
[[nodiscard]] StorePtr store(MysqlOptions options);

}  // namespace flame::inline v0::session::mysql

#pragma GCC visibility pop
