#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>

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
  /// From any thread: everything that was posted before still runs.

 private:
  class Resuming;
  template <class T>
  struct PostMemory;
  void run_posted();
  void run_finished() noexcept;

  // Of the handler that is posted, one at a time. It outlives the io_context, which may have it.
  alignas(std::max_align_t) std::array<std::byte, 128> post_memory_;
  boost::asio::io_context io_;
  std::atomic<session::Operation*> posted_{nullptr};  // lists, the newest first
  session::Operation* finished_ = nullptr;            // a list, the newest first
  bool resuming_ = false;
};

}  // namespace flame::inline v0::detail
