#include "worker.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "completion.hpp"
#include "library_thread.hpp"
#include "record/new_connection.hpp"
#include "runner.hpp"

namespace flame::inline v0::session {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::hours idle_wait{1};  // wait_until() overflows with Deadline::max()
constexpr std::chrono::hours longest_age{24 * 365};
constexpr auto too_late = "the store was too busy to begin: nothing was done";
constexpr auto nobody_waits = "nobody waited for it any more: nothing was done";

// Between the tries of what a store puts off.
constexpr milliseconds first_later_pause{10};
constexpr milliseconds longest_later_pause{500};

/// Where a processor is short, the thread that submits goes on until it has nothing to do: one that
/// were stopped at its first call, for a worker just woken, would find each of its calls in an
/// exchange of its own. Whoever chose another policy for this process knows why.
void yield_to_loops() noexcept {
  int policy = 0;
  sched_param parameters{};
  if (::pthread_getschedparam(::pthread_self(), &policy, &parameters) == 0 && policy == SCHED_OTHER)
    ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &parameters);
}

/// A lane gives no more at once, whatever the store would take.
std::vector<StoreCall*> room_for(std::size_t max_batch) {
  std::vector<StoreCall*> out;
  out.reserve(std::clamp<std::size_t>(max_batch, 1, Lane::max_waiting));
  return out;
}

}  // namespace

milliseconds RunnerShared::exchange_limit() const noexcept { return deadline * exchange_deadlines; }

void refuse_all(Fifo<StoreCall> calls, Errc code, const char* text) noexcept {
  const CompletionBatch completions;
  while (StoreCall* const call = calls.pop()) {
    call->failure = failure_of(code, text, call->maybe_applied);
    call->done(*call);
  }
}

class Worker::InStore {
 public:
  InStore(Worker& worker, milliseconds limit) noexcept : worker_(worker) {
    const auto now = worker_.shared_.clock.steady();
    const std::scoped_lock lock(worker_.mutex_);
    worker_.in_store_since_ = now;
    worker_.in_store_until_ = now + limit;
  }
  ~InStore() {
    bool aborted = false;
    {
      std::unique_lock lock(worker_.mutex_);
      worker_.abort_ended_.wait(lock,
                                [this] { return !worker_.aborting_ || worker_.left_behind_; });
      if (worker_.left_behind_) {
        lock.unlock();
        park_for_ever();
      }
      worker_.in_store_since_ = {};
      aborted = std::exchange(worker_.aborted_, false);
    }
    worker_.last_used_ = worker_.shared_.clock.steady();
    if (!aborted) return;
    worker_.disconnect();  // whatever it answered: half an exchange may be left on it
    LaneCounters::add(worker_.lane_.counters.aborted, 1);
  }
  InStore(const InStore&) = delete;
  InStore& operator=(const InStore&) = delete;

 private:
  Worker& worker_;
};

/// One exchange of a batch, in the counters.
class Worker::Measured {
 public:
  Measured(Worker& worker, std::size_t operations) noexcept
      : worker_(worker), operations_(operations), began_(worker.shared_.clock.steady()) {}
  ~Measured() {
    const auto took = worker_.shared_.clock.steady() - began_;
    worker_.lane_.exchanged(operations_, took, answered);
  }
  Measured(const Measured&) = delete;
  Measured& operator=(const Measured&) = delete;

  bool answered = false;

 private:
  Worker& worker_;
  const std::size_t operations_;
  const Deadline began_;
};

template <class F>
void Worker::ask_store(milliseconds limit, F f) {
  const Call call = shared_.call_within(limit);  // before it may be left behind
  {
    const InStore in_store(*this, limit);
    f(*connection_, call);
  }
  if (!connection_)
    throw StoreError(StoreError::Kind::connection_lost, "the store took too long to answer");
}

Worker::Worker(RunnerShared& shared, Lane& lane, std::size_t max_batch, bool is_background)
    : shared_(shared),
      lane_(lane),
      background_(is_background),
      jitter_(std::random_device{}()),
      calls_(room_for(max_batch)),
      batch_(calls_.capacity()),
      next_sweep_(shared.clock.steady() + with_jitter(shared.traits.sweep_every)),
      thread_([this] { loop(); }) {}

std::chrono::nanoseconds Worker::in_store_for(Deadline now) noexcept {
  const std::scoped_lock lock(mutex_);
  return in_store_since_ == Deadline{} ? std::chrono::nanoseconds(0) : now - in_store_since_;
}

bool Worker::is_over_limit(Deadline now) noexcept {
  const std::scoped_lock lock(mutex_);
  return in_store_since_ != Deadline{} && now >= in_store_until_;
}

