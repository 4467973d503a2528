#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace flame::inline v0::session {

/// How long an exchange of so many operations takes: a trip, and a time for each of them, by the
/// least squares of the last ones. What all exchanges of one size say fits both; then the worse is
/// believed, that it is all a time for each. Not thread-safe.
class ExchangeTime {
 public:
  using Duration = std::chrono::nanoseconds;

  void measured(std::size_t operations, Duration took) noexcept {
    const auto n = static_cast<double>(operations);
    const auto t = static_cast<double>(took.count());
    weight_ = fading * weight_ + 1;
    n_ = fading * n_ + n;
    t_ = fading * t_ + t;
    nn_ = fading * nn_ + n * n;
    nt_ = fading * nt_ + n * t;
    const double n_mean = n_ / weight_, t_mean = t_ / weight_;
    const double spread = nn_ / weight_ - n_mean * n_mean;
    tells_ = spread > least_spread * n_mean * n_mean;
    each_ = t_mean / n_mean;
    if (tells_) each_ = std::clamp((nt_ / weight_ - n_mean * t_mean) / spread, 0.0, each_);
    trip_ = t_mean - each_ * n_mean;
  }
  [[nodiscard]] bool is_known() const noexcept { return weight_ > 0; }
  /// Whether it is more than one that was slow.
  [[nodiscard]] bool is_sure() const noexcept { return weight_ > 1.5; }
  /// Whether it can tell the trip from the operations.
  [[nodiscard]] bool tells() const noexcept { return tells_; }
  [[nodiscard]] Duration of(double operations) const noexcept {
    return Duration(static_cast<Duration::rep>(trip_ + each_ * operations));
  }
  /// The trip alone; all of it where nothing tells the two apart.
  [[nodiscard]] Duration trip() const noexcept {
    return Duration(static_cast<Duration::rep>(tells_ ? trip_ : t_ / weight_));
  }
  /// So many operations take `target`, or as long again as a trip that is longer.
  [[nodiscard]] double fits(Duration target, double at_most) const noexcept {
    const auto room = std::max(static_cast<double>(target.count()) - trip_, trip_);
    return each_ * at_most > room ? room / each_ : at_most;
  }

 private:
  static constexpr double fading = 31.0 / 32;     // of what is known, at each exchange
  static constexpr double least_spread = 0.0025;  // a twentieth of the mean size

  double weight_ = 0, n_ = 0, t_ = 0, nn_ = 0, nt_ = 0;
  double trip_ = 0, each_ = 0;  // nanoseconds
  bool tells_ = false;
};

}  // namespace flame::inline v0::session
