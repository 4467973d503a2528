#pragma once

#include <condition_variable>
#include <mutex>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// Of several workers that connect one prepares the store, and the others wait. Any thread.
class PrepareOnce {
 public:
  explicit PrepareOnce(bool done) noexcept : done_(done) {}

  /// True: the caller is the one, and calls ended(). False: that is done. Throws where it is not
  /// done in time.
  [[nodiscard]] bool begin(Deadline until) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, until, [&] { return done_ || !busy_; }))
      throw StoreError(StoreError::Kind::connection_lost,
                       "another connection is still checking the store");
    busy_ = !done_;
    return busy_;
  }
  void ended(bool well) noexcept {
    const std::scoped_lock lock(mutex_);
    busy_ = false;
    done_ = well;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool busy_ = false;
  bool done_;
};

}  // namespace flame::inline v0::session
