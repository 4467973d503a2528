#pragma once

#include <atomic>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// For store authors: what a connection waits with, in the place of a driver that blocks. A wait
/// ends at its deadline, and when another thread interrupts: StoreConnection::abort() is then a
/// call of interrupt(), whatever the driver does with its descriptor.
class Waiter {
 public:
  Waiter() noexcept;
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Until `events` (of poll(2)) or an error is there: answers what is. Throws StoreError
  /// connection_lost at `until` (unset: never), and once it was interrupted.
  [[nodiscard]] short wait(int descriptor, short events, Deadline until);
  /// Throws as wait() does: between two calls that do not wait.
  void check(Deadline until) const;
  /// Any thread, any number of times; never blocks. Every wait() from then on throws.
  void interrupt() noexcept;

 private:
  const int signal_;  // an eventfd; -1 where there was no descriptor left
  std::atomic<bool> interrupted_{false};
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