void Worker::abort() noexcept {
  std::unique_lock lock(mutex_);
  if (in_store_since_ == Deadline{} || std::exchange(aborted_, true)) return;
  aborting_ = true;  // it keeps the connection there
  lock.unlock();
  connection_->abort();
  lock.lock();
  aborting_ = false;
  abort_ended_.notify_one();
}

bool Worker::wait_for_end(Deadline until) noexcept {
  std::unique_lock lock(shared_.mutex);
  return shared_.changed.wait_until(lock, until, [this] { return ended_; });
}

bool Worker::leave_behind(Left& left) noexcept {
  const std::scoped_lock lock(mutex_);
  if (in_store_since_ == Deadline{} && !closing_) return false;
  left_behind_ = true;
  abort_ended_.notify_one();
  left.in_store = batch_.abandon();
  for (StoreCall* const call : std::exchange(calls_, {})) left.unsent.push(*call);
  while (StoreCall* const other = others_.pop()) left.unsent.push(*other);
  thread_.detach();
  return true;
}

void Worker::loop() noexcept {
  mark_library_thread();
  yield_to_loops();
  for (;;) {
    if (!connection_ && !connect_first()) continue;
    // Who has no connection does not fall asleep here: it might wake when others have one.
    const auto until = connection_ ? rises_at() : std::chrono::steady_clock::now();
    Lane::Turn turn = 0;
    if (!lane_.take(until, calls_, turn)) break;
    if (!calls_.empty()) run();
    if (turn != 0) lane_.end(turn);
    if (background_) background();
    retire();
  }
  disconnect();
  const std::scoped_lock lock(shared_.mutex);
  ended_ = true;
  shared_.changed.notify_all();
}

/// When it stops waiting for calls, by real time.
Deadline Worker::rises_at() const noexcept {
  auto at = shared_.clock.steady() + idle_wait;
  if (background_) at = std::min(at, next_sweep_);
  if (connection_) at = std::min(at, retires());
  return shared_.real(at);
}

/// When its connection is closed for its age, or for want of calls.
Deadline Worker::retires() const noexcept {
  const auto idle = shared_.traits.idle_close;
  if (idle <= milliseconds(0)) return grows_old_at_;
  return std::min(grows_old_at_, last_used_ + idle);
}

void Worker::retire() noexcept {
  if (connection_ && shared_.clock.steady() >= retires()) disconnect();
}

/// Where others are connected, who is not makes a connection before it takes a call, so that they
/// may take that meanwhile. False: it could not, and leaves the calls to them.
bool Worker::connect_first() noexcept {
  if (!lane_.wait(rises_at()) || !lane_.others_serve() || connected()) return true;
  lane_.pause(std::chrono::steady_clock::now() + Breaker::first_pause);
  return lane_.closed();
}

void Worker::run() noexcept {
  LaneCounters::add(lane_.counters.operations, calls_.size());
  check_alive();
  const bool is_connected = connected();  // may take its time: who is late is seen after it
  refuse_late();
  answer_others(is_connected);
  if (!is_connected) put_off_again();
  while (!calls_.empty()) {
    Fifo<StoreCall> given_up;
    batch_.fill(calls_, given_up);
    refuse_all(given_up, Errc::deadline, nobody_waits);
    try {
      if (is_connected)
        run_batch();
      else
        batch_.fail(batch_.all(), {last_error_, false});
    } catch (const std::bad_alloc&) {
      batch_.fail(batch_.all(), out_of_memory());
    }
    LaneCounters::add(lane_.counters.conflicts, batch_.conflicts());
    answer();
    batch_.clear();
  }
}

/// Those that are no operations of a batch.
void Worker::answer_others(bool is_connected) noexcept {
  std::erase_if(calls_, [&](StoreCall* call) {
    const bool is_other = call->connects_only || call->list;
    if (is_other) others_.push(*call);
    return is_other;
  });
  if (others_.empty()) return;
  const CompletionBatch completions;
  while (StoreCall* const call = others_.front()) {
    if (!is_connected)
      call->failure = failure_of(Errc::store_unavailable, last_error_.text.c_str(), false);
    else if (call->list)
      list(*call);
    static_cast<void>(others_.pop());
    call->done(*call);
  }
}

/// It reads: where the connection had ended, or ends, it is asked once more, on another.
void Worker::list(StoreCall& call) noexcept {
  if (!list_once(call) && shared_.clock.steady() < call.deadline)
    static_cast<void>(list_once(call));
}

/// False: the connection was lost.
bool Worker::list_once(StoreCall& call) noexcept try {
  call.failure.reset();
  if (!connected()) throw StoreError(StoreError::Kind::connection_lost, last_error_.text);
  const ListRequest wanted{call.list->everyone, call.list->owner, call.list->from,
                           call.list->limit};
  OwnerPage page;  // who is left behind in the store must not write to what may be gone
  ask_store(shared_.exchange_limit(),
            [&](auto& store, const Call& within) { page = wanted.read(store, within); });
  call.list->page = std::move(page);
  return true;
} catch (...) {
  auto failure = caught_failure();
  const bool is_lost = failure.lost;
  if (is_lost) lost(failure, connected_since_);
  failure.maybe_applied = false;
  call.failure = std::move(failure);
  return !is_lost;
}

