#include "batch.hpp"

#include <algorithm>
#include <utility>

#include "schema.hpp"

namespace flame::inline v0::session::postgres {
namespace {

using Kind = StoreError::Kind;

constexpr const char* not_confirmed =
    "postgres store: a standby did not confirm a commit: see to the standbys in "
    "synchronous_standby_names";

bool fits(const Record& record) noexcept {
  return record.blob.size() <= max_record && record.owner.size() <= max_owner;
}

Outcome outcome_of(Verb verb, bool changed) noexcept {
  switch (verb) {
    case Verb::create:
      return changed ? Outcome::done : Outcome::exists;
    case Verb::replace:
      return changed ? Outcome::done : Outcome::conflict;
    case Verb::touch:
      return changed ? Outcome::done : Outcome::missing;
    case Verb::erase:
      return changed ? Outcome::done : Outcome::conflict;
    case Verb::load:
      break;
  }
  return Outcome::missing;
}

}  // namespace

int doubt(Kind kind) noexcept {
  switch (kind) {
    case Kind::unconfirmed:
      return 3;
    case Kind::connection_lost:
      return 2;
    case Kind::later:
    case Kind::away:
      return 1;
    case Kind::refused:
    case Kind::full:
      break;
  }
  return 0;
}

void Batch::run(std::span<StoreOp> batch, const Call& call) {
  open_.clear();
  repeated_.clear();
  for (auto* ops : {&conflicts_, &taken_, &kept_, &odd_}) ops->clear();
  troubles_.clear();
  for (auto& op : batch) {
    if (fits(op.record))
      open_.push_back(&op);
    else
      op.outcome = Outcome::refused;
  }
  std::vector<StoreOp*> again;
  try {
    exchange(open_, call);
    again.swap(repeated_);
    exchange(again, call);
    explain_conflicts(call);
    explain_doubts(taken_, true, Outcome::exists, call);
    explain_doubts(kept_, false, Outcome::done, call);
    explain_odd(call);
  } catch (const StoreError&) {
    if (link_.is_unconfirmed()) failed({}, {.unconfirmed = true});
    if (troubles_.empty()) throw;
    troubles_.push_back({{}, {Kind::connection_lost, "postgres store: the connection broke"}});
  }
  tell_trouble();
}

void Batch::exchange(Ops all, const Call& call) {
  const auto each_group = [&](auto&& act) {
    for (auto at = all.begin(); at != all.end();) {
      const auto end =
          std::find_if(at, all.end(), [&](const StoreOp* op) { return op->verb != (*at)->verb; });
      act(Ops(at, end));
      at = end;
    }
  };
  if (all.empty()) return;
  link_.start();
  each_group([&](Ops ops) { send(ops, call); });
  link_.send(call.deadline);
  each_group([&](Ops ops) { receive(ops, call); });
  link_.finish();
}

void Batch::send(Ops ops, const Call& call) {
  if (ops.front()->verb == Verb::load) {
    Parameters all;
    all << array_of_keys(ops, keys_);
    link_.ask(Ask::load, all);
  } else {
    // A touch that a crash loses ends a session a little early, and no more.
    if (ops.front()->verb == Verb::touch) link_.ask(Ask::relax, {});
    for (const auto* op : ops) ask(*op, call);
  }
  link_.end_group();
}

void Batch::ask(const StoreOp& op, const Call& call) {
  const auto& record = op.record;
  Parameters p;
  p << record.key;
  switch (op.verb) {
    case Verb::load:
      return;
    case Verb::erase:
      return link_.ask(Ask::erase, p);
    case Verb::touch:
      p << record.last_seen << record.expires_at << call.now;
      return link_.ask(Ask::touch, p);
    case Verb::create:
    case Verb::replace:
      p << record.token << record.owner << record.created_at << record.last_seen
        << record.expires_at << record.blob << call.now;
      if (op.verb == Verb::create) return link_.ask(Ask::create, p);
      p << op.expected;
      return link_.ask(Ask::replace, p);
  }
}

void Batch::receive(Ops ops, const Call& call) {
  const auto verb = ops.front()->verb;
  answers_.assign(ops.size(), Outcome::missing);
  // Where what goes before the touches fails, their group is over with it.
  const bool begins = verb != Verb::touch || link_.next(call.deadline);
  for (std::size_t at = 0; begins; ++at) {
    const auto result = link_.next(call.deadline);
    if (!result) break;
    if (verb == Verb::load)
      take_rows(result, ops, Outcome::done, call);
    else if (at < ops.size())
      answers_[at] =
          outcome_of(verb, verb == Verb::erase ? result.flag(0, 0) : result.affected() > 0);
  }
  const auto end = link_.group_end();
  if (end.failure || end.unconfirmed)
    failed(ops, end);
  else
    settle(ops);
}

void Batch::take_rows(const Result& result, Ops ops, Outcome found, const Call& call) {
  for (int row = 0; row < result.rows(); ++row) {
    const auto key = key_of(result.bytes(row, 0));
    const auto at = std::ranges::lower_bound(ops, key, {}, [](auto* op) { return op->record.key; });
    if (at == ops.end() || (*at)->record.key != key) continue;
    auto& record = (*at)->record;
    auto& answer = answers_[static_cast<std::size_t>(at - ops.begin())];
    const auto expires_at = result.time(row, 5);
    const bool live = expires_at > call.now;
    if (!live && found != Outcome::done) continue;
    const WriteToken token{static_cast<std::uint64_t>(result.number(row, 1))};
    if (found == Outcome::conflict && token == (*at)->expected) {
      answer = Outcome::later;
      odd_.push_back(*at);
      continue;
    }
    record.token = token;
    record.owner = result.bytes(row, 2);
    record.created_at = result.time(row, 3);
    record.last_seen = result.time(row, 4);
    record.expires_at = expires_at;
    record.blob = result.bytes(row, 6);
    if (live) answer = found;
  }
}

void Batch::settle(Ops ops) {
  for (std::size_t i = 0; i < ops.size(); ++i) {
    ops[i]->outcome = answers_[i];
    const bool taken = answers_[i] == Outcome::exists;
    if (!taken && answers_[i] != Outcome::conflict) continue;
    ops[i]->outcome = Outcome::later;  // should it not be explained
    (taken ? taken_ : ops[i]->verb == Verb::erase ? kept_ : conflicts_).push_back(ops[i]);
  }
}

void Batch::failed(Ops ops, const GroupEnd& end) {
  const auto answer = [&](Outcome outcome) {
    for (auto* op : ops) op->outcome = outcome;
  };
  if (!end.failure) return troubles_.push_back({ops, {Kind::unconfirmed, not_confirmed}});
  switch (end.failure->meaning) {
    case Meaning::later:
      return answer(Outcome::later);
    case Meaning::unknown:
      return answer(Outcome::unknown);
    case Meaning::statement_lost:
      unnamed_ = true;
      answer(Outcome::later);
      repeated_.insert(repeated_.end(), ops.begin(), ops.end());
      return;
    case Meaning::damaged:
      if (ops.front()->verb == Verb::load && ops.size() == 1) return answer(Outcome::unreadable);
      break;
    case Meaning::refused:
    case Meaning::full:
    case Meaning::away:
    case Meaning::lost:
      break;
  }
  troubles_.push_back({ops, link_.error(end)});
}

void Batch::explain_conflicts(const Call& call) {
  if (conflicts_.empty()) return;
  Parameters all;
  all << array_of_keys(conflicts_, keys_);
  const Ops ops(conflicts_);
  answers_.assign(ops.size(), Outcome::missing);
  take_rows(link_.only(Ask::load, all, call.deadline), ops, Outcome::conflict, call);
  for (std::size_t i = 0; i < ops.size(); ++i) ops[i]->outcome = answers_[i];
}

void Batch::explain_doubts(std::vector<StoreOp*>& doubts, bool live, Outcome otherwise,
                           const Call& call) {
  if (doubts.empty()) return;
  Parameters all;
  all << array_of_keys(doubts, keys_);
  const auto result = link_.only(Ask::load, all, call.deadline);
  answers_.assign(doubts.size(), Outcome::missing);
  for (int row = 0; row < result.rows(); ++row) {
    const auto at = std::ranges::lower_bound(doubts, key_of(result.bytes(row, 0)), {},
                                             [](auto* op) { return op->record.key; });
    if (at != doubts.end() && result.time(row, 5) > call.now)
      answers_[static_cast<std::size_t>(at - doubts.begin())] = Outcome::done;
  }
  for (std::size_t i = 0; i < doubts.size(); ++i) {
    if ((answers_[i] == Outcome::done) == live)
      doubts[i]->outcome = otherwise;
    else
      odd_.push_back(doubts[i]);
  }
}

void Batch::explain_odd(const Call& call) {
  if (odd_.empty()) return;
  const auto found = meddler(link_, call.deadline);
  if (!found) return;
  for (auto* op : odd_) op->outcome = Outcome::unanswered;
  troubles_.push_back({odd_, *found});
}

/// One error for the call: the gravest. What was surely not applied beside it can be told apart.
void Batch::tell_trouble() {
  const auto gravest = std::ranges::max_element(
      troubles_, {}, [](const Trouble& trouble) { return doubt(trouble.error.kind()); });
  if (gravest == troubles_.end()) return;
  for (const auto& [ops, error] : troubles_) {
    if (doubt(error.kind()) > 1 || doubt(gravest->error.kind()) < 2) continue;
    for (auto* op : ops) op->outcome = Outcome::later;
  }
  throw StoreError(gravest->error);
}

}  // namespace flame::inline v0::session::postgres
