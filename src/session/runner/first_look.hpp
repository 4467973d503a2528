#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "failure.hpp"
#include "store_time.hpp"

namespace flame::inline v0::session {

using Warn = std::function<void(const std::string&)>;

/// A look at the store before the first operation: connects, prepares, reads the clock, and closes
/// the connection again, so that a fork() afterwards shares nothing. On a thread that ends before
/// this returns: within `deadline`, and half of it more for a store that must be aborted; one that
/// does not obey is left behind. The failure of a store that is down for now; what the operator
/// must mend is thrown as StoreError(refused), and what is no more than a warning is told.
[[nodiscard]] std::optional<Failure> first_look(const StorePtr& store, StoreTime& time,
                                                const Clock& clock,
                                                std::chrono::milliseconds deadline,
                                                const Warn& warn);

}  // namespace flame::inline v0::session
