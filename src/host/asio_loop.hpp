#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <mutex>

#include "handler_memory.hpp"
#include "loop.hpp"

namespace flame::inline v0::detail {

/// An event loop; one thread runs it.
class AsioLoop final : public Loop {
 public:
  AsioLoop() : io_(1) {}
  ~AsioLoop() = default;

  [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }

  void post(session::Operation* list) noexcept override;
  void resume_after(std::chrono::milliseconds time, std::coroutine_handle<> waiting,
                    const Route* route) override;
  void finished(session::Operation& operation) noexcept override;

  /// Has all that sleeps, or would, end with Cut.
  void wake_sleepers() noexcept;

  /// Runs until io().stop(). What an application's code throws here is logged.
  void run();

 private:
  class Resuming;
  struct Sleeper {
    boost::asio::steady_timer timer;
    std::coroutine_handle<> waiting;
    const Route* route;
  };

  void wake(std::list<Sleeper>::iterator sleeper);
  void run_posted();
  void run_finished() noexcept;

  HandlerMemory post_memory_{};
  boost::asio::io_context io_;
  std::atomic<session::Operation*> posted_{nullptr};  // lists, the newest first
  session::Operation* finished_ = nullptr;            // a list, the newest first
  bool resuming_ = false;
  std::mutex sleepers_mutex_{};  // a handler may be on another thread, resumed by the application's
  std::list<Sleeper> sleepers_{};
};

}  // namespace flame::inline v0::detail
