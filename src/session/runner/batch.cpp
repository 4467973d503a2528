#include "batch.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace flame::inline v0::session {
namespace {

bool equal_place(const StoreOp& a, const StoreOp& b) noexcept {
  return a.verb == b.verb && a.record.key == b.record.key;
}

/// May be sent twice without harm.
bool repeatable(Verb verb) noexcept { return verb != Verb::create && verb != Verb::replace; }

/// The later touch covers the earlier.
void merge(StoreOp& into, const StoreOp& from) noexcept {
  into.record.last_seen = std::max(into.record.last_seen, from.record.last_seen);
  into.record.expires_at = std::max(into.record.expires_at, from.record.expires_at);
}

}  // namespace

Batch::Batch(std::size_t max_calls) {
  calls_.reserve(max_calls);
  ops_.reserve(max_calls);
  places_.reserve(max_calls);
  failures_.reserve(max_calls);
  all_.reserve(max_calls);
}

bool Batch::before(const Member& a, const Member& b) noexcept {
  const StoreOp& x = a.call->op;
  const StoreOp& y = b.call->op;
  if (x.verb != y.verb) return x.verb < y.verb;
  const auto order = x.record.key <=> y.record.key;
  return order != 0 ? order < 0 : a.at < b.at;
}

void Batch::fill(std::vector<StoreCall*>& calls, Fifo<StoreCall>& given_up) noexcept {
  for (StoreCall* call : calls) calls_.push_back({call, static_cast<std::uint32_t>(calls_.size())});
  calls.clear();
  std::sort(calls_.begin(), calls_.end(), before);
  auto end = calls_.begin();
  for (Member member : calls_) {
    StoreOp& op = member.call->op;
    const bool equal = !ops_.empty() && equal_place(ops_.back(), op);
    if (equal && !repeatable(op.verb)) {
      calls.push_back(member.call);
      continue;
    }
    if (member.call->sending && !member.call->sending->begin()) {
      given_up.push(*member.call);
      continue;
    }
    if (equal) {
      merge(ops_.back(), op);
      places_.back().tried |= member.call->maybe_applied;
    } else {
      all_.push_back(static_cast<std::uint32_t>(ops_.size()));
      places_.push_back({op.verb, op.record.key, member.call->maybe_applied});
      ops_.push_back(std::move(op));
      ops_.back().outcome = Outcome::unanswered;
    }
    member.at = all_.back();
    *end++ = member;
  }
  calls_.erase(end, calls_.end());
  failures_.resize(ops_.size());
}

Batch::Part Batch::of(Verb verb) const {
  Part out;
  for (const auto at : all_)
    if (places_[at].verb == verb) out.push_back(at);
  return out;
}

bool Batch::is_open(std::uint32_t at) const noexcept {
  return ops_[at].outcome == Outcome::unanswered && !failures_[at];
}

Batch::Part Batch::unanswered(const Part& part) const {
  Part out;
  for (const auto at : part)
    if (is_open(at)) out.push_back(at);
  return out;
}

bool Batch::is_awaited(std::uint32_t at, Deadline now) const noexcept {
  return std::ranges::any_of(
      calls_, [&](const Member& each) { return each.at == at && each.call->deadline > now; });
}

Batch::Part Batch::take_repeatable(Part& part, Deadline now) {
  const auto rest = std::stable_partition(part.begin(), part.end(), [&](auto at) {
    return !repeatable(places_[at].verb) || !is_awaited(at, now);
  });
  Part out(rest, part.end());
  part.erase(rest, part.end());
  for (const auto at : out) places_[at].tried = true;
  return out;
}

void Batch::fail(const Part& part, const Failure& failure) {
  for (const auto at : part)
    if (is_open(at)) failures_[at] = failure;
}

void Batch::put_off(const Part& part) noexcept {
  for (const auto at : part)
    if (is_open(at)) ops_[at].outcome = Outcome::later;
}

bool Batch::any_failed() const noexcept {
  return std::ranges::any_of(failures_, [](const auto& each) { return each.has_value(); });
}

std::size_t Batch::conflicts() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count(ops_, Outcome::conflict, [](const StoreOp& op) { return op.outcome; }));
}

Batch::Run::Run(Batch& batch, const Part& part)
    : batch_(batch), part_(part), whole_(part.size() == batch.ops_.size()) {
  if (whole_) return;
  some_.reserve(part.size());
  for (const auto at : part) some_.push_back(std::move(batch_.ops_[at]));
}

Batch::Run::~Run() {
  for (std::size_t i = 0; i < some_.size(); ++i) batch_.ops_[part_[i]] = std::move(some_[i]);
  for (const auto at : part_) {
    batch_.ops_[at].verb = batch_.places_[at].verb;
    batch_.ops_[at].record.key = batch_.places_[at].key;
  }
}

/// To a call what its operation came to. The last that shares it may take it.
void Batch::give(StoreCall& call, std::uint32_t at, bool shared) noexcept {
  call.maybe_applied |= places_[at].tried;
  try {
    if (shared) {
      call.failure = failures_[at];
      call.op = ops_[at];
    } else {
      call.failure = std::move(failures_[at]);
      call.op = std::move(ops_[at]);
    }
  } catch (const std::bad_alloc&) {
    call.failure = Failure{{Errc::out_of_memory, {}}, true};  // no text: it would need memory
    call.op.verb = places_[at].verb;
    call.op.record.key = places_[at].key;
  }
  if (call.failure) call.failure->maybe_applied |= call.maybe_applied;
}

Fifo<StoreCall> Batch::answer() noexcept {
  Fifo<StoreCall> put_off;
  auto kept = calls_.begin();
  // done() may free the call, and what it is part of: nothing of it is touched afterwards.
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const auto [call, at] = calls_[i];
    if (is_open(at)) {
      *kept++ = calls_[i];
      continue;
    }
    const bool later = !failures_[at] && ops_[at].outcome == Outcome::later;
    const bool shared = i + 1 < calls_.size() && calls_[i + 1].at == at;
    give(*call, at, shared);
    if (later && !call->failure)
      put_off.push(*call);
    else
      call->done(*call);
  }
  calls_.erase(kept, calls_.end());
  return put_off;
}

Fifo<StoreCall> Batch::abandon() noexcept {
  Fifo<StoreCall> out;
  for (const Member& each : std::exchange(calls_, {})) out.push(*each.call);
  return out;
}

void Batch::clear() noexcept {
  ops_.clear();
  places_.clear();
  failures_.clear();
  all_.clear();
}

}  // namespace flame::inline v0::session
