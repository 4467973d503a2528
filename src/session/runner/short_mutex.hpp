#pragma once

#include <pthread.h>

namespace flame::inline v0::session {

/// A mutex for critical sections of a few instructions: who finds it taken spins for a moment
/// before it sleeps. Putting a thread to sleep and waking it costs a hundred times what is waited
/// for.
class ShortMutex {
 public:
  ShortMutex() = default;
  ShortMutex(const ShortMutex&) = delete;
  ShortMutex& operator=(const ShortMutex&) = delete;
  ~ShortMutex() { ::pthread_mutex_destroy(&mutex_); }

  void lock() noexcept { ::pthread_mutex_lock(&mutex_); }
  bool try_lock() noexcept { return ::pthread_mutex_trylock(&mutex_) == 0; }
  void unlock() noexcept { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
};

}  // namespace flame::inline v0::session
