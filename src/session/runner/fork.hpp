#pragma once

#include <pthread.h>

#include <atomic>

namespace flame::inline v0::session {

/// The forks that lie between this process and its first ancestor: what a child inherits of threads
/// and locks is of another generation, and left alone.
inline std::atomic<unsigned> fork_generation{0};

/// Before the first fork that matters.
inline void count_forks() {
  static const int registered = pthread_atfork(
      nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
}

}  // namespace flame::inline v0::session
