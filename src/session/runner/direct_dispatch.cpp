#include <atomic>
#include <mutex>

#include "dispatch.hpp"
#include "record/new_connection.hpp"

namespace flame::inline v0::session {
namespace {

constexpr std::size_t sweep_batch = 64;
constexpr std::chrono::milliseconds sweep_pause{1000};

class DirectDispatch final : public Dispatch {
 public:
  DirectDispatch(StorePtr store, const StoreTime& time) : store_(std::move(store)), time_(time) {}

  std::optional<Failure> open() override {
    try {
      connect();
    } catch (const StoreError& error) {
      if (error.kind() == StoreError::Kind::refused) throw;
      return caught_failure();
    }
    return std::nullopt;
  }

  bool submit(StoreCall& call) noexcept override {
    try {
      run(call);
    } catch (...) {
      call.failure = caught_failure();
    }
    return true;
  }

  std::string stop(Deadline) noexcept override {
    stopped_.store(true);
    return {};
  }

 private:
  void run(StoreCall& call) {
    if (stopped_.load(std::memory_order_relaxed)) {
      call.failure = failure_of(Errc::stopped, was_stopped, false);
      return;
    }
    auto* const connection = connected(call);
    if (!connection) return;
    if (call.connects_only) return;
    const Call now{call.now, call.deadline};
    if (auto* const list = call.list) {
      list->page = list->read(*connection, now);
      return;
    }
    const auto verb = call.op.verb;
    const auto key = call.op.record.key;
    call.op.outcome = Outcome::unanswered;
    connection->run({&call.op, 1}, now);
    call.op.verb = verb;  // the library's, whatever the store does to it
    call.op.record.key = key;
    sweep(*connection, now);
  }

  /// Null: the call has failed, and was not sent.
  StoreConnection* connected(StoreCall& call) {
    if (auto* const connection = connection_.load(std::memory_order_acquire)) return connection;
    try {
      return connect();
    } catch (const StoreError& error) {
      call.failure = failure_of(Errc::store_unavailable, error.what(), false);
      return nullptr;
    }
  }

  /// A few at a time, now and then, at the cost of whoever comes then.
  void sweep(StoreConnection& connection, const Call& call) noexcept {
    auto due = next_sweep_.load(std::memory_order_relaxed);
    if (call.now.time_since_epoch().count() < due) return;
    const auto next = call.now + sweep_pause;
    if (!next_sweep_.compare_exchange_strong(due, next.time_since_epoch().count())) return;
    try {
      // A full batch: there is more, so the next request goes on.
      if (connection.sweep(sweep_batch, {time_.careful(), call.deadline}) >= sweep_batch)
        next_sweep_ = 0;
    } catch (...) {
      on_sweep_failed(caught_failure().error);
    }
  }

  StoreConnection* connect() {
    const std::scoped_lock lock(mutex_);
    if (!owned_) {
      const Call call{time_.now(), {}};
      auto connection = new_connection(*store_);
      connection->connect(call);
      for (const auto& warning : connection->prepare(call)) on_warning(warning);
      owned_ = std::move(connection);
      connection_.store(owned_.get(), std::memory_order_release);
    }
    return owned_.get();
  }

  StorePtr store_;
  const StoreTime& time_;
  std::mutex mutex_{};
  std::unique_ptr<StoreConnection> owned_{};
  std::atomic<StoreConnection*> connection_{nullptr};
  std::atomic<bool> stopped_{false};
  std::atomic<std::chrono::milliseconds::rep> next_sweep_{0};
};

}  // namespace

std::unique_ptr<Dispatch> direct_dispatch(StorePtr store, const StoreTime& time) {
  return std::make_unique<DirectDispatch>(std::move(store), time);
}

}  // namespace flame::inline v0::session
