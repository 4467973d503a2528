#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// How long what comes to a lane now would wait, and whether that is too long: a queue that is
/// longer than its deadline answers nobody in time. A burst may fill half a deadline; a queue that
/// does not drain is held at a twentieth, so that overload costs those who are turned away, and
/// nobody else. Not thread-safe.
class Congestion {
 public:
  using Duration = std::chrono::nanoseconds;
  static constexpr int burst_share = 2;      ///< of a deadline, that a burst may wait
  static constexpr int standing_share = 20;  ///< of a deadline, that a queue may stay long
  static constexpr int patience_share = 4;   ///< of a deadline, after which a queue counts as one
                                             ///< that does not drain

  Congestion(std::size_t workers, std::size_t max_batch, Duration deadline)
      : workers_(workers), deadline_(deadline), batch_(static_cast<double>(max_batch)) {}

  /// An exchange took so long.
  void exchanged(Duration took, Deadline now) noexcept {
    trip_ = trip(now) == Duration::zero() ? took : (7 * trip_ + took) / 8;
    measured_at_ = now;
  }
  /// A worker took so many calls, and left some or none.
  void taken(std::size_t calls, bool left_some) noexcept {
    if (left_some)
      batch_ = (7 * batch_ + static_cast<double>(calls)) / 8;
    else
      stands_ = false;
  }

  /// Whether one more may wait behind these.
  [[nodiscard]] bool admits(std::size_t waiting, Deadline now, Deadline deadline) noexcept {
    if (!stands_) stands_since_ = now;
    stands_ = true;
    const auto round = static_cast<double>(workers_) * batch_;
    if (static_cast<double>(waiting) < round) return true;
    const auto wait =
        std::chrono::duration_cast<Duration>(trip(now) * (static_cast<double>(waiting) / round));
    const bool stays = now - stands_since_ > deadline_ / patience_share;
    return wait < deadline_ / (stays ? standing_share : burst_share) && wait < deadline - now;
  }
  /// When what is sent now would be answered.
  [[nodiscard]] Deadline answers_at(Deadline now) const noexcept {
    return now + std::min(trip(now), deadline_ / 4);
  }

 private:
  /// Of a usual exchange. Forgotten after a while: what nobody was sent for cannot be measured.
  [[nodiscard]] Duration trip(Deadline now) const noexcept {
    return now - measured_at_ > deadline_ ? Duration::zero() : trip_;
  }

  const std::size_t workers_;
  const Duration deadline_;
  double batch_;
  Duration trip_{0};
  Deadline measured_at_{};
  bool stands_ = false;  // something has waited since the lane was last empty
  Deadline stands_since_{};
};

}  // namespace flame::inline v0::session