/// What a store said that it would take later waits for its deadline, though the store is away.
void Worker::put_off_again() noexcept {
  Fifo<StoreCall> again;
  std::erase_if(calls_, [&](StoreCall* call) {
    if (call->times_later > 0) again.push(*call);
    return call->times_later > 0;
  });
  const CompletionBatch completions;
  while (StoreCall* const call = again.pop()) come_again(*call);
}

void Worker::refuse_late() noexcept {
  const auto now = shared_.clock.steady();
  auto queue_time = std::chrono::nanoseconds::zero();
  const auto answered_at = lane_.answers_at(calls_.size(), now);
  Fifo<StoreCall> late, put_off;
  std::erase_if(calls_, [&](StoreCall* call) {
    queue_time += now - call->queued_at;
    if (call->deadline > answered_at) return false;
    (call->times_later > 0 ? put_off : late).push(*call);
    return true;
  });
  LaneCounters::add(lane_.counters.queue_time, queue_time.count());
  if (!late.empty()) refuse_all(late, Errc::deadline, too_late);
  const CompletionBatch completions;
  while (StoreCall* const call = put_off.pop()) call->done(*call);  // it says what it waited for
}

/// Of verbs whose last batch was refused item by item one goes first, and the rest only if it is
/// taken: a store that refuses everything is asked no more often than one that takes it.
Batch::Part Worker::ask_who_was_refused() {
  Batch::Part rest;
  for (std::size_t verb = 0; verb < refuses_.size(); ++verb) {
    auto part = batch_.of(static_cast<Verb>(verb));
    if (refuses_[verb] && part.size() > 1) {
      const auto first = part.front();
      run_part({first}, false);
      part.erase(part.begin());
      if (const Failure* refusal = batch_.failure(first); refusal && refusal->refused)
        batch_.fail(part, Failure(*refusal));
    }
    rest.insert(rest.end(), part.begin(), part.end());
  }
  return batch_.unanswered(rest);
}

void Worker::remember_refusals() {
  for (std::size_t verb = 0; verb < refuses_.size(); ++verb) {
    const auto part = batch_.of(static_cast<Verb>(verb));
    if (part.empty()) continue;
    const bool all = std::ranges::all_of(part, [this](auto at) {
      const Failure* const failure = batch_.failure(at);
      return failure && failure->refused;
    });
    refuses_[verb] = all && (refuses_[verb] || part.size() > 1);
  }
}

void Worker::run_batch() {
  if (refuses_.none())
    run_part(batch_.all(), false);
  else if (const auto rest = ask_who_was_refused(); !rest.empty())
    run_part(rest, false);
  if (refuses_.any() || batch_.any_failed()) remember_refusals();
}

void Worker::run_part(const Batch::Part& part, bool repeated) {
  if (!connected()) return batch_.fail(part, {last_error_, false});
  try {
    exchange(part);
  } catch (...) {
    return failed(part, repeated, caught_failure());
  }
  shared_.breaker.succeeded();
  if (const auto forgotten = batch_.unanswered(part); !forgotten.empty())
    batch_.fail(forgotten, failure_in(StoreOp{}).value());
}

void Worker::exchange(const Batch::Part& part) {
  const Call call = shared_.call_within(shared_.exchange_limit());
  Measured measured(*this, part.size());
  const InStore in_store(*this, shared_.exchange_limit());
  Batch::Run run(batch_, part);  // gives the operations back, whatever happens
  connection_->run(run.ops(), call);
  measured.answered = true;
}

/// What became of the unanswered ones, and what is to be done about it.
void Worker::failed(const Batch::Part& part, bool repeated, const Failure& failure) {
  if (failure.lost)
    lost(failure, connected_since_);
  else
    shared_.breaker.succeeded();
  Batch::Part open = batch_.unanswered(part);
  if (failure.later) return batch_.put_off(open);
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
  answer();  // who has an answer does not wait for the next connection
  LaneCounters::add(lane_.counters.repeated, again.size());
  run_part(again, true);
}

void Worker::answer() noexcept {
  const CompletionBatch completions;
  auto put_off = batch_.answer();
  while (StoreCall* const call = put_off.pop()) come_again(*call);
}

