#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// When a store that failed is tried again: at once after a first failure, then after pauses that double,
/// each shortened at random by up to a half, so that many processes do not come back together. Any thread.
class Breaker {
 public:
  static constexpr std::chrono::milliseconds first_pause{50};
  static constexpr std::chrono::milliseconds longest_pause{1000};
  /// Failures in a row after which operations are refused at once until the next try is due.
  static constexpr int opens_after = 3;

  /// `random` is any number: what the pause is shortened by.
  void failed(Deadline now, std::uint32_t random) noexcept {
    const std::scoped_lock lock(mutex_);
    ++failures_;
    if (failures_ == 1) return;
    const auto doubled = first_pause * (1 << std::min(failures_ - 2, 10));
    const auto pause = std::min<std::chrono::milliseconds>(doubled, longest_pause);
    next_try_ = now + pause / 2 + pause / 2 * (random % 1024) / 1024;
  }
  void succeeded() noexcept {
    const std::scoped_lock lock(mutex_);
    failures_ = 0;
    next_try_ = {};
  }

  /// When the next try is due; in the past: now.
  [[nodiscard]] Deadline next_try() const noexcept {
    const std::scoped_lock lock(mutex_);
    return next_try_;
  }
  /// Whether whoever comes now is to be refused rather than kept waiting.
  [[nodiscard]] bool open(Deadline now) const noexcept {
    const std::scoped_lock lock(mutex_);
    return failures_ >= opens_after && now < next_try_;
  }

 private:
  mutable std::mutex mutex_{};
  int failures_ = 0;
  Deadline next_try_{};
};

}  // namespace flame::inline v0::session
