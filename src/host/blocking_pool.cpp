#include "blocking_pool.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "access.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {

BlockingCall::BlockingCall(Context& context, const Step& step) noexcept
    : context_(context), step_(step), loop_(*ContextAccess::loop(context)) {
  resumed_.context = this;
  resumed_.done = [](session::Operation& self) noexcept {
    auto& call = *static_cast<BlockingCall*>(self.context);
    call.loop_.has_thread(ContextAccess::route(call.context_));
    call.waiting_.resume();
  };
}

bool BlockingCall::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  if (loop_.pool != nullptr) return loop_.pool->take(*this);
  run();
  return false;
}

bool BlockingCall::await_resume() const {
  if (fate_ == Fate::cut) throw Cut();
  if (error_) std::rethrow_exception(error_);
  return fate_ == Fate::runs;
}

void BlockingCall::run() noexcept try {
  step_.direct(step_.object, context_, step_.bindings.data());
} catch (...) {
  error_ = std::current_exception();
}

struct BlockingPool::State {
  State(std::size_t thread_count, std::size_t waiting_count, std::function<void()> first_thing)
      : most_threads(thread_count), most_waiting(waiting_count), begin(std::move(first_thing)) {
    threads.reserve(thread_count);
    busy.reserve(thread_count);
  }

  void append(BlockingCall& call) noexcept {
    *end = &call;
    end = &call.next_;
  }
  /// It has a thread, or may wait for one.
  BlockingCall::Fate fate_of_next(const std::shared_ptr<State>& self) noexcept {
    const bool runs =
        waiting < idle || start_thread(self) || (!threads.empty() && waiting < idle + most_waiting);
    return runs ? BlockingCall::Fate::runs : BlockingCall::Fate::turned_away;
  }

  const std::size_t most_threads, most_waiting;
  const std::function<void()> begin;
  std::mutex mutex{};
  std::condition_variable has_changed{};
  BlockingCall *first = nullptr, **end = &first;  // who waits, in order of arrival
  std::size_t waiting = 0;
  std::vector<std::thread> threads{};
  std::vector<char> busy{};  // as many
  std::size_t idle = 0;
  bool ends = false;
};

BlockingPool::BlockingPool(std::size_t threads, std::size_t most_waiting,
                           std::function<void()> begin)
    : state_(std::make_shared<State>(threads, most_waiting, std::move(begin))) {}

void BlockingPool::end() noexcept {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->ends = true;
    state_->has_changed.notify_all();
  }
  for (std::size_t i = 0; i < state_->threads.size(); ++i) {
    auto& thread = state_->threads[i];
    if (!thread.joinable()) continue;
    std::unique_lock lock(state_->mutex);
    if (state_->busy[i] != 0) {
      thread.detach();
      continue;
    }
    lock.unlock();
    thread.join();
  }
}

bool BlockingPool::take(BlockingCall& call) noexcept {
  const std::scoped_lock lock(state_->mutex);
  auto& all = *state_;
  call.fate_ = call.loop_.cuts || all.ends ? BlockingCall::Fate::cut : all.fate_of_next(state_);
  if (call.fate_ != BlockingCall::Fate::runs) return false;
  all.append(call);
  ++all.waiting;
  all.has_changed.notify_one();
  return true;
}

/// With the mutex. False: there are as many as may be, or the system has no more.
bool BlockingPool::start_thread(const std::shared_ptr<State>& state) noexcept try {
  const auto number = state->threads.size();
  if (state->ends || number == state->most_threads) return false;
  state->threads.emplace_back([state, number] { serve(state, number); });
  state->busy.push_back(0);
  ++state->idle;
  return true;
} catch (const std::exception& error) {
  log_error(std::string("no thread for flame::blocking: ") + error.what());
  return false;
}

void BlockingPool::serve(const std::shared_ptr<State>& state, std::size_t number) noexcept {
  state->begin();
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->has_changed.wait(lock, [&] { return state->ends || state->first != nullptr; });
    if (state->ends) return;
    BlockingCall& call = *state->first;
    state->first = call.next_;
    if (state->first == nullptr) state->end = &state->first;
    --state->waiting;
    --state->idle;
    state->busy[number] = 1;
    lock.unlock();
    call.run();
    call.resume();
    lock.lock();
    state->busy[number] = 0;
    ++state->idle;
  }
}

void BlockingPool::cut(const Loop& loop) noexcept {
  const std::scoped_lock lock(state_->mutex);
  auto& all = *state_;
  all.end = &all.first;
  for (auto* call = std::exchange(all.first, nullptr); call != nullptr;) {
    auto* next = std::exchange(call->next_, nullptr);
    if (&call->loop_ == &loop) {
      --all.waiting;
      call->fate_ = BlockingCall::Fate::cut;
      call->resume();
    } else {
      all.append(*call);
    }
    call = next;
  }
}

}  // namespace flame::inline v0::detail
