#pragma once

#include <cstdint>
#include <string>

#include <flame/session/redis.hpp>

namespace flame::inline v0::session::redis {

/// The options, checked, and those of the URL among them.
struct Settings {
  std::string host{};  ///< without brackets; empty: `socket` is where the server is
  std::uint16_t port = 6379;
  std::string socket{};
  std::size_t db = 0;
  std::string username{}, password{}, key_prefix{};
  ConnectionOptions connections{};
  TlsOptions tls{};
};

/// Pure. Throws StoreError refused.
[[nodiscard]] Settings settings_of(const RedisOptions& options);

}  // namespace flame::inline v0::session::redis
