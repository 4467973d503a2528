#pragma once

#include "dispatch.hpp"

namespace flame::inline v0::session {

/// Worker threads, each with a connection of its own: so that one slow exchange holds up neither
/// the other kind of operation nor all of its own.
inline constexpr std::size_t read_workers = 2;
inline constexpr std::size_t write_workers = 2;
inline constexpr std::size_t background_workers = 1;
/// An exchange that takes this many deadlines is aborted, and its connection closed.
inline constexpr int exchange_deadlines = 3;
inline constexpr std::size_t max_batch_bytes = std::size_t{4} << 20;
inline constexpr std::chrono::seconds sweep_interval{60};
inline constexpr std::size_t sweep_limit = 1000;

/// For stores that block: the machine that every one of them stands on. Threads start with the
/// first operation; a child of fork() starts its own. `clock` is what calls' deadlines are told by;
/// `deadline` is that of Options.
[[nodiscard]] std::unique_ptr<Dispatch> store_runner(StorePtr store, StoreTime& time,
                                                     const Clock& clock,
                                                     std::chrono::milliseconds deadline);

}  // namespace flame::inline v0::session
