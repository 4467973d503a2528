#include "batch.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace flame::inline v0::session {
namespace {

bool before(const StoreCall* a, const StoreCall* b) noexcept {
  if (a->op.verb != b->op.verb) return a->op.verb < b->op.verb;
  return a->op.record.key < b->op.record.key;
}

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

void Batch::fill(std::vector<StoreCall*>& calls) {
  std::stable_sort(calls.begin(), calls.end(), before);
  std::vector<StoreCall*> left;
  for (StoreCall* call : calls) {
    const bool equal = !ops_.empty() && equal_place(ops_.back(), call->op);
    if (equal && !repeatable(call->op.verb)) {
      left.push_back(call);
      continue;
    }
    if (equal)
      merge(ops_.back(), call->op);
    else
      ops_.push_back(std::move(call->op));
    calls_.push_back({call, ops_.size() - 1});
  }
  calls = std::move(left);
  for (StoreOp& op : ops_) op.outcome = Outcome::unanswered;
  failures_.assign(ops_.size(), std::nullopt);
}

Batch::Part Batch::all() const {
  Part part(ops_.size());
  std::iota(part.begin(), part.end(), 0U);
  return part;
}

Batch::Part Batch::unanswered(const Part& part) const {
  Part out;
  for (const auto at : part)
    if (ops_[at].outcome == Outcome::unanswered && !failures_[at]) out.push_back(at);
  return out;
}

Batch::Part Batch::take_repeatable(Part& part) const {
  const auto rest = std::stable_partition(part.begin(), part.end(),
                                          [this](auto at) { return !repeatable(ops_[at].verb); });
  Part out(rest, part.end());
  part.erase(rest, part.end());
  return out;
}

void Batch::fail(const Part& part, const Failure& failure) {
  for (const auto at : unanswered(part)) failures_[at] = failure;
}

Batch::Run::Run(Batch& batch, const Part& part)
    : batch_(batch), part_(part), whole_(part.size() == batch.ops_.size()) {
  if (whole_) return;
  some_.reserve(part.size());
  for (const auto at : part) some_.push_back(std::move(batch_.ops_[at]));
}

Batch::Run::~Run() {
  for (std::size_t i = 0; i < some_.size(); ++i) batch_.ops_[part_[i]] = std::move(some_[i]);
}

void Batch::answer() noexcept {
  // done() may free the call, and what it is part of: nothing of it is touched afterwards.
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const auto [call, at] = calls_[i];
    const bool shared = i + 1 < calls_.size() && calls_[i + 1].op == at;
    call->failure = failures_[at];
    if (shared)
      call->op = ops_[at];
    else
      call->op = std::move(ops_[at]);
    call->done(*call);
  }
  calls_.clear();
  ops_.clear();
  failures_.clear();
}

}  // namespace flame::inline v0::session
