#include "wait_list.hpp"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include <utility>

namespace flame::inline v0::session {
namespace {

timespec timespec_of(Deadline at) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch());
  const std::chrono::nanoseconds rest = at.time_since_epoch() - seconds;
  return {static_cast<time_t>(seconds.count()), static_cast<long>(rest.count())};
}

}  // namespace

/// One thread's sleep, on its stack.
class WaitList::Sleeper {
 public:
  Sleeper() noexcept { ::sem_init(&woken_, 0, 0); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { ::sem_destroy(&woken_); }

  void wake() noexcept { ::sem_post(&woken_); }
  void sleep() noexcept {
    while (::sem_wait(&woken_) != 0) continue;  // a signal came
  }
  bool sleep_until(Deadline until) noexcept {
    const auto limit = timespec_of(until);
    for (;;) {
      if (::sem_clockwait(&woken_, CLOCK_MONOTONIC, &limit) == 0) return true;
      if (errno != EINTR) return false;
    }
  }

  Sleeper* before = nullptr;

 private:
  sem_t woken_;
};

bool WaitList::wait_until(std::unique_lock<ShortMutex>& lock, Deadline until) noexcept {
  Sleeper self;
  self.before = std::exchange(last_, &self);
  lock.unlock();
  const bool woken = self.sleep_until(until);
  lock.lock();
  if (woken) return true;
  if (remove(self)) return false;
  self.sleep();  // whoever took it out is about to wake it
  return true;
}

WaitList::Sleeper* WaitList::take() noexcept {
  Sleeper* const taken = last_;
  if (taken) last_ = taken->before;
  return taken;
}

void WaitList::wake(Sleeper* sleeper) noexcept {
  if (sleeper) sleeper->wake();
}

void WaitList::wake_all() noexcept {
  while (Sleeper* const each = take()) each->wake();
}

bool WaitList::remove(Sleeper& sleeper) noexcept {
  for (Sleeper** at = &last_; *at; at = &(*at)->before) {
    if (*at != &sleeper) continue;
    *at = sleeper.before;
    return true;
  }
  return false;
}

}  // namespace flame::inline v0::session
