#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>

#include <flame/session/environment.hpp>

namespace flame::inline v0::session {

/// Store time: the time that has passed, asleep or not, plus an offset, so that a step of the wall
/// clock ends and revives nothing (R12). The offset comes from the wall clock until the backend
/// tells its own. Any thread; a child of fork() goes on with it.
///
/// One reading of the backend's clock may be wrong. So after the first one, what is a little off
/// slews, and a larger difference is taken when three readings over a minute agree on it.
class StoreTime {
 public:
  using Elapsed = std::chrono::nanoseconds;  ///< as Clock::elapsed() tells it

  /// Differences from here on are doubted, and less exact readings move nothing.
  static constexpr std::chrono::milliseconds slew_limit{2'000};
  static constexpr std::chrono::milliseconds slew_per_second{5};
  static constexpr std::size_t readings_to_agree = 3;
  /// Readings closer to each other may be wrong for one and the same reason: they count as one.
  static constexpr std::chrono::milliseconds readings_apart{30'000};
  /// What a sweep leaves alone, though it seems expired.
  static constexpr std::chrono::milliseconds sweep_margin{5'000};

  explicit StoreTime(const Clock& clock) noexcept;

  [[nodiscard]] TimePoint now() const noexcept {
    return TimePoint(elapsed() + std::chrono::milliseconds(offset_.load(relaxed)));
  }
  /// What a sweep judges by: the earlier of store time and what the latest reading says, less the
  /// margin. What it deletes would not come back with the right time.
  [[nodiscard]] TimePoint careful() const noexcept;
  /// Whether the backend has told its time.
  [[nodiscard]] bool is_known() const noexcept { return known_.load(relaxed); }
  /// Whether it has, or has none to tell: until then nothing may begin by it.
  [[nodiscard]] bool is_settled() const noexcept { return is_known() || assumed_.load(relaxed); }
  /// The store has no clock of its own.
  void assume() noexcept { assumed_.store(true, relaxed); }

  /// The backend said that it was `backend` at some time between these two.
  void read(TimePoint backend, Elapsed sent, Elapsed received) noexcept;
  /// When to read again, at the latest: sooner while a difference is in doubt.
  [[nodiscard]] std::chrono::milliseconds next_reading() const noexcept {
    return doubts_.load(relaxed) > 0 ? readings_apart : 2 * readings_apart;
  }
  /// Slews for the time since the last call: now and then.
  void tick() noexcept;

 private:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr auto relaxed = std::memory_order_relaxed;

  /// The offset that the backend's clock has, by one reading.
  struct Reading {
    Milliseconds offset{}, uncertainty{}, at{};
  };
  class Turn;

  [[nodiscard]] Milliseconds elapsed() const noexcept {
    return std::chrono::floor<Milliseconds>(clock_.elapsed());
  }
  void slew(Milliseconds difference) noexcept;
  void doubt(const Reading& reading) noexcept;
  void take(const Reading& reading) noexcept;

  const Clock& clock_;
  std::atomic<Milliseconds::rep> offset_;
  std::atomic<Milliseconds::rep> latest_;  // the least offset that the latest reading allows
  std::atomic<Milliseconds::rep> to_slew_{0};
  std::atomic<std::size_t> doubts_{0};
  std::atomic<bool> known_{false}, assumed_{false};

  // Who changes the above holds the turn, but for latest_: 0, or the process of that thread.
  std::atomic<pid_t> turn_{0};
  std::array<Reading, readings_to_agree> doubted_{};
  Milliseconds slewed_at_{};
};

}  // namespace flame::inline v0::session
