#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <flame/flame.hpp>
#include <flame/session/error.hpp>

namespace flame::inline v0::detail {

class App;

/// A server: listens, serves on its threads, and ends in order.
class Server {
 public:
  /// The App is opened, and is closed when all requests are done; it outlives the server.
  Server(App& app, HostOptions options, bool logs);
  ~Server();  ///< stop() and wait(); leaves its memory behind while something holds on to it

  session::Result<void> start(bool with_signals);
  /// Any thread; returns at once.
  void stop() noexcept;
  /// Whether it was told to stop, and may be waited for: not by a thread of its own.
  [[nodiscard]] bool is_ending() const noexcept;
  /// Until it has ended, or gave up to wait for handlers. At once on a thread of its own. Does not
  /// return where the process exits on another thread meanwhile, which destroys what follows.
  void wait() noexcept;
  /// stop() and wait() in exit(): on a thread of its own it waits for the others.
  void stop_for_exit() noexcept;
  void wait_for_exit() noexcept;
  /// After wait(): handlers may still use it, and the App.
  [[nodiscard]] bool holds_on() const noexcept;
  /// After wait(): something was not done to its end.
  [[nodiscard]] bool was_cut() const noexcept;
  [[nodiscard]] const std::string& address() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Keeps what somebody may still use reachable, for good.
void leave_behind(const void* memory) noexcept;

/// In a catch block: what keeps the host from starting, as start() reports it.
[[nodiscard]] session::Error caught_error() noexcept;

/// A line for each option that makes no sense.
[[nodiscard]] std::vector<std::string> check(const HostOptions& options);

}  // namespace flame::inline v0::detail
