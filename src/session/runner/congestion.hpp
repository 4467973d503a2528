#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include <flame/session/store.hpp>

#include "exchange_time.hpp"

namespace flame::inline v0::session {

/// How much goes to the store at once, how long what comes to a lane now would wait, and whether
/// that is too long: a queue or a batch that takes longer than its deadline answers nobody in time.
/// A batch may take an eighth of a deadline, unless a single one takes longer; a burst may fill
/// half; a queue that does not drain is held at a twentieth, so that overload costs those who are
/// turned away, and nobody else. Not thread-safe.
class Congestion {
 public:
  using Duration = std::chrono::nanoseconds;
  static constexpr int batch_share = 8;      ///< of a deadline, that an exchange may take
  static constexpr int burst_share = 2;      ///< of a deadline, that a burst may wait
  static constexpr int standing_share = 20;  ///< of a deadline, that a queue may stay long
  static constexpr int patience_share = 4;   ///< of a deadline, after which a queue counts as one
                                             ///< that does not drain
  /// Operations of the first exchange, or the first after a pause; doubled by each that was quick.
  static constexpr double first_batch = 16;

  Congestion(std::size_t workers, std::size_t max_batch, Duration deadline)
      : workers_(static_cast<double>(workers)),
        max_batch_(static_cast<double>(max_batch)),
        deadline_(deadline) {}

  /// An exchange of so many operations took so long.
  void exchanged(std::size_t operations, Duration took, Deadline now) noexcept {
    forget(now);
    // One that hung for longer says no more than that it was too long.
    time_.measured(operations, std::min(took, deadline_));
    measured_at_ = now;
    limit_ = std::clamp(time_.fits(deadline_ / batch_share, max_batch_), 1.0, 2 * limit_);
    limit_ = std::min(limit_, max_batch_);
  }
  /// A worker took so many calls of the `limit` that next_batch() gave, and left some or none.
  void taken(std::size_t calls, std::size_t limit, bool left_some) noexcept {
    const auto share = static_cast<double>(calls) / static_cast<double>(limit);
    filled_ = left_some ? (7 * filled_ + share) / 8 : std::max(filled_, share);
    if (!left_some) stands_ = false;
  }
  /// How many operations the next exchange may have. Where an exchange takes long one in a while is
  /// of another size: else nobody knew what takes so long, the trip or the operations.
  [[nodiscard]] std::size_t next_batch(Deadline now) noexcept {
    forget(now);
    const bool is_long = time_.of(limit_) > deadline_ / (2 * batch_share);
    const bool probes = is_long && ++batches_ % (time_.tells() ? 8 : 2) == 0;
    const double other = 2 * limit_ <= max_batch_ ? 2 * limit_ : limit_ / 2;
    return static_cast<std::size_t>(std::max(probes ? other : limit_, 1.0));
  }

  /// Whether one more may wait behind these.
  [[nodiscard]] bool admits(std::size_t waiting, Deadline now, Deadline deadline) noexcept {
    forget(now);
    if (!stands_) stands_since_ = now;
    stands_ = true;
    const auto batch = std::max(filled_ * limit_, 1.0);
    const auto rounds = static_cast<double>(waiting) / (workers_ * batch);
    if (rounds < 1) return true;
    const Duration wait(
        static_cast<Duration::rep>(static_cast<double>(time_.of(batch).count()) * rounds));
    const bool stays = now - stands_since_ > deadline_ / patience_share;
    return wait < deadline_ / (stays ? standing_share : burst_share) && now + wait < deadline;
  }
  /// When so many that are sent now would be answered. Of a long trip a quarter of a deadline
  /// counts: else the queue, which is as old as a trip when a worker comes back, would all be late.
  [[nodiscard]] Deadline answers_at(std::size_t operations, Deadline now) const noexcept {
    if (is_stale(now)) return now;
    const auto trip = time_.trip();
    if (trip >= deadline_) return time_.is_sure() ? now + trip : now;
    const auto all = time_.tells() ? time_.of(static_cast<double>(operations)) : trip;
    return now + std::min(trip, deadline_ / 4) + (all - trip);
  }

 private:
  /// What nobody is sent for cannot be measured.
  [[nodiscard]] bool is_stale(Deadline now) const noexcept {
    return !time_.is_known() || now - measured_at_ > deadline_;
  }
  void forget(Deadline now) noexcept {
    if (!is_stale(now)) return;
    time_ = {};
    limit_ = std::min(first_batch, max_batch_);
  }

  const double workers_, max_batch_;
  const Duration deadline_;
  ExchangeTime time_{};
  double limit_ = first_batch;
  double filled_ = 1;  // of the limit, by a worker that left some: bytes may bound it, too
  Deadline measured_at_{};
  unsigned batches_ = 0;
  bool stands_ = false;  // something has waited since the lane was last empty
  Deadline stands_since_{};
};

}  // namespace flame::inline v0::session
