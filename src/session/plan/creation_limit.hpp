#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// How many sessions may begin: as many as are allowed in a second at once, and then one each time
/// its share of a second is over. Any thread.
class CreationLimit {
 public:
  /// 0: any number.
  void set(std::size_t per_second) noexcept { per_second_ = per_second; }

  /// Whether one more may begin, which is counted then.
  [[nodiscard]] bool admit(TimePoint now) noexcept {
    using std::chrono::nanoseconds;
    if (per_second_ == 0) return true;
    constexpr nanoseconds second = std::chrono::seconds(1);
    const auto share = (second / static_cast<nanoseconds::rep>(per_second_)).count();
    const auto begins = nanoseconds(now.time_since_epoch()).count();
    auto used = used_until_.load(std::memory_order_relaxed);
    nanoseconds::rep next = 0;
    do {
      next = std::max(used, begins) + share;
      if (next > begins + second.count()) return false;
    } while (!used_until_.compare_exchange_weak(used, next, std::memory_order_relaxed));
    return true;
  }

 private:
  std::size_t per_second_ = 0;
  std::atomic<std::chrono::nanoseconds::rep> used_until_{0};
};

}  // namespace flame::inline v0::session
