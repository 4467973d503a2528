#pragma once

#include <flame/session/resolve.hpp>

namespace flame::inline v0::session {

/// What asks the system: addresses, or why there are none. May hang.
struct Resolved {
  std::vector<std::string> addresses{};
  std::string error{};
};
using Resolver = Resolved (*)(const std::string& host);

/// As resolve(), with another resolver.
[[nodiscard]] std::vector<std::string> resolve_with(Resolver resolver, const std::string& host,
                                                    Waiter& waiter, Deadline until);

}  // namespace flame::inline v0::session
