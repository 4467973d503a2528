#include "lane.hpp"

namespace flame::inline v0::session {
namespace {

std::size_t bytes_of(const StoreCall& call) noexcept {
  return sizeof(Record) + call.op.record.blob.size() + call.op.record.owner.size();
}

}  // namespace

bool Lane::push(StoreCall& call) noexcept {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_ || waiting_ >= max_waiting) return false;
    call.next = nullptr;
    *end_ = &call;
    end_ = &call.next;
    ++waiting_;
    wake = idle_workers_ > 0;  // a worker that is busy looks here by itself when it is done
  }
  if (wake) filled_.notify_one();
  return true;
}

bool Lane::take(std::size_t max_calls, std::size_t max_bytes, Deadline until,
                std::vector<StoreCall*>& out) {
  std::unique_lock lock(mutex_);
  ++idle_workers_;
  filled_.wait_until(lock, until, [this] { return first_ || closed_; });
  --idle_workers_;
  if (!first_) return !closed_;
  std::size_t bytes = 0;
  while (first_ && out.size() < max_calls) {
    bytes += bytes_of(*first_);
    if (!out.empty() && bytes > max_bytes) break;
    out.push_back(first_);
    first_ = first_->next;
    --waiting_;
  }
  if (!first_) end_ = &first_;
  const bool more = first_ && idle_workers_ > 0;
  lock.unlock();
  if (more) filled_.notify_one();
  return true;
}

void Lane::take_late(Deadline now, std::vector<StoreCall*>& out) {
  const std::scoped_lock lock(mutex_);
  for (StoreCall** at = &first_; *at;) {
    StoreCall* const call = *at;
    if (call->deadline > now) {
      at = &call->next;
      continue;
    }
    *at = call->next;
    if (end_ == &call->next) end_ = at;
    out.push_back(call);
    --waiting_;
  }
}

void Lane::close() noexcept {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  filled_.notify_all();
}

bool Lane::closed() const noexcept {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

void Lane::pause(Deadline until) {
  std::unique_lock lock(mutex_);
  filled_.wait_until(lock, until, [this] { return closed_; });
}

}  // namespace flame::inline v0::session
