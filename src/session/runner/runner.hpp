#pragma once

#include "dispatch.hpp"

namespace flame::inline v0::session {

/// An exchange that takes this many deadlines is aborted, and its connection closed; where all
/// workers of a lane hang, the one that began first is after one.
inline constexpr int exchange_deadlines = 3;
inline constexpr std::chrono::seconds sweep_again_after_failure{60};
/// So few that those who wait beside it hardly notice; 5 000 a second where there is more.
inline constexpr std::size_t sweep_limit = 100;

/// For stores that block: the machine that every one of them stands on. Threads start with the
/// first operation; a child of fork() starts its own. `clock` is what calls' deadlines are told by;
/// `deadline` is that of Options.
[[nodiscard]] std::unique_ptr<Dispatch> store_runner(StorePtr store, StoreTime& time,
                                                     const Clock& clock,
                                                     std::chrono::milliseconds deadline);

}  // namespace flame::inline v0::session
