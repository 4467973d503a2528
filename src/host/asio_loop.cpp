#include "asio_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

/// A list in which an operation may be gone once it is done.
void run_all(session::Operation* list) noexcept {
  while (list != nullptr) {
    auto* next = std::exchange(list->next, nullptr);
    list->done(*list);
    list = next;
  }
}

}  // namespace

/// While coroutines are resumed, finished exchanges wait until the stack is theirs no more.
class AsioLoop::Resuming {
 public:
  explicit Resuming(AsioLoop& loop) noexcept : loop_(loop) { loop_.resuming_ = true; }
  Resuming(const Resuming&) = delete;
  Resuming& operator=(const Resuming&) = delete;
  ~Resuming() {
    loop_.resuming_ = false;
    loop_.running.store(nullptr, std::memory_order_relaxed);
    loop_.run_finished();
  }

 private:
  AsioLoop& loop_;
};

void AsioLoop::post(session::Operation* list) noexcept {
  session::Operation* last = list;
  while (last->next != nullptr) last = last->next;
  session::Operation* before = posted_.load(std::memory_order_relaxed);
  do {
    last->next = before;
  } while (!posted_.compare_exchange_weak(before, list, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
  if (before != nullptr) return;  // the next one is posted no earlier than this one runs
  boost::asio::post(io_, post_memory_.bind([this] { run_posted(); }));
}

void AsioLoop::run_posted() {
  const Resuming resuming(*this);
  run_all(posted_.exchange(nullptr, std::memory_order_acq_rel));
}

void AsioLoop::resume_after(std::chrono::milliseconds time, std::coroutine_handle<> waiting,
                            const Route* route) {
  const std::scoped_lock lock(sleepers_mutex_);
  if (cuts) time = {};  // who sleeps on another thread may come when all were woken
  sleepers_.push_front({boost::asio::steady_timer(io_, time), waiting, route});
  const auto sleeper = sleepers_.begin();
  try {
    sleeper->timer.async_wait([this, sleeper](boost::system::error_code) { wake(sleeper); });
  } catch (...) {
    sleepers_.erase(sleeper);
    throw;
  }
}

void AsioLoop::wake(std::list<Sleeper>::iterator sleeper) {
  const auto waiting = sleeper->waiting;
  const Resuming resuming(*this);
  has_thread(sleeper->route);
  {
    const std::scoped_lock lock(sleepers_mutex_);
    sleepers_.erase(sleeper);
  }
  waiting.resume();
}

void AsioLoop::wake_sleepers() noexcept {
  const std::scoped_lock lock(sleepers_mutex_);
  cuts = true;
  for (auto& sleeper : sleepers_) sleeper.timer.cancel();
}

void AsioLoop::finished(session::Operation& operation) noexcept {
  if (io_.get_executor().running_in_this_thread() && resuming_) {
    operation.next = std::exchange(finished_, &operation);
  } else {  // resumed by something that isn't ours
    post(&operation);
  }
}

void AsioLoop::run_finished() noexcept {
  while (finished_ != nullptr) run_all(std::exchange(finished_, nullptr));  // each may finish more
}

void AsioLoop::run() {
  thread = std::this_thread::get_id();
  const auto work = boost::asio::make_work_guard(io_);
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {
      log_error(error.what());
    } catch (...) {
      log_error("an exception that is no std::exception");
    }
  }
}

}  // namespace flame::inline v0::detail
