#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <exception>
#include <stop_token>
#include <thread>

#include <flame/session/manager.hpp>

namespace flame::inline v0::detail {

struct Route;
class BlockingPool;

/// What comes out of a handler's sleep once its request is cut.
struct Cut final : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "the host has stopped"; }
};

/// What an exchange needs of its event loop.
class Loop : public session::Executor {
 public:
  virtual void resume_after(std::chrono::milliseconds time, std::coroutine_handle<> waiting,
                            const Route* route) = 0;
  /// Runs it once nothing that is being resumed is on the stack any more.
  virtual void finished(session::Operation& operation) noexcept = 0;

  /// From now on a handler of this route has the loop's thread, if this is that.
  void has_thread(const Route* route) noexcept {
    if (std::this_thread::get_id() != thread) return;
    running.store(route, std::memory_order_relaxed);
    turns.fetch_add(1, std::memory_order_relaxed);
  }
  /// Whose handler has the thread, for who asks why it takes so long; null between handlers.
  std::atomic<const Route*> running{nullptr};
  std::atomic<unsigned> turns{0};  // how often it has been set
  std::thread::id thread{};        // set before it runs
  std::stop_token stop{};          // set before it runs
  BlockingPool* pool = nullptr;    // set before it runs; null: what blocks may do so here
  std::atomic<bool> cuts{false};   // nobody sleeps any more

 protected:
  ~Loop() = default;
};

}  // namespace flame::inline v0::detail
