#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <flame/session/connections.hpp>
#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::redis {

/// TLS 1.2 or later. The server's certificate is always verified, with its name: there is no
/// connection without that, and none in plain text instead.
struct TlsOptions {
  bool enabled = false;                          ///< a `rediss:` URL does the same
  std::filesystem::path ca_file{};               ///< PEM; empty: whom the system trusts
  std::filesystem::path certificate_file{};      ///< PEM, with its chain: where the server asks us
  std::filesystem::path certificate_key_file{};  ///< PEM
};

/// What stands in the URL and here must not differ. Checked by connect().
struct RedisOptions {
  /// `host:port` or `unix:/path`. Or a URL: `redis://user:password@host:port/db`, `rediss://…` for
  /// TLS, `unix:/path?db=N`; parameters: key_prefix, ca_file, certificate_file,
  /// certificate_key_file.
  std::string addr = "127.0.0.1:6379";
  std::size_t db = 0;
  std::string username{};  ///< of an ACL user; empty: the default one
  std::string password{};
  /// All keys begin with it: 1 to 64 printable ASCII characters but space * ? [ ] { } and
  /// backslash.
  std::string key_prefix = "session";
  ConnectionOptions connections{};
  TlsOptions tls{};
};

/// Sessions in Redis (6.2 or later) or Valkey. The layout of keys, the rights it needs, and what a
/// crash may lose: src/stores/redis/README.md.
[[nodiscard]] StorePtr store(RedisOptions options = {});

}  // namespace flame::inline v0::session::redis

#pragma GCC visibility pop
