#include "write_flow.hpp"

#include <algorithm>

namespace flame::inline v0::session {

WriteFlow::WriteFlow(const PlanContext& context, RandomSource& random, const Base* base,
                     std::span<Unit* const> units)
    : context_(context), random_(random), base_(base), units_(units), settling_(needs_reading()) {}

StoreOp erase_of(const Record& record) {
  StoreOp op;
  op.verb = Verb::erase;
  op.record.key = record.key;
  op.record.owner = record.owner;
  op.record.last_seen = record.last_seen;
  op.record.expires_at = record.expires_at;
  return op;
}

bool WriteFlow::needs_reading() const noexcept {
  return base_ && (!unknown_.empty() || base_->record.token == WriteToken{});
}

bool WriteFlow::next(StoreOp& op, TimePoint now) {
  if (finished_) return false;
  op = {};
  written_ = {};
  stray_.reset();
  if (settling_) {
    op.record.key = base_->record.key;
    return true;
  }
  for (Unit* unit : units_)
    // A create takes another ID at each try; a replace keeps its own, since an earlier try may have
    // won.
    if (unit->may_need_id() && (!base_ || !unit->fresh)) unit->fresh = SessionId::draw(random_);
  last_ = {draw_write_token(), base_ ? base_->record.token : WriteToken{}};
  Plan planned = plan(base_, units_, context_, last_.token, now);
  if (planned.write == Plan::Write::nothing) {
    // That must hold for the newest record, and not only for one that was read some time ago.
    settling_ = base_ && !on_newest();
    finished_ = !settling_;
    return next(op, now);
  }
  if (!base_ && planned.record.owner.empty() &&
      !context_.creations.admit(units_.front()->address)) {
    fail_all({Errc::overloaded,
              "too many sessions begin, in all or by one address: raise max_created_per_second, or "
              "find out who begins them"});
    units_.front()->result.too_many_begin = true;
    return false;
  }
  op.verb = base_ ? Verb::replace : Verb::create;
  op.expected = last_.expected;
  if (!base_ && !planned.record.owner.empty()) stray_ = erase_of(planned.record);
  op.record = std::move(planned.record);
  if (std::ranges::any_of(units_, &Unit::claims_flash)) written_ = op.record;
  return true;
}

void WriteFlow::answer(StoreOp& op, const std::optional<Failure>& failure, TimePoint now) {
  if (settling_)
    answer_settling(op, failure, now);
  else
    answer_write(op, failure, now);
}

void WriteFlow::answer_write(StoreOp& op, const std::optional<Failure>& failure, TimePoint now) {
  if (failure) {
    if (failure->maybe_applied) unknown_.push_back(last_);
    if (failure->maybe_applied && stray_) strays_.push_back(*std::move(stray_));
    return failed(*failure);
  }
  switch (op.outcome) {
    case Outcome::done:
      if (written_.token == WriteToken{} && op.record.token == last_.token &&
          !op.record.blob.empty())
        written_ = std::move(op.record);
      base_ = nullptr;  // no longer the newest
      finished_ = true;
      return;
    case Outcome::missing:
      return end_all();
    case Outcome::conflict:
      return adopt_newest(op.record, now);
    case Outcome::exists:  // of a 96-bit selector: draws another
      if (++conflicts_ >= max_conflicts)
        fail_all({Errc::random_failed,
                  "the random source repeats itself: no new session ID could be made"});
      return;
    default:  // is a failure by now
      break;
  }
}

void WriteFlow::answer_settling(StoreOp& op, const std::optional<Failure>& failure, TimePoint now) {
  if (failure) return failed(*failure);
  settling_ = false;
  if (op.outcome == Outcome::done) return adopt_newest(op.record, now);
  end_all();
}

void WriteFlow::adopt_newest(Record& newest, TimePoint now) {
  if (!newest_) newest_ = std::make_unique<Base>();
  if (open_record(newest, context_.rules.lifetimes, now, *newest_) != RecordState::readable)
    return end_all();
  base_ = newest_.get();
  const auto is_kept = [&header = newest_->header](WriteToken token) {
    return token != WriteToken{} && header.contains(token);
  };
  // Also the last try's own: whoever ran it may have repeated it after a lost reply.
  if (is_kept(last_.token) || std::ranges::any_of(unknown_, is_kept, &Try::token)) {
    finished_ = true;
    return;
  }
  // More writes came since than the header tells of: ours may be among them, and must not be sent
  // again.
  if (!std::ranges::all_of(unknown_, is_kept, &Try::expected))
    return fail_all(
        {Errc::store_unavailable, "too many other writes of this session came between"});
  // What expected an older token can never apply any more.
  std::erase_if(unknown_,
                [this](const Try& each) { return each.expected != newest_->record.token; });
  if (++conflicts_ >= max_conflicts)
    fail_all({Errc::overloaded, "too many other writes of this session: try again"});
}

/// What was lost is worth another try, and what is unknown must be settled; a store that refuses,
/// or is down, is asked no more often than it must be.
void WriteFlow::failed(const Failure& failure) {
  const bool goes_on = (failure.lost || failure.maybe_applied) && !failure.unconfirmed &&
                       failure.error.code != Errc::stopped;
  if (!goes_on || ++failures_ >= max_store_failures) return fail_all(failure.error);
  settling_ = needs_reading();
}

void WriteFlow::end_all() {
  for (Unit* unit : units_) {
    settle_ended(*unit);
    unit->result.unknown = !unknown_.empty();
  }
  base_ = nullptr;
  written_ = {};
  finished_ = true;
}

void WriteFlow::fail_all(Error error) {
  if (!unknown_.empty())
    put_before(error, "whether the changes were saved is unknown; in the end ");
  bool on_this_write = !on_newest();
  for (Unit* unit : units_) {
    // What the units before the first change came to holds without this write; for those after it,
    // only with it. A claim wants the newest record too, and that is not known. What planning
    // failed keeps its error.
    on_this_write |= unit->result.verdict == Verdict::applied || unit->claims_flash;
    if (!on_this_write || unit->result.verdict == Verdict::failed) continue;
    unit->result = {};
    unit->result.verdict = Verdict::failed;
    unit->result.error = error;
    unit->result.unknown = !unknown_.empty();
  }
  base_ = nullptr;  // nor is it known to be the newest
  written_ = {};
  finished_ = true;
}

Record WriteFlow::take_newest() {
  if (written_.token != WriteToken{}) return std::move(written_);
  return on_newest() ? std::move(newest_->record) : Record{};
}

}  // namespace flame::inline v0::session
