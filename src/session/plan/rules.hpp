#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <flame/session/manager.hpp>

namespace flame::inline v0::session {

/// The session cookie as Options ask for it: its full name, and what follows the value.
struct CookieRules {
  std::string name{};
  std::string attributes{};         ///< "; Path=/; Secure; …", also of the removal (S15)
  std::chrono::seconds max_age{0};  ///< 0: ends with the browser
};

/// Options after their check: what every request needs, computed once.
struct Rules {
  CookieRules cookie{};
  bool secure_cookie = true;
  std::string id_header{};
  std::string vary{};
  std::chrono::milliseconds idle{};
  std::chrono::milliseconds absolute{};
  std::chrono::milliseconds deadline{};
  std::size_t max_bytes{};
  std::size_t max_created_per_second{};  ///< 0: any number

  /// An expiry moves in steps: a write of it for less is not worth a store operation (S07, R11).
  [[nodiscard]] std::chrono::milliseconds step() const noexcept { return idle / 20; }
};

inline constexpr std::size_t max_cookie_size = 4096;     ///< name and value (RFC 6265bis, 5.5)
inline constexpr std::size_t max_attribute_size = 1024;  ///< one attribute's value
inline constexpr std::chrono::hours max_cookie_age{400 * 24};
inline constexpr std::size_t min_session_bytes = 64;

/// Names the option that is wrong, its value, and the remedy. `traits` are the store's.
[[nodiscard]] Result<Rules> check(const Options& options, const StoreTraits& traits);

}  // namespace flame::inline v0::session
