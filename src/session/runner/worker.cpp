#include "worker.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "completion.hpp"
#include "runner.hpp"

namespace flame::inline v0::session {
namespace {

constexpr std::chrono::hours idle_wait{1};  // wait_until() overflows with Deadline::max()
constexpr auto too_late = "the store was too busy to begin: nothing was done";

/// Where a processor is short, the thread that submits goes on until it has nothing to do: one that
/// were stopped at its first call, for a worker just woken, would find each of its calls in an
/// exchange of its own. Whoever chose another policy for this process knows why.
void yield_to_loops() noexcept {
  int policy = 0;
  sched_param parameters{};
  if (::pthread_getschedparam(::pthread_self(), &policy, &parameters) == 0 && policy == SCHED_OTHER)
    ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &parameters);
}

}  // namespace

std::chrono::milliseconds RunnerShared::exchange_limit() const noexcept {
  return deadline * exchange_deadlines;
}

void RunnerShared::prepare(Deadline until) {
  const std::scoped_lock lock(prepare_mutex);
  if (prepared) return;
  store->prepare({time.now(), until});
  prepared = true;
}

void refuse_all(Fifo<StoreCall> calls, Errc code, const char* text) noexcept {
  const CompletionBatch completions;
  while (StoreCall* const call = calls.pop()) {
    call->failure = failure_of(code, text, false);
    call->done(*call);
  }
}

