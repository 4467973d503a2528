#include "lane.hpp"

#include <algorithm>
#include <utility>

namespace flame::inline v0::session {
namespace {

std::size_t bytes_of(const StoreCall& call) noexcept {
  return sizeof(Record) + call.op.record.blob.size() + call.op.record.owner.size();
}

/// How often a full lane looks for what is late.
constexpr std::chrono::milliseconds late_interval{10};

bool due_later(const StoreCall* a, const StoreCall* b) noexcept {
  return a->not_before > b->not_before;
}

LaneTraits checked(LaneTraits traits) noexcept {
  traits.workers = std::max<std::size_t>(traits.workers, 1);
  traits.max_batch = std::clamp<std::size_t>(traits.max_batch, 1, Lane::max_waiting);
  return traits;
}

}  // namespace

StoreCounters::Lane LaneCounters::read() const noexcept {
  const auto get = [](const auto& number) { return number.load(std::memory_order_relaxed); };
  StoreCounters::Lane out;
  out.operations = get(operations);
  out.exchanges = get(exchanges);
  out.queue_time = std::chrono::nanoseconds(get(queue_time));
  out.exchange_time = std::chrono::nanoseconds(get(exchange_time));
  out.repeated = get(repeated);
  out.later = get(later);
  out.conflicts = get(conflicts);
  out.aborted = get(aborted);
  out.refused = get(refused);
  return out;
}

Lane::Lane(const Clock& clock, const Limits& limits)
    : clock_(clock),
      traits_(checked(limits.traits)),
      max_put_off_(limits.max_put_off),
      bounds_wait_(limits.bounds_wait),
      longest_turn_(limits.deadline / Congestion::batch_share),
      congestion_(traits_.workers, traits_.max_batch, limits.deadline) {
  put_off_.reserve(max_put_off_);
}

Lane::Pushed Lane::push(StoreCall& call) noexcept {
  WaitList::Sleeper* woken = nullptr;
  const auto bytes = bytes_of(call);
  call.queued_at = clock_.steady();
  {
    const std::scoped_lock lock(mutex_);
    if (const auto answer = admit(call, bytes); answer != Pushed::waits) return answer;
    if (call.not_before > call.queued_at && put_off_.size() < max_put_off_) {
      add_put_off(call, bytes);
      woken = idle_.take();
    } else {
      // Where others wait already, whoever was woken for them comes by here; and so does every
      // worker that is busy, when it is done.
      if (calls_.empty()) woken = idle_.take();
      calls_.push(call);
      waiting_ += 1;
      bytes_ += bytes;
    }
  }
  WaitList::wake(woken);
  return Pushed::waits;
}

Lane::Pushed Lane::admit(const StoreCall& call, std::size_t bytes) noexcept {
  if (closed_) return Pushed::closed;
  if (has_place(call, bytes)) return Pushed::waits;
  if (call.queued_at - looked_for_late_ >= late_interval) {
    set_late_apart(call.queued_at);
    if (has_place(call, bytes)) return Pushed::waits;
  }
  LaneCounters::add(counters.refused, 1);
  return Pushed::full;
}

bool Lane::has_place(const StoreCall& call, std::size_t bytes) noexcept {
  return waiting_ + put_off_.size() < max_waiting &&
         bytes_ + put_off_bytes_ + bytes <= max_waiting_bytes &&
         (!bounds_wait_ || congestion_.admits(waiting_, call.queued_at, call.deadline));
}

/// While all workers hang what is late waits on for nobody: it must not keep others out.
void Lane::set_late_apart(Deadline now) noexcept {
  looked_for_late_ = now;
  auto late = calls_.take_if([&](StoreCall& call) {
    if (call.deadline > now) return false;
    waiting_ -= 1;
    bytes_ -= bytes_of(call);
    return true;
  });
  while (StoreCall* const call = late.pop()) late_.push(*call);
}

void Lane::add_put_off(StoreCall& call, std::size_t bytes) noexcept {
  put_off_bytes_ += bytes;
  put_off_.push_back(&call);  // within what was reserved
  std::ranges::push_heap(put_off_, due_later);
}

bool Lane::put_off(StoreCall& call) noexcept {
  WaitList::Sleeper* woken = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_ || put_off_.size() >= max_put_off_ || call.not_before >= call.deadline)
      return false;
    add_put_off(call, bytes_of(call));
    woken = idle_.take();  // to look when it is to rise
  }
  WaitList::wake(woken);
  LaneCounters::add(counters.later, 1);
  return true;
}

/// Not with nothing put off.
Deadline Lane::next_retry() const noexcept {
  return std::max(put_off_.front()->not_before, turn_ends_);
}

bool Lane::retry_is_due() const noexcept {
  if (put_off_.empty()) return false;
  return (closed_ && turn_ends_ == Deadline{}) || next_retry() <= clock_.steady();
}

