#pragma once

#include <atomic>
#include <chrono>

#include <flame/session/environment.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

/// Time that stands still until a test moves it. Any thread.
class FakeClock final : public Clock {
 public:
  using Duration = std::chrono::milliseconds;
  /// 2026-01-01 00:00:00 UTC.
  static constexpr TimePoint default_wall{std::chrono::seconds{1'767'225'600}};

  explicit FakeClock(TimePoint wall = default_wall) noexcept : wall_(wall) {}

  [[nodiscard]] Deadline steady() const noexcept override {
    return Deadline{Deadline::duration{steady_.load()}};
  }
  [[nodiscard]] std::chrono::nanoseconds elapsed() const noexcept override {
    return steady().time_since_epoch() + std::chrono::nanoseconds(asleep_.load());
  }
  [[nodiscard]] TimePoint wall() const noexcept override { return wall_.load(); }

  /// Time passes: all of them move.
  void advance(Duration by) noexcept {
    advance_steady(by);
    step_wall(by);
  }
  /// The machine sleeps: the steady clock alone stands still.
  void sleep(Duration by) noexcept {
    asleep_ += std::chrono::nanoseconds(by).count();
    step_wall(by);
  }
  /// Time passes, and the wall clock alone stands still. Never back.
  void advance_steady(Duration by) noexcept { steady_ += Deadline::duration(by).count(); }
  /// Only the wall clock moves, also back: someone set it.
  void step_wall(Duration by) noexcept {
    auto now = wall_.load();
    while (!wall_.compare_exchange_weak(now, now + by)) {
    }
  }
  void set_wall(TimePoint wall) noexcept { wall_ = wall; }

 private:
  // Not 0: a deadline of 0 means none.
  std::atomic<Deadline::rep> steady_{Deadline::duration(std::chrono::hours{1}).count()};
  std::atomic<std::chrono::nanoseconds::rep> asleep_{0};
  std::atomic<TimePoint> wall_;
};

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
