#include "worker.hpp"

#include <algorithm>

#include "completion.hpp"
#include "runner.hpp"

namespace flame::inline v0::session {
namespace {

constexpr std::chrono::hours idle_wait{1};  // wait_until() overflows with Deadline::max()

Deadline steady_now() noexcept { return std::chrono::steady_clock::now(); }

}  // namespace

void RunnerShared::prepare(Deadline until) {
  const std::scoped_lock lock(prepare_mutex);
  if (prepared) return;
  store->prepare(call_now(until));
  prepared = true;
}

/// While one lives, the watchdog may abort the connection.
class Worker::Exchange {
 public:
  explicit Exchange(Worker& worker) : worker_(worker) {
    const std::scoped_lock lock(worker_.mutex_);
    worker_.exchange_since_ = steady_now();
  }
  ~Exchange() {
    bool aborted = false;
    {
      const std::scoped_lock lock(worker_.mutex_);
      worker_.exchange_since_ = {};
      aborted = std::exchange(worker_.aborted_, false);
    }
    if (aborted) worker_.disconnect();  // whatever it answered: half an exchange may be left on it (R07)
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

 private:
  Worker& worker_;
};

Worker::Worker(RunnerShared& shared, Lane& lane, bool background)
    : shared_(shared),
      lane_(lane),
      background_(background),
      jitter_(std::random_device{}()),
      next_sweep_(steady_now() + with_jitter(sweep_interval)),
      thread_([this] { loop(); }) {}

Worker::~Worker() { thread_.join(); }

void Worker::abort_older_than(Deadline limit) noexcept {
  const std::scoped_lock lock(mutex_);
  if (exchange_since_ == Deadline{} || exchange_since_ > limit || aborted_) return;
  aborted_ = true;
  connection_->abort();
}

void Worker::loop() {
  std::vector<StoreCall*> calls;
  const auto until = [this] { return background_ ? next_sweep_ : steady_now() + idle_wait; };
  while (lane_.take(shared_.traits.max_batch, max_batch_bytes, until(), calls)) {
    if (!calls.empty()) run(calls);
    if (background_) background();
  }
  disconnect();
}

void Worker::run(std::vector<StoreCall*>& calls) {
  const CompletionBatch completions;
  const auto late = std::partition(calls.begin(), calls.end(), [now = steady_now()](const StoreCall* call) {
    return call->deadline > now;
  });
  for (auto at = late; at != calls.end(); ++at) {
    (*at)->failure = Failure{{Errc::deadline, "the store was too busy to begin: nothing was done"}, false};
    (*at)->done(**at);
  }
  calls.erase(late, calls.end());
  while (!calls.empty()) {
    batch_.fill(calls);
    exchange();
    batch_.answer();
  }
}

void Worker::exchange() {
  const auto until = steady_now() + shared_.deadline * exchange_deadlines;
  run_part(batch_.all(), until, false);
}

void Worker::run_part(Batch::Part part, Deadline until, bool repeated) {
  if (!connected(until)) return batch_.fail(part, {last_error_, false});
  try {
    const Exchange exchange(*this);
    Batch::Run run(batch_, part);  // gives the operations back, whatever happens
    connection_->run(run.ops(), shared_.call_now(until));
  } catch (const StoreError& error) {
    return failed(part, until, repeated, error);
  } catch (const std::exception& error) {
    return failed(part, until, repeated,
                  {StoreError::Kind::connection_lost, "the store threw no StoreError: a bug of its"});
  }
  shared_.breaker.succeeded();
  batch_.fail(part, {{Errc::store_unavailable, "the store left an operation unanswered: a bug of its"}, true});
}

/// What became of the unanswered ones, and what is to be done about it.
void Worker::failed(Batch::Part part, Deadline until, bool repeated, const StoreError& error) {
  const bool lost = error.kind() == StoreError::Kind::connection_lost;
  if (lost) {
    disconnect();
    note_failure(error.what());
  }
  Batch::Part open = batch_.unanswered(part);
  if (!lost && open.size() > 1) {
    const auto half = open.begin() + static_cast<std::ptrdiff_t>(open.size() / 2);
    run_part({open.begin(), half}, until, repeated);
    return run_part({half, open.end()}, until, repeated);
  }
  Batch::Part again;
  if (lost && !repeated) again = batch_.take_repeatable(open);
  batch_.fail(open, {{Errc::store_unavailable, error.what()}, lost});
  if (!again.empty()) run_part(again, until, true);
}

void Worker::note_failure(const char* text) {
  last_error_ = {Errc::store_unavailable, text};
  shared_.breaker.failed(steady_now(), static_cast<std::uint32_t>(jitter_()));
}

bool Worker::connected(Deadline until) {
  while (!connection_) {
    const auto now = steady_now();
    if (shared_.breaker.open(now) || now >= until) {
      if (last_error_.text.empty()) last_error_ = {Errc::store_unavailable, "the store is down"};
      return false;
    }
    if (const auto due = shared_.breaker.next_try(); due > now) lane_.pause(std::min(due, until));
    try {
      connect(std::min(until, steady_now() + shared_.deadline));
    } catch (const std::exception& error) {
      note_failure(error.what());
      if (lane_.closed()) return false;
    }
  }
  return true;
}

void Worker::connect(Deadline until) {
  shared_.prepare(until);
  auto connection = shared_.store->connect(until);
  if (const auto now = connection->clock(shared_.call_now(until))) shared_.time.set(*now);
  const std::scoped_lock lock(mutex_);
  connection_ = std::move(connection);
}

void Worker::disconnect() noexcept {
  std::unique_ptr<StoreConnection> closing;
  const std::scoped_lock lock(mutex_);
  closing = std::move(connection_);
}

void Worker::background() {
  const auto now = steady_now();
  if (now < next_sweep_) return;
  next_sweep_ = now + with_jitter(sweep_interval);
  const auto until = now + shared_.deadline * exchange_deadlines;
  if (shared_.breaker.open(now) || !connected(until)) return;
  try {
    const Exchange exchange(*this);
    if (const auto time = connection_->clock(shared_.call_now(until))) shared_.time.set(*time);
    // A full batch: there is more, which other work may come between.
    if (connection_->sweep(sweep_limit, shared_.call_now(until)) >= sweep_limit)
      next_sweep_ = now + with_jitter(std::chrono::milliseconds(20));
  } catch (const std::exception& error) {
    disconnect();
    note_failure(error.what());
  }
}

std::chrono::milliseconds Worker::with_jitter(std::chrono::milliseconds pause) {
  return pause / 2 + pause * (jitter_() % 1024) / 1024;  // from a half to one and a half of it
}

}  // namespace flame::inline v0::session