/// False: until is over.
bool Lane::wait_for_work(std::unique_lock<ShortMutex>& lock, Deadline until) noexcept {
  while (calls_.empty() && late_.empty() && !closed_ && !retry_is_due()) {
    auto rises = until;
    if (!put_off_.empty())
      rises = std::min(rises, std::chrono::steady_clock::now() + (next_retry() - clock_.steady()));
    if (idle_.wait_until(lock, rises) || rises != until) continue;
    if (calls_.empty() && late_.empty()) return false;
  }
  return true;
}

bool Lane::wait(Deadline until) noexcept {
  std::unique_lock lock(mutex_);
  if (!wait_for_work(lock, until)) return false;
  auto* const woken = idle_.take();
  lock.unlock();
  WaitList::wake(woken);
  return true;
}

void Lane::end(Turn turn) noexcept {
  WaitList::Sleeper* woken = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    if (turn != turn_) return;  // another has it by now
    turn_ends_ = {};
    if (!put_off_.empty()) woken = idle_.take();
  }
  WaitList::wake(woken);
}

bool Lane::take(Deadline until, std::vector<StoreCall*>& out, Turn& turn) {
  std::unique_lock lock(mutex_);
  if (!wait_for_work(lock, until)) return true;
  if (!late_.empty()) {  // to be told so, by whoever comes first
    while (!late_.empty() && out.size() < traits_.max_batch) out.push_back(late_.pop());
    return true;
  }
  if (retry_is_due()) {
    if (++turn_ == 0) ++turn_;
    turn = turn_;
    turn_ends_ = clock_.steady() + longest_turn_;
    take_put_off(out);
    auto* const woken = calls_.empty() && put_off_.empty() ? nullptr : idle_.take();
    lock.unlock();
    WaitList::wake(woken);
    return true;
  }
  if (calls_.empty()) return false;
  // All of them, and what is too much back: they are looked at without the lock.
  auto all = calls_.take_all();
  const auto count = std::exchange(waiting_, 0);
  const auto their_bytes = std::exchange(bytes_, 0);
  const auto limit = congestion_.next_batch(clock_.steady());
  const bool takes_all = count <= limit && their_bytes <= traits_.max_batch_bytes;
  if (takes_all) congestion_.taken(count, limit, false);
  auto* const woken = put_off_.empty() ? nullptr : idle_.take();
  lock.unlock();
  WaitList::wake(woken);
  std::size_t bytes = 0;
  while (!all.empty() && (takes_all || out.size() < limit)) {
    const auto more = takes_all ? 0 : bytes_of(*all.front());
    if (!out.empty() && bytes + more > traits_.max_batch_bytes) break;
    bytes += more;
    out.push_back(all.pop());
  }
  if (all.empty() && !takes_all) {
    lock.lock();
    congestion_.taken(out.size(), limit, false);
  }
  if (!all.empty()) put_back(all, {count, out.size(), limit}, their_bytes - bytes);
  return true;
}

void Lane::take_put_off(std::vector<StoreCall*>& out) noexcept {
  std::size_t bytes = 0;
  const auto limit = congestion_.next_batch(clock_.steady());
  while (!put_off_.empty() && out.size() < limit) {
    StoreCall& first = *put_off_.front();
    const auto more = bytes_of(first);
    const bool is_due = closed_ || first.not_before <= clock_.steady();
    if (!is_due || (!out.empty() && bytes + more > traits_.max_batch_bytes)) break;
    std::ranges::pop_heap(put_off_, due_later);
    put_off_.pop_back();
    bytes += more;
    out.push_back(&first);
  }
  put_off_bytes_ -= bytes;
}

/// What a worker could not take with the rest.
void Lane::put_back(Fifo<StoreCall> left, Taken taken, std::size_t bytes) noexcept {
  WaitList::Sleeper* woken = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    congestion_.taken(taken.out, taken.limit, true);
    calls_.put_before(left);
    waiting_ += taken.of - taken.out;
    bytes_ += bytes;
    woken = idle_.take();
  }
  WaitList::wake(woken);
}

Fifo<StoreCall> Lane::take_all() noexcept {
  const std::scoped_lock lock(mutex_);
  auto out = calls_.take_all();
  while (StoreCall* const call = late_.pop()) out.push(*call);
  for (StoreCall* call : put_off_) out.push(*call);
  put_off_.clear();
  waiting_ = bytes_ = put_off_bytes_ = 0;
  return out;
}

void Lane::exchanged(std::size_t operations, std::chrono::nanoseconds took,
                     bool answered) noexcept {
  LaneCounters::add(counters.exchanges, 1);
  LaneCounters::add(counters.exchange_time, took.count());
  if (!answered) return;
  const std::scoped_lock lock(mutex_);
  congestion_.exchanged(operations, took, clock_.steady());
}

Deadline Lane::answers_at(std::size_t operations, Deadline now) const noexcept {
  const std::scoped_lock lock(mutex_);
  return congestion_.answers_at(operations, now);
}

void Lane::close() noexcept {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  idle_.wake_all();
  pausing_.wake_all();
}

bool Lane::closed() const noexcept {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

void Lane::pause(Deadline until) noexcept {
  std::unique_lock lock(mutex_);
  while (!closed_ && pausing_.wait_until(lock, until)) continue;
}

}  // namespace flame::inline v0::session
