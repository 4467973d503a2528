#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::file {

/// Which folders stayed locked by others, as all connections of a store know: one of them waits for
/// long, once; after that there are only short waits, now and then, until somebody has the lock.
/// Any thread.
class StuckFolders {
 public:
  static constexpr std::chrono::milliseconds short_wait{10};
  static constexpr std::chrono::milliseconds between_waits{100};

  /// Until when to wait for a folder, where `longest` is for one that is not known to be stuck.
  [[nodiscard]] Deadline patience(std::byte folder, Deadline now, Deadline longest) const noexcept {
    const Deadline failed{Deadline::duration(at(folder).load(std::memory_order_relaxed))};
    if (failed == Deadline{}) return longest;
    return std::min(longest, now < failed + between_waits ? now : now + short_wait);
  }
  void stayed_locked(std::byte folder, Deadline now) noexcept {
    at(folder).store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  void was_locked_by_us(std::byte folder) noexcept {
    if (at(folder).load(std::memory_order_relaxed) != 0)
      at(folder).store(0, std::memory_order_relaxed);
  }

 private:
  using Time = std::atomic<Deadline::rep>;  // of the last wait that was in vain; 0: none
  [[nodiscard]] Time& at(std::byte folder) noexcept {
    return times_[std::to_integer<std::size_t>(folder)];
  }
  [[nodiscard]] const Time& at(std::byte folder) const noexcept {
    return times_[std::to_integer<std::size_t>(folder)];
  }

  std::array<Time, 256> times_{};
};

}  // namespace flame::inline v0::session::file
