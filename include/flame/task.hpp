#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

template <class T = void>
class Task;

namespace detail {

/// Where a task is that another one awaits. A task that ends while it is being started goes back to
/// who started it, instead of resuming it from within: symmetric transfer would do the same, but
/// is a call that returns late, and so a deeper stack for each task, without optimisation and
/// under sanitizers.
enum class Progress : std::uint8_t { starts, waits, ended };

struct PromiseBase {
  std::atomic<Progress> progress{Progress::starts};  // another thread may end what waits
  std::coroutine_handle<> waiting{};
  void (*on_done)(void*) noexcept = nullptr;  // of a root; must not destroy the coroutine
  void* on_done_argument = nullptr;
  std::exception_ptr error{};

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      if (const auto waiter = promise.waiting) {
        if (promise.progress.exchange(Progress::ended, std::memory_order_acq_rel) ==
            Progress::waits) {
          waiter.resume();
        }
      } else if (promise.on_done != nullptr) {
        promise.on_done(promise.on_done_argument);
      }
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
  void rethrow() const {
    if (error) std::rethrow_exception(error);
  }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value{};

  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    rethrow();
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

struct TaskAccess;

}  // namespace detail

/// A coroutine's result to be: lazy, awaited once, by one coroutine. Exceptions come out of the
/// co_await. Destroying it destroys the coroutine where it is suspended. An empty Task<void> is one
/// that is done.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task() noexcept = default;
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  [[nodiscard]] bool await_ready() const noexcept { return !coroutine_ || coroutine_.done(); }
  /// False: it has ended already.
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    auto& promise = coroutine_.promise();
    promise.waiting = waiting;
    coroutine_.resume();
    return promise.progress.exchange(detail::Progress::waits, std::memory_order_acq_rel) !=
           detail::Progress::ended;
  }
  T await_resume() {
    if constexpr (std::is_void_v<T>) {
      if (!coroutine_) return;
    }
    return coroutine_.promise().take();
  }

 private:
  friend promise_type;
  friend detail::TaskAccess;
  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_{};
};

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

/// For who runs a task from outside of any coroutine: the host.
struct TaskAccess {
  /// Runs until it is done or first waits. on_done is called once, inside of it, when it is done.
  static void start(Task<>& task, void (*on_done)(void*) noexcept, void* argument) {
    auto& promise = task.coroutine_.promise();
    promise.on_done = on_done;
    promise.on_done_argument = argument;
    task.coroutine_.resume();
  }
};

}  // namespace detail
}  // namespace flame::inline v0

#pragma GCC visibility pop
