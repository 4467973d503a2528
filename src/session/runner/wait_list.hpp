#pragma once

#include <mutex>

#include <flame/session/store.hpp>

#include "short_mutex.hpp"

namespace flame::inline v0::session {

/// Threads that sleep until they are woken, under a lock of the owner's. Not a condition variable:
/// one makes each of those whom it wakes enter the kernel again, to unlock; this wakes the one that
/// fell asleep last, whose memory is still near, and lets the others sleep on.
class WaitList {
 public:
  class Sleeper;

  /// Sleeps without the lock. False: nobody woke it until then.
  bool wait_until(std::unique_lock<ShortMutex>& lock, Deadline until) noexcept;
  /// Null: nobody sleeps. With the lock; wake() is for after it.
  [[nodiscard]] Sleeper* take() noexcept;
  static void wake(Sleeper* sleeper) noexcept;  // null: nobody
  /// With the lock.
  void wake_all() noexcept;

 private:
  [[nodiscard]] bool remove(Sleeper& sleeper) noexcept;

  Sleeper* last_ = nullptr;
};

}  // namespace flame::inline v0::session
