#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <flame/session/manager.hpp>

#include "record/terms.hpp"

namespace flame::inline v0::session {

/// The session cookie as Options ask for it: its full name, and what follows the value.
struct CookieRules {
  std::string name{};
  std::string attributes{};  ///< "; Path=/; Secure; …", also of the removal (S15)
};

/// Options after their check: what every request needs, computed once.
struct Rules {
  CookieRules cookie{};
  bool secure_cookie = true;
  std::string id_header{};
  std::string vary{};
  LifetimeRules lifetimes{};
  std::chrono::milliseconds deadline{};
  std::size_t max_bytes{};
  std::size_t max_created_per_second{};    ///< 0: any number
  std::size_t max_sessions_per_owner = 0;  ///< 0: any number
  AtOwnerLimit at_owner_limit{};
};

inline constexpr std::size_t min_session_bytes = 64;

/// Names each option that is wrong, its value, and the remedy. `traits` are the store's.
[[nodiscard]] Result<Rules> check(const Options& options, const StoreTraits& traits);

}  // namespace flame::inline v0::session
