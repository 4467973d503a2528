#pragma once

#include <condition_variable>
#include <mutex>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::sqlite {

/// Whose turn it is to write, of one process's connections: they wake each other, where SQLite
/// would have them look again and again.
class Turn {
 public:
  /// Taken, or not by `until`.
  class Held {
   public:
    Held(Turn& turn, Deadline until) : turn_(turn), held_(turn.take(until)) {}
    ~Held() {
      if (held_) turn_.give();
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    explicit operator bool() const noexcept { return held_; }

   private:
    Turn& turn_;
    const bool held_;
  };

 private:
  bool take(Deadline until) {
    std::unique_lock lock(mutex_);
    if (!given_.wait_until(lock, until, [this] { return !taken_; })) return false;
    return taken_ = true;
  }
  void give() noexcept {
    const std::scoped_lock lock(mutex_);
    taken_ = false;
    given_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable given_;
  bool taken_ = false;
};

}  // namespace flame::inline v0::session::sqlite