void Worker::come_again(StoreCall& call) noexcept {
  const auto doubled = first_later_pause * (1 << std::min<int>(call.times_later, 10));
  call.not_before =
      shared_.clock.steady() + with_jitter(std::min<milliseconds>(doubled, longest_later_pause));
  if (call.times_later < 255) ++call.times_later;
  call.op.outcome = Outcome::later;
  if (call.sending && !call.maybe_applied) call.sending->reopen();
  call.failure.reset();
  if (!connection_)  // why it has none is what is told if this one waits in vain
    call.failure =
        failure_of(Errc::store_unavailable, last_error_.text.c_str(), call.maybe_applied);
  if (!lane_.put_off(call)) call.done(call);
}

void Worker::lost(Failure failure, Deadline began) noexcept {
  disconnect();
  if (failure.away) shared_.away_at = shared_.clock.steady();
  last_error_ = std::move(failure.error);
  shared_.breaker.failed(shared_.clock.steady(), began, static_cast<std::uint32_t>(jitter_()));
}

/// After a while without a call the backend, or what is between, may be gone, and nobody would say
/// so. What one connection was told of its server (that it became a standby) holds for all.
void Worker::check_alive() noexcept {
  if (connection_ && connected_since_ <= shared_.away_at.load()) disconnect();
  const auto after = shared_.traits.ping_after;
  if (!connection_ || after <= milliseconds(0)) return;
  if (shared_.clock.steady() - last_used_ < after) return;
  try {
    ask_store(shared_.deadline / 4, [](auto& store, const Call& call) { store.ping(call); });
  } catch (...) {
    lost(caught_failure(), connected_since_);
  }
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
  auto connection = new_connection(*shared_.store);
  {
    const std::scoped_lock lock(mutex_);
    connection_ = std::move(connection);
  }
  const auto until = std::chrono::steady_clock::now() + shared_.deadline;
  ask_store(shared_.deadline, [](auto& store, const Call& call) { store.connect(call); });
  prepare(until);
  read_clock(shared_.deadline);
  lane_.serves(1);
  serves_ = true;
  connected_since_ = shared_.clock.steady();
  const auto age = std::min<std::chrono::nanoseconds>(shared_.traits.max_age, longest_age);
  grows_old_at_ = connected_since_ +
                  (age > age.zero() ? age - age / 4 * (jitter_() % 1024) / 1024 : longest_age);
}

void Worker::prepare(Deadline until) {
  if (!shared_.prepared.begin(until)) return;
  std::vector<std::string> warnings;
  try {
    ask_store(shared_.deadline,
              [&](auto& store, const Call& call) { warnings = store.prepare(call); });
  } catch (...) {
    shared_.prepared.ended(false);
    throw;
  }
  shared_.prepared.ended(true);
  for (const auto& warning : warnings) shared_.told.on_warning(warning);
}

void Worker::read_clock(milliseconds limit) {
  const auto sent = shared_.clock.elapsed();
  std::optional<TimePoint> told;
  ask_store(limit, [&](auto& store, const Call& call) { told = store.clock(call); });
  if (told)
    shared_.time.read(*told, sent, shared_.clock.elapsed());
  else
    shared_.time.assume();
}

void Worker::disconnect() noexcept {
  if (std::exchange(serves_, false)) lane_.serves(-1);
  std::unique_ptr<StoreConnection> closing;
  {
    const std::scoped_lock lock(mutex_);
    closing = std::move(connection_);
    closing_ = closing != nullptr;
  }
  closing.reset();
  std::unique_lock lock(mutex_);
  if (left_behind_) {
    lock.unlock();
    park_for_ever();
  }
  closing_ = false;
}

void Worker::background() noexcept {
  const auto now = shared_.clock.steady();
  if (now < next_sweep_) return;
  next_sweep_ = now + with_jitter(sweep_again_after_failure);
  if (!connected()) return shared_.told.on_sweep_failed(last_error_);
  try {
    sweep();
    shared_.breaker.succeeded();
  } catch (...) {
    auto failure = caught_failure();
    shared_.told.on_sweep_failed(failure.error);
    if (failure.lost) lost(std::move(failure), connected_since_);
  }
}

void Worker::sweep() {
  read_clock(shared_.exchange_limit());
  next_sweep_ = std::min(next_sweep_, shared_.clock.steady() + shared_.time.next_reading());
  std::size_t swept = 0;
  const auto careful = shared_.time.careful();
  ask_store(shared_.exchange_limit(), [&](auto& store, Call call) {
    call.now = careful;
    swept = store.sweep(sweep_limit, call);
  });
  // A full batch: there is more, which other work may come between.
  const auto pause = swept >= sweep_limit ? milliseconds(20) : shared_.traits.sweep_every;
  const auto now = shared_.clock.steady();
  next_sweep_ = std::min<Deadline>(now + with_jitter(pause), now + shared_.time.next_reading());
}

milliseconds Worker::with_jitter(milliseconds pause) {
  return pause / 2 + pause * (jitter_() % 1024) / 1024;  // from a half to one and a half of it
}

}  // namespace flame::inline v0::session
