#pragma once

#include <vector>

#include <flame/session/waiter.hpp>

#include "settings.hpp"

namespace flame::inline v0::session::postgres {

/// One address to try, as libpq's keywords; what is empty is libpq's to find.
struct Target {
  std::string host{}, hostaddr{}, port{};
  auto operator<=>(const Target&) const = default;
};

/// Of lists as libpq takes them; a name has one target for each of its addresses. Names that are
/// not known are left out, where there are others.
[[nodiscard]] std::vector<Target> find_targets(const Settings& settings, Waiter& waiter,
                                               Deadline until);

/// What to give libpq: the DSN's keywords, and what they leave open. `watched`: a session of the
/// server ends though it waits for a lock, if its connection has; or each that is given up would be
/// one of its max_connections for as long as the lock is held.
[[nodiscard]] Keywords keywords_for(const Settings& settings, const Target& target,
                                    std::string password, bool watched);

}  // namespace flame::inline v0::session::postgres
