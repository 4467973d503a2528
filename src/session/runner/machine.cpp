#include "machine.hpp"

#include <algorithm>

#include "fork.hpp"
#include "library_thread.hpp"
#include "runner.hpp"

namespace flame::inline v0::session {
namespace {

// How often the two that watch look, whatever the deadline is.
constexpr std::chrono::milliseconds least_tick{5}, longest_tick{1000};

constexpr auto stopped_in_store =
    "the session manager was stopped while the store was at it: what became of it is unknown";

Lane::Limits limits(const LaneTraits& traits, std::chrono::milliseconds deadline) {
  return {.traits = traits, .deadline = deadline};
}

/// What no request waits for waits as long as it must, and holds up nobody.
Lane::Limits background_limits(const LaneTraits& traits, std::chrono::milliseconds deadline) {
  return {.traits = traits,
          .deadline = deadline,
          .max_put_off = Lane::max_waiting,
          .bounds_wait = false};
}

void add_name(std::string& named, const char* name) noexcept try {
  named.append(named.empty() ? "" : ", ").append(name);
} catch (const std::bad_alloc&) {
}

}  // namespace

Machine::Machine(const StorePtr& store, StoreTime& time, const Clock& clock,
                 std::chrono::milliseconds deadline, const Dispatch& told, bool prepared,
                 const Machine* inherited)
    : shared_{.store = store,
              .time = time,
              .clock = clock,
              .told = told,
              .deadline = deadline,
              .traits = store->traits(),
              .prepared = PrepareOnce(prepared)},
      on_wake_(told.on_wake),
      inherited_(inherited),
      generation_(fork_generation()),
      reads_{"reads", Lane(clock, limits(shared_.traits.reads, deadline))},
      writes_{"writes", Lane(clock, limits(shared_.traits.writes, deadline))},
      background_{"background",
                  Lane(clock, background_limits(shared_.traits.background, deadline))} {
  try {
    start_workers(reads_, shared_.traits.reads, false);
    start_workers(writes_, shared_.traits.writes, false);
    start_workers(background_, shared_.traits.background, true);
    watchdog_ = std::thread([this] { watch(); });
    aborter_ = std::thread([this] { abort_what_hangs(); });
  } catch (...) {
    static_cast<void>(stop(Deadline::max()));
    throw;
  }
}

void Machine::start_workers(Pool& pool, const LaneTraits& traits, bool background) {
  const auto workers = std::max<std::size_t>(traits.workers, 1);
  pool.workers.reserve(workers);  // one that runs cannot be taken back
  for (std::size_t i = 0; i < workers; ++i)
    pool.workers.push_back(
        std::make_unique<Worker>(shared_, pool.lane, traits.max_batch, background && i == 0));
}

bool Machine::is_of_this_process() const noexcept { return generation_ == fork_generation(); }

Lane::Pushed Machine::push(StoreCall& call) noexcept {
  if (call.list) return reads_.lane.push(call);
  if (call.is_background) return background_.lane.push(call);
  switch (call.op.verb) {
    case Verb::load:
      return reads_.lane.push(call);
    case Verb::touch:
      return background_.lane.push(call);
    case Verb::create:
    case Verb::replace:
    case Verb::erase:
      break;
  }
  return writes_.lane.push(call);
}

void Machine::wake_at(Deadline at) noexcept {
  const std::scoped_lock lock(mutex_);
  if (alarm_ == Deadline{} || at < alarm_) alarm_ = at;
  if (at < sleeps_until_) changed_.notify_all();
}

StoreCounters Machine::counters() const noexcept {
  return {reads_.lane.counters.read(), writes_.lane.counters.read(),
          background_.lane.counters.read()};
}

template <class F>
void Machine::for_each_worker(F f) noexcept {
  for (Pool* pool : {&reads_, &writes_, &background_})
    for (const auto& worker : pool->workers) f(*worker);
}

void Machine::watch() noexcept {
  mark_library_thread();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto tick =
        shared_.clock.steady() + std::clamp(shared_.deadline / 2, least_tick, longest_tick);
    sleeps_until_ = alarm_ == Deadline{} ? tick : std::min(tick, alarm_);
    changed_.wait_until(lock, shared_.real(sleeps_until_));
    shared_.time.tick();
    if (alarm_ == Deadline{} || alarm_ > shared_.clock.steady()) continue;
    alarm_ = {};
    lock.unlock();
    on_wake_();
    lock.lock();
  }
}

