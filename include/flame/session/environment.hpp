#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// Where a Manager takes the time from. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back, and stands still while the machine is asleep: deadlines and other waits.
  [[nodiscard]] virtual Deadline steady() const noexcept = 0;
  /// Time since some start, never goes back, and counts the time asleep: the passing of store time.
  [[nodiscard]] virtual std::chrono::nanoseconds elapsed() const noexcept = 0;
  /// Wall time: read once, as the Manager is made, for stores without a clock of their own.
  [[nodiscard]] virtual TimePoint wall() const noexcept = 0;
};

/// Where a Manager takes session IDs from. Any thread.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  /// False where no random bytes could be had: an error then, never a weaker ID.
  [[nodiscard]] virtual bool fill(std::span<std::byte> out) noexcept = 0;
};

/// The system's clock, and the system's generator (getrandom).
[[nodiscard]] Clock& system_clock() noexcept;
[[nodiscard]] RandomSource& system_random() noexcept;

/// What a Manager stands on, for tests to replace; both must outlive it.
struct Environment {
  Clock* clock = &system_clock();
  RandomSource* random = &system_random();
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