class Worker::Exchange {
 public:
  explicit Exchange(Worker& worker) noexcept : worker_(worker) {
    const std::scoped_lock lock(worker_.mutex_);
    worker_.exchange_since_ = worker_.shared_.clock.steady();
  }
  ~Exchange() {
    bool aborted = false;
    {
      const std::scoped_lock lock(worker_.mutex_);
      worker_.exchange_since_ = {};
      aborted = std::exchange(worker_.aborted_, false);
    }
    if (!aborted) return;
    worker_.disconnect();  // whatever it answered: half an exchange may be left on it
    LaneCounters::add(worker_.lane_.counters.aborted, 1);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

 private:
  Worker& worker_;
};

/// One exchange of a batch, in the counters.
class Worker::Counted {
 public:
  explicit Counted(Worker& worker) noexcept
      : worker_(worker), began_(worker.shared_.clock.steady()) {}
  ~Counted() {
    auto& counters = worker_.lane_.counters;
    const std::chrono::nanoseconds took = worker_.shared_.clock.steady() - began_;
    LaneCounters::add(counters.exchanges, 1);
    LaneCounters::add(counters.exchange_time, took.count());
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Worker& worker_;
  const Deadline began_;
};

Worker::Worker(RunnerShared& shared, Lane& lane, bool is_background)
    : shared_(shared),
      lane_(lane),
      background_(is_background),
      jitter_(std::random_device{}()),
      batch_(shared.traits.max_batch),
      next_sweep_(shared.clock.steady() + with_jitter(sweep_interval)),
      thread_([this] { loop(); }) {}

void Worker::abort_older_than(Deadline limit) noexcept {
  const std::scoped_lock lock(mutex_);
  if (exchange_since_ == Deadline{} || exchange_since_ > limit || aborted_) return;
  aborted_ = true;
  connection_->abort();
}

void Worker::loop() noexcept {
  yield_to_loops();
  std::vector<StoreCall*> calls;
  calls.reserve(shared_.traits.max_batch);
  const auto until = [this] {
    return background_ ? shared_.real(next_sweep_) : std::chrono::steady_clock::now() + idle_wait;
  };
  while (lane_.take(shared_.traits.max_batch, max_batch_bytes, until(), calls)) {
    if (!calls.empty()) run(calls);
    if (background_) background();
  }
  disconnect();
}

void Worker::run(std::vector<StoreCall*>& calls) noexcept {
  const bool is_connected = connected();  // may take its time: who is late is seen after it
  refuse_late(calls);
  while (!calls.empty()) {
    const CompletionBatch completions;
    batch_.fill(calls);
    try {
      if (is_connected)
        run_part(batch_.all(), false);
      else
        batch_.fail(batch_.all(), {last_error_, false});
    } catch (const std::bad_alloc&) {
      batch_.fail(batch_.all(), out_of_memory());
    }
    LaneCounters::add(lane_.counters.conflicts, batch_.conflicts());
    batch_.answer();
  }
}

void Worker::refuse_late(std::vector<StoreCall*>& calls) noexcept {
  const auto now = shared_.clock.steady();
  auto queue_time = std::chrono::nanoseconds::zero();
  Fifo<StoreCall> late;
  LaneCounters::add(lane_.counters.operations, calls.size());
  std::erase_if(calls, [&](StoreCall* call) {
    queue_time += now - call->queued_at;
    if (call->deadline > now) return false;
    late.push(*call);
    return true;
  });
  LaneCounters::add(lane_.counters.queue_time, queue_time.count());
  if (!late.empty()) refuse_all(late, Errc::deadline, too_late);
}

void Worker::run_part(const Batch::Part& part, bool repeated) {
  if (!connected()) return batch_.fail(part, {last_error_, false});
  try {
    exchange(part);
  } catch (...) {
    return failed(part, repeated, caught_failure());
  }
  shared_.breaker.succeeded();
  const auto forgotten = batch_.unanswered(part);
  if (forgotten.empty()) return;
  batch_.fail(forgotten, failure_of(Errc::store_unavailable, left_unanswered, true));
}

void Worker::exchange(const Batch::Part& part) {
  const Counted counted(*this);
  const Exchange exchange(*this);
  Batch::Run run(batch_, part);  // gives the operations back, whatever happens
  connection_->run(run.ops(), shared_.call_within(shared_.exchange_limit()));
}

/// What became of the unanswered ones, and what is to be done about it.
void Worker::failed(const Batch::Part& part, bool repeated, const Failure& failure) {
  if (failure.lost)
    lost(failure, connected_since_);
  else
    shared_.breaker.succeeded();
  Batch::Part open = batch_.unanswered(part);
  if (failure.refused && open.size() > 1) {
    const auto half = open.begin() + static_cast<std::ptrdiff_t>(open.size() / 2);
    run_part({open.begin(), half}, repeated);
    return run_part({half, open.end()}, repeated);
  }
  Batch::Part again;
  if (failure.lost && !failure.unconfirmed && !repeated)
    again = batch_.take_repeatable(open, shared_.clock.steady());
  batch_.fail(open, failure);
  if (again.empty()) return;
  LaneCounters::add(lane_.counters.repeated, again.size());
  run_part(again, true);
}

void Worker::lost(Failure failure, Deadline began) noexcept {
  disconnect();
  last_error_ = std::move(failure.error);
  shared_.breaker.failed(shared_.clock.steady(), began, static_cast<std::uint32_t>(jitter_()));
}

/// Connects where it must, for as long as one operation would wait for it.
bool Worker::connected() noexcept {
  if (connection_) return true;
  const auto until = shared_.clock.steady() + shared_.deadline;
  while (!connection_) {
    const auto now = shared_.clock.steady();
    const auto due = shared_.breaker.next_try(now, shared_.deadline);
    if (!due || now >= until) {
      if (last_error_.text.empty())
        last_error_ = failure_of(Errc::store_unavailable, "the store is down", false).error;
      return false;
    }
    if (*due > now) lane_.pause(shared_.real(std::min(*due, until)));
    const auto began = shared_.clock.steady();
    try {
      connect();
    } catch (...) {
      lost(caught_failure(), began);
      if (lane_.closed()) return false;
    }
  }
  return true;
}

void Worker::connect() {
  const auto call = shared_.call_within(shared_.deadline);
  shared_.prepare(call.deadline);
  auto connection = shared_.store->connect(call.deadline);
  {
    const std::scoped_lock lock(mutex_);
    connection_ = std::move(connection);
  }
  connected_since_ = shared_.clock.steady();
  const Exchange exchange(*this);
  read_clock(shared_.deadline);
}

void Worker::read_clock(std::chrono::milliseconds limit) {
  const auto sent = shared_.clock.elapsed();
  if (const auto told = connection_->clock(shared_.call_within(limit)))
    shared_.time.read(*told, sent, shared_.clock.elapsed());
}

void Worker::disconnect() noexcept {
  std::unique_ptr<StoreConnection> closing;
  const std::scoped_lock lock(mutex_);
  closing = std::move(connection_);
}

void Worker::background() noexcept {
  const auto now = shared_.clock.steady();
  if (now < next_sweep_) return;
  next_sweep_ = now + with_jitter(sweep_interval);
  if (!connected()) return shared_.on_sweep_failed(last_error_);
  try {
    sweep();
    shared_.breaker.succeeded();
  } catch (...) {
    auto failure = caught_failure();
    shared_.on_sweep_failed(failure.error);
    if (failure.lost) lost(std::move(failure), connected_since_);
  }
}

void Worker::sweep() {
  const Exchange exchange(*this);
  read_clock(shared_.exchange_limit());
  next_sweep_ = std::min(next_sweep_, shared_.clock.steady() + shared_.time.next_reading());
  // A full batch: there is more, which other work may come between.
  auto call = shared_.call_within(shared_.exchange_limit());
  call.now = shared_.time.careful();
  if (connection_->sweep(sweep_limit, call) >= sweep_limit)
    next_sweep_ = shared_.clock.steady() + with_jitter(std::chrono::milliseconds(20));
}

std::chrono::milliseconds Worker::with_jitter(std::chrono::milliseconds pause) {
  return pause / 2 + pause * (jitter_() % 1024) / 1024;  // from a half to one and a half of it
}

}  // namespace flame::inline v0::session
