#pragma once

#include <condition_variable>
#include <mutex>

#include "database.hpp"

namespace flame::inline v0::session::sqlite {

/// Whose turn it is to write, of one process's connections: they wake each other, where SQLite
/// would have them look again and again.
class Turn {
 public:
  /// Taken, or not by `until`, or not before `database` was interrupted.
  class Held {
   public:
    Held(Turn& turn, const Database& database, Deadline until)
        : turn_(turn), held_(turn.take(database, until)) {}
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

  /// Those who wait look whether their database was interrupted. Any thread.
  void wake() noexcept {
    const std::scoped_lock lock(mutex_);
    given_.notify_all();
  }

 private:
  bool take(const Database& database, Deadline until) {
    std::unique_lock lock(mutex_);
    given_.wait_until(lock, until, [&] { return !taken_ || database.interrupted(); });
    if (taken_ || database.interrupted()) return false;
    return taken_ = true;
  }
  // To all: one that was interrupted would not pass it on.
  void give() noexcept {
    const std::scoped_lock lock(mutex_);
    taken_ = false;
    given_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable given_;
  bool taken_ = false;
};

}  // namespace flame::inline v0::session::sqlite
