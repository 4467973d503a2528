#pragma once

#include <chrono>
#include <cstdint>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// What went to the store, summed up since the start: two readings give rates and means. All zero
/// for a store that never blocks, which has neither queue nor batches.
struct StoreCounters {
  struct Lane {
    std::uint64_t operations = 0;              ///< taken from the queue
    std::uint64_t exchanges = 0;               ///< batches sent, repeated and split ones too
    std::chrono::nanoseconds queue_time{};     ///< of all operations
    std::chrono::nanoseconds exchange_time{};  ///< of all exchanges: the round trips
    std::uint64_t repeated = 0;                ///< operations sent again after a lost connection
    std::uint64_t later = 0;                   ///< put off by the store, and sent again
    std::uint64_t conflicts = 0;               ///< replaces that met a newer record
    std::uint64_t aborted = 0;                 ///< exchanges that took too long
    std::uint64_t refused = 0;  ///< operations turned away at once: too many were waiting
  };
  Lane reads{}, writes{}, background{};
  std::uint64_t touches_dropped = 0;  ///< their sessions end early: too many waited, or too long
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
