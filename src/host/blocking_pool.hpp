#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

#include <flame/context.hpp>
#include <flame/session/manager.hpp>

#include "chain.hpp"
#include "loop.hpp"

namespace flame::inline v0::detail {

/// A handler that has, or waits for, a thread of the pool: the awaitable of its step.
class BlockingCall {
 public:
  BlockingCall(Context& context, const Step& step) noexcept;
  BlockingCall(const BlockingCall&) = delete;
  BlockingCall& operator=(const BlockingCall&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting);
  /// False: it did not run, since too many wait. Throws what the handler threw, or Cut.
  [[nodiscard]] bool await_resume() const;

 private:
  friend class BlockingPool;
  enum class Fate { runs, turned_away, cut };

  void run() noexcept;
  /// On its loop. It may be gone then.
  void resume() noexcept { loop_.post(&resumed_); }

  Context& context_;
  const Step& step_;
  Loop& loop_;
  session::Operation resumed_{};
  std::coroutine_handle<> waiting_{};
  std::exception_ptr error_{};
  Fate fate_ = Fate::runs;
  BlockingCall* next_ = nullptr;
};

/// Threads for handlers that block, started as they are needed.
class BlockingPool {
 public:
  /// Each thread begins with `begin`.
  BlockingPool(std::size_t threads, std::size_t most_waiting, std::function<void()> begin);
  ~BlockingPool() { end(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Any thread. False: its fate is told already.
  [[nodiscard]] bool take(BlockingCall& call) noexcept;
  /// On a loop's thread, once nobody sleeps on it any more (Loop::cuts): whose coroutine is of this
  /// loop, and waits for a thread, is cut, and so is who comes from now on.
  void cut(const Loop& loop) noexcept;
  /// Once no loop runs: ends its threads; one whose handler does not end is left behind.
  void end() noexcept;

 private:
  struct State;
  static void serve(const std::shared_ptr<State>& state, std::size_t number) noexcept;
  static bool start_thread(const std::shared_ptr<State>& state) noexcept;

  std::shared_ptr<State> state_;  // its threads have it, too
};

}  // namespace flame::inline v0::detail
