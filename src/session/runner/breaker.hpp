#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// When a store that failed is tried again: within a moment after a first failure, then after
/// pauses that double, each at random, so that many processes do not come back together. Any
/// thread.
class Breaker {
 public:
  static constexpr std::chrono::milliseconds first_moment{20};  ///< at most, after a first failure
  static constexpr std::chrono::milliseconds first_pause{50};
  static constexpr std::chrono::milliseconds longest_pause{1000};
  /// Failures in a row after which operations are refused at once, but for one that tries.
  static constexpr int opens_after = 3;

  /// `began` is when what failed now was begun: a connect, or the connection that was lost. Several
  /// that fail together are one failure. `random` is any number.
  void failed(Deadline now, Deadline began, std::uint32_t random) noexcept {
    const std::scoped_lock lock(mutex_);
    if (failures_ > 0 && began < last_failure_) return;
    last_failure_ = now;
    ++failures_;
    if (failures_ == 1) {
      next_try_ = now + std::chrono::nanoseconds(first_moment) * (random % 1024) / 1024;
      return;
    }
    const auto doubled = first_pause * (1 << std::min(failures_ - 2, 10));
    const auto pause = std::min<std::chrono::milliseconds>(doubled, longest_pause);
    next_try_ = now + pause / 2 + pause / 2 * (random % 1024) / 1024;
  }
  /// The store answered, whatever it said.
  void succeeded() noexcept {
    const std::scoped_lock lock(mutex_);
    failures_ = 0;
    next_try_ = {};
  }

  /// When the caller may try to connect; in the past: now. Empty: it is to refuse its operations
  /// rather than keep them waiting. While the store is down one caller tries, and the others are
  /// refused for as long as that may take.
  [[nodiscard]] std::optional<Deadline> next_try(Deadline now,
                                                 std::chrono::milliseconds a_try) noexcept {
    const std::scoped_lock lock(mutex_);
    if (failures_ < opens_after) return next_try_;
    if (now < next_try_) return std::nullopt;
    next_try_ = now + a_try;
    return now;
  }

 private:
  mutable std::mutex mutex_{};
  int failures_ = 0;
  Deadline last_failure_{};
  Deadline next_try_{};
};

}  // namespace flame::inline v0::session
