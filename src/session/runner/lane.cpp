#include "lane.hpp"

#include <utility>

namespace flame::inline v0::session {
namespace {

std::size_t bytes_of(const StoreCall& call) noexcept {
  return sizeof(Record) + call.op.record.blob.size() + call.op.record.owner.size();
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
  out.conflicts = get(conflicts);
  out.aborted = get(aborted);
  out.refused = get(refused);
  return out;
}

Lane::Pushed Lane::push(StoreCall& call) noexcept {
  WaitList::Sleeper* woken = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Pushed::closed;
    if (waiting_ >= max_waiting) {
      LaneCounters::add(counters.refused, 1);
      return Pushed::full;
    }
    // Where others wait already, whoever was woken for them comes by here; and so does every worker
    // that is busy, when it is done.
    if (calls_.empty()) woken = idle_.take();
    calls_.push(call);
    ++waiting_;
  }
  WaitList::wake(woken);
  return Pushed::waits;
}

bool Lane::take(std::size_t max_calls, std::size_t max_bytes, Deadline until,
                std::vector<StoreCall*>& out) {
  std::unique_lock lock(mutex_);
  while (calls_.empty() && !closed_)
    if (!idle_.wait_until(lock, until) && calls_.empty()) return true;
  if (calls_.empty()) return false;
  // All of them, and what is too much back: they are looked at without the lock.
  auto all = calls_.take_all();
  const auto count = std::exchange(waiting_, 0);
  lock.unlock();
  std::size_t bytes = 0;
  while (!all.empty() && out.size() < max_calls) {
    bytes += bytes_of(*all.front());
    if (!out.empty() && bytes > max_bytes) break;
    out.push_back(all.pop());
  }
  if (!all.empty()) put_back(all, count - out.size());
  return true;
}

void Lane::put_back(Fifo<StoreCall> left, std::size_t count) noexcept {
  WaitList::Sleeper* woken = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    calls_.put_before(left);
    waiting_ += count;
    woken = idle_.take();
  }
  WaitList::wake(woken);
}

Fifo<StoreCall> Lane::take_late(Deadline now) noexcept {
  const std::scoped_lock lock(mutex_);
  return calls_.take_if([&](StoreCall& call) {
    const bool late = call.deadline <= now;
    waiting_ -= late ? 1 : 0;
    return late;
  });
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
