#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <flame/session/waiter.hpp>

namespace flame::inline v0::session {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void fail(const char* text) {
  throw StoreError(StoreError::Kind::connection_lost, text);
}

/// In milliseconds, up: a wait that ended a moment early would be repeated at once.
int patience(Deadline until) noexcept {
  if (until == Deadline{}) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
  constexpr std::chrono::milliseconds longest{1'000'000};
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), longest).count());
}

}  // namespace

Waiter::Waiter() noexcept : signal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Waiter::~Waiter() {
  if (signal_ >= 0) ::close(signal_);
}

void Waiter::check(Deadline until) const {
  if (signal_ < 0)
    fail("no descriptor is left to wait for the store with: raise the limit (ulimit -n)");
  if (interrupted_.load(std::memory_order_acquire)) fail("the call was given up");
  if (until != Deadline{} && steady_clock::now() >= until) fail("the store did not answer in time");
}

short Waiter::wait(int descriptor, short events, Deadline until) {
  for (;;) {
    check(until);
    std::array<pollfd, 2> both{pollfd{descriptor, events, 0}, pollfd{signal_, POLLIN, 0}};
    const int ready = ::poll(both.data(), both.size(), patience(until));
    if (ready < 0 && errno != EINTR && errno != EAGAIN && errno != ENOMEM)
      fail("the system cannot wait for the store's connection");
    if (ready > 0 && both[0].revents != 0) return both[0].revents;
  }
}

void Waiter::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  if (signal_ >= 0) static_cast<void>(::eventfd_write(signal_, 1));
}

}  // namespace flame::inline v0::session
