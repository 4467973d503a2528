#pragma once

#include <semaphore.h>

namespace flame::inline v0::session {

/// Counts what was released and not acquired yet. No std::counting_semaphore: that of g++ 12 may
/// sleep for ever though it was released (GCC bug 104928).
class Semaphore {
 public:
  Semaphore() noexcept { ::sem_init(&count_, 0, 0); }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() { ::sem_destroy(&count_); }

  void release() noexcept { ::sem_post(&count_); }
  void acquire() noexcept {
    while (::sem_wait(&count_) != 0) continue;  // a signal came
  }

 private:
  sem_t count_;
};

}  // namespace flame::inline v0::session
