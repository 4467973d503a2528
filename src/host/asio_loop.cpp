#include "asio_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "text.hpp"

namespace flame::inline v0::detail {

/// While coroutines are resumed, finished exchanges wait until the stack is theirs no more.
class AsioLoop::Resuming {
 public:
  explicit Resuming(AsioLoop& loop) noexcept : loop_(loop) { loop_.resuming_ = true; }
  Resuming(const Resuming&) = delete;
  Resuming& operator=(const Resuming&) = delete;
  ~Resuming() {
    loop_.resuming_ = false;
    loop_.complete_finished();
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
  } while (!posted_.compare_exchange_weak(before, list, std::memory_order_release,
                                          std::memory_order_relaxed));
  if (before == nullptr) boost::asio::post(io_, [this] { run_posted(); });
}

void AsioLoop::run_posted() {
  const Resuming resuming(*this);
  auto* operation = posted_.exchange(nullptr, std::memory_order_acquire);
  while (operation != nullptr) {
    auto* next = std::exchange(operation->next, nullptr);
    operation->done(*operation);
    operation = next;
  }
}

void AsioLoop::resume_after(std::chrono::milliseconds time, std::coroutine_handle<> waiting) {
  auto timer = std::make_unique<boost::asio::steady_timer>(io_, time);
  auto& kept = *timer;
  kept.async_wait([this, waiting, timer = std::move(timer)](boost::system::error_code) {
    const Resuming resuming(*this);
    waiting.resume();
  });
}

void AsioLoop::finished(Exchange& exchange) noexcept {
  if (io_.get_executor().running_in_this_thread() && resuming_) {
    finished_.push_back(&exchange);
  } else {  // resumed by something that isn't ours
    boost::asio::post(io_, [&exchange] { exchange.complete(); });
  }
}

void AsioLoop::complete_finished() {
  // complete() may resume nothing of ours, but finish others: by index
  for (std::size_t i = 0; i < finished_.size(); ++i) finished_[i]->complete();
  finished_.clear();
}

void AsioLoop::run() {
  const auto work = boost::asio::make_work_guard(io_);
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {
      log_error(error.what());
    }
  }
}

}  // namespace flame::inline v0::detail
