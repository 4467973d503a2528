#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// Of several workers that connect one prepares the store, and the others wait: for as long as that
/// one may take, then another has its turn. Any thread.
class PrepareOnce {
 public:
  explicit PrepareOnce(bool done) noexcept : done_(done) {}

  /// True: the caller is the one, and calls ended(). False: that is done. Throws where it is not
  /// done by `until` (of the steady clock), or after close().
  [[nodiscard]] bool begin(Deadline until) {
    std::unique_lock lock(mutex_);
    while (!done_ && !closed_ && busy_until_ > std::chrono::steady_clock::now()) {
      if (std::chrono::steady_clock::now() >= until) break;
      changed_.wait_until(lock, std::min(until, busy_until_));
    }
    if (done_) return false;
    if (closed_ || busy_until_ > std::chrono::steady_clock::now())
      throw StoreError(StoreError::Kind::connection_lost,
                       "another connection is still checking the store");
    busy_until_ = until;
    return true;
  }
  void ended(bool well) noexcept {
    const std::scoped_lock lock(mutex_);
    busy_until_ = {};
    done_ |= well;
    changed_.notify_all();
  }
  /// Nobody waits any more.
  void close() noexcept {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  Deadline busy_until_{};  // not beyond that: who is at it may hang
  bool done_, closed_ = false;
};

}  // namespace flame::inline v0::session