void Machine::abort_what_hangs() noexcept {
  mark_library_thread();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, aborts_all_
                                ? least_tick
                                : std::clamp(shared_.deadline / 8, least_tick, longest_tick));
    const bool all = aborts_all_;
    lock.unlock();
    const auto now = shared_.clock.steady();
    for_each_worker([now, all](Worker& worker) {
      if (all || worker.is_over_limit(now)) worker.abort();
    });
    for (Pool* pool : {&reads_, &writes_}) abort_oldest(*pool, now);
    lock.lock();
  }
  aborter_ended_ = true;
  changed_.notify_all();
}

/// Where all workers of a lane have hung for a deadline nobody is left who would be in time: one
/// tries a new connection.
void Machine::abort_oldest(Pool& pool, Deadline now) noexcept {
  Worker* oldest = nullptr;
  auto longest = std::chrono::nanoseconds(0);
  for (const auto& worker : pool.workers) {
    const auto time = worker->in_store_for(now);
    if (time < shared_.deadline) return;
    if (time > longest) oldest = worker.get();
    longest = std::max(longest, time);
  }
  if (oldest) oldest->abort();
}

void Machine::abort_all() noexcept {
  const std::scoped_lock lock(mutex_);
  aborts_all_ = true;
  changed_.notify_all();
}

bool Machine::wait_for_workers(Deadline until) noexcept {
  bool all = true;
  for_each_worker([&](Worker& worker) { all &= worker.wait_for_end(until); });
  return all;
}

std::string Machine::stop(Deadline until) noexcept {
  const auto now = std::chrono::steady_clock::now();
  const bool for_ever = until == Deadline::max();
  for (Pool* pool : {&reads_, &writes_, &background_}) pool->lane.close();
  std::string named;
  if (!wait_for_workers(for_ever ? now + std::chrono::hours(1) : now + (until - now) / 2)) {
    for (Pool* pool : {&reads_, &writes_, &background_})
      refuse_all(pool->lane.take_all(), Errc::stopped, was_stopped);
    shared_.prepared.close();
    abort_all();  // now and then: who was interrupted may try another connection
    static_cast<void>(wait_for_workers(until));
  }
  for (Pool* pool : {&reads_, &writes_, &background_}) leave_behind(*pool, named);
  stop_watching(until, named);
  return named;
}

/// Who has not ended hangs in the store, or in code of the application's that it is waited for.
void Machine::leave_behind(Pool& pool, std::string& named) noexcept {
  for (const auto& worker : pool.workers) {
    bool left = false;
    Worker::Left calls;
    while (!left && !worker->ended()) {
      left = worker->leave_behind(calls);
      const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      if (!left) static_cast<void>(worker->wait_for_end(soon));
    }
    if (!left) {
      worker->join();
      continue;
    }
    add_name(named, pool.name);
    for (StoreCall* call = calls.in_store.front(); call; call = call->next)
      call->maybe_applied = true;
    refuse_all(calls.in_store, Errc::stopped, stopped_in_store);
    refuse_all(calls.unsent, Errc::stopped, was_stopped);
  }
}

void Machine::stop_watching(Deadline until, std::string& named) noexcept {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  lock.unlock();
  if (watchdog_.joinable()) watchdog_.join();
  if (!aborter_.joinable()) return;
  lock.lock();
  const auto least = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
  const bool ended =
      changed_.wait_until(lock, std::max(until, least), [this] { return aborter_ended_; });
  lock.unlock();
  if (ended) return aborter_.join();
  aborter_.detach();
  add_name(named, "the one that interrupts the others");
}

}  // namespace flame::inline v0::session
