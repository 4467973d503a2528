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
  ~Server();  ///< stop() and wait()

  session::Result<void> start(bool with_signals);
  /// Any thread; returns at once.
  void stop() noexcept;
  /// Whether it was told to stop, and may be waited for: not by a thread of its own.
  [[nodiscard]] bool is_ending() const noexcept;
  /// Until it has ended. At once on a thread of its own.
  void wait() noexcept;
  [[nodiscard]] const std::string& address() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// In a catch block: what keeps the host from starting, as start() reports it.
[[nodiscard]] session::Error caught_error() noexcept;

/// A line for each option that makes no sense.
[[nodiscard]] std::vector<std::string> check(const HostOptions& options);

}  // namespace flame::inline v0::detail
