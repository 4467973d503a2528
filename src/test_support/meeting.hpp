#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>

namespace flame::inline v0::session::test_support {

/// Threads wait here for each other, again and again; the last to come runs `before_all_go`. In
/// place of std::barrier, in which ThreadSanitizer sees a race with g++ 12.
class Meeting {
 public:
  explicit Meeting(
      std::size_t members, std::function<void()> before_all_go = [] {})
      : members_(members), before_all_go_(std::move(before_all_go)) {}

  void arrive_and_wait() {
    std::unique_lock lock(mutex_);
    if (++arrived_ == members_) {
      before_all_go_();
      arrived_ = 0;
      ++round_;
      all_here_.notify_all();
      return;
    }
    all_here_.wait(lock, [this, round = round_] { return round_ != round; });
  }

 private:
  const std::size_t members_;
  const std::function<void()> before_all_go_;
  std::mutex mutex_{};
  std::condition_variable all_here_{};
  std::size_t arrived_ = 0;
  std::size_t round_ = 0;
};

}  // namespace flame::inline v0::session::test_support
