#include "lane.hpp"

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
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Pushed::closed;
    if (waiting_ >= max_waiting) {
      LaneCounters::add(counters.refused, 1);
      return Pushed::full;
    }
    // Where others wait already, whoever was woken for them comes by here; and so does every worker
    // that is busy, when it is done.
    wake = calls_.empty() && idle_workers_ > 0;
    calls_.push(call);
    ++waiting_;
  }
  if (wake) filled_.notify_one();
  return Pushed::waits;
}

bool Lane::take(std::size_t max_calls, std::size_t max_bytes, Deadline until,
                std::vector<StoreCall*>& out) {
  std::unique_lock lock(mutex_);
  ++idle_workers_;
  filled_.wait_until(lock, until, [this] { return !calls_.empty() || closed_; });
  --idle_workers_;
  if (calls_.empty()) return !closed_;
  std::size_t bytes = 0;
  while (!calls_.empty() && out.size() < max_calls) {
    bytes += bytes_of(*calls_.front());
    if (!out.empty() && bytes > max_bytes) break;
    out.push_back(calls_.pop());
    --waiting_;
  }
  const bool more = !calls_.empty() && idle_workers_ > 0;
  lock.unlock();
  if (more) filled_.notify_one();
  return true;
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
  filled_.notify_all();
  closing_.notify_all();
}

bool Lane::closed() const noexcept {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

void Lane::pause(Deadline until) {
  std::unique_lock lock(mutex_);
  closing_.wait_until(lock, until, [this] { return closed_; });
}

}  // namespace flame::inline v0::session
