#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>

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
  void resume_after(std::chrono::milliseconds time, std::coroutine_handle<> waiting) override;
  void finished(session::Operation& operation) noexcept override;

  /// Runs until io().stop(). What an application's code throws here is logged.
  void run();

 private:
  class Resuming;
  void run_posted();
  void run_finished() noexcept;

  HandlerMemory post_memory_{};
  boost::asio::io_context io_;
  std::atomic<session::Operation*> posted_{nullptr};  // lists, the newest first
  session::Operation* finished_ = nullptr;            // a list, the newest first
  bool resuming_ = false;
};

}  // namespace flame::inline v0::detail
