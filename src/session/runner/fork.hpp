#pragma once

#include <sys/types.h>

#include <atomic>

namespace flame::inline v0::session {

/// Counts the forks that lie between this process and its first ancestor. Whatever has threads or
/// locks is of one generation: a child makes its own, and never touches what another thread of its
/// parent may have held.
[[nodiscard]] unsigned fork_generation() noexcept;

/// A mutex for what is done seldom and may take long. A child of fork() takes over one that a
/// thread of its parent held: that thread is not there, and what it was at is of another
/// generation.
class ForkMutex {
 public:
  void lock() noexcept;
  void unlock() noexcept { holder_.store(0, std::memory_order_release); }

 private:
  std::atomic<pid_t> holder_{0};  // 0, or the process of the thread that has it
};

}  // namespace flame::inline v0::session
