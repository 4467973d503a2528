#pragma once

#include <atomic>
#include <chrono>

#include <flame/session/environment.hpp>

namespace flame::inline v0::session {

/// Store time: the steady clock plus an offset, so that a step of the wall clock ends and revives
/// nothing (R12). The offset comes from the wall clock until the backend tells its own. Any thread.
class StoreTime {
 public:
  explicit StoreTime(const Clock& clock)
      : clock_(clock), offset_((clock.wall().time_since_epoch() - steady()).count()) {}

  [[nodiscard]] TimePoint now() const noexcept {
    return TimePoint(steady() + std::chrono::milliseconds(offset_.load(std::memory_order_relaxed)));
  }
  /// The backend's clock says that it is `now`. After the first time this never moves store time
  /// backwards: what was expired stays so.
  void set(TimePoint now) noexcept {
    const auto offset = (now.time_since_epoch() - steady()).count();
    if (!told_.exchange(true)) return offset_.store(offset);
    auto seen = offset_.load(std::memory_order_relaxed);
    while (seen < offset && !offset_.compare_exchange_weak(seen, offset)) {
    }
  }

 private:
  [[nodiscard]] std::chrono::milliseconds steady() const noexcept {
    return std::chrono::floor<std::chrono::milliseconds>(clock_.steady().time_since_epoch());
  }

  const Clock& clock_;
  std::atomic<std::chrono::milliseconds::rep> offset_;
  std::atomic<bool> told_{false};
};

}  // namespace flame::inline v0::session
