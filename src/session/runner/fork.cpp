#include "fork.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace flame::inline v0::session {
namespace {

std::atomic<unsigned> generation{0};

}  // namespace

unsigned fork_generation() noexcept {
  static const int registered = ::pthread_atfork(
      nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return generation.load(std::memory_order_relaxed);
}

void ForkMutex::lock() noexcept {
  const pid_t self = ::getpid();
  for (;;) {
    pid_t seen = 0;
    if (holder_.compare_exchange_strong(seen, self, std::memory_order_acquire)) return;
    if (seen != self && holder_.compare_exchange_strong(seen, self, std::memory_order_acquire))
      return;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace flame::inline v0::session
