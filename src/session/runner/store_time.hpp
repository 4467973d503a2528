#pragma once

#include <atomic>
#include <chrono>
#include <limits>

#include <flame/session/environment.hpp>

namespace flame::inline v0::session {

/// Store time: the steady clock plus an offset, so that a step of the wall clock ends and revives
/// nothing (R12). The offset comes from the wall clock until the backend tells its own. Any thread.
class StoreTime {
 public:
  explicit StoreTime(const Clock& clock)
      : clock_(clock), by_wall_((clock.wall().time_since_epoch() - steady()).count()) {}

  [[nodiscard]] TimePoint now() const noexcept {
    const auto told = offset_.load(std::memory_order_relaxed);
    return TimePoint(steady() + std::chrono::milliseconds(told == untold ? by_wall_ : told));
  }
  /// Whether the backend has told its time, or has none to tell. Until then nothing may begin by
  /// it.
  [[nodiscard]] bool is_known() const noexcept { return known_.load(std::memory_order_relaxed); }
  /// The store has no clock of its own.
  void assume() noexcept { known_.store(true, std::memory_order_relaxed); }
  /// The backend's clock says that it is `now`. After the first time this never moves store time
  /// backwards: what was expired stays so.
  void set(TimePoint now) noexcept {
    known_.store(true, std::memory_order_relaxed);
    const auto offset = (now.time_since_epoch() - steady()).count();
    auto seen = untold;
    if (offset_.compare_exchange_strong(seen, offset)) return;
    while (seen < offset && !offset_.compare_exchange_weak(seen, offset)) {
    }
  }

 private:
  [[nodiscard]] std::chrono::milliseconds steady() const noexcept {
    return std::chrono::floor<std::chrono::milliseconds>(clock_.steady().time_since_epoch());
  }

  const Clock& clock_;
  using Offset = std::chrono::milliseconds::rep;
  static constexpr Offset untold = std::numeric_limits<Offset>::min();
  const Offset by_wall_;
  std::atomic<bool> known_{false};
  std::atomic<Offset> offset_{untold};  // as the backend told it
};

}  // namespace flame::inline v0::session
