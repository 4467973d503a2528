#include "batch.hpp"

#include <algorithm>

namespace flame::inline v0::session::mongo {
namespace {

using Kind = StoreError::Kind;

bool fits(const Record& record) noexcept {
  return record.owner.size() <= max_owner && record.blob.size() <= max_record;
}

void answer_open(Ops ops, Outcome outcome) {
  for (auto* op : ops)
    if (op->outcome == Outcome::unanswered) op->outcome = outcome;
}

/// Whether an error of one statement is about the server: the connection, or the operator, is to
/// hear of it.
bool stops(Meaning meaning) noexcept {
  return meaning == Meaning::full || meaning == Meaning::away || meaning == Meaning::interrupted ||
         meaning == Meaning::lost;
}

}  // namespace

void Batch::run(std::span<StoreOp> batch, const Call& call) {
  for (const auto verb : {Verb::load, Verb::create, Verb::replace, Verb::touch, Verb::erase}) {
    ops_.clear();
    stop_.reset();
    for (auto& op : only(verb, batch)) {
      if (fits(op.record) || verb == Verb::load || verb == Verb::erase)
        ops_.push_back(&op);
      else
        op.outcome = Outcome::refused;
    }
    if (ops_.empty()) continue;
    try {
      run_verb(verb, ops_, call);
      if (stop_) throw error_of(*stop_);
    } catch (const StoreError& error) {
      // The others would be told that they are not confirmed, too.
      if (error.kind() == Kind::unconfirmed)
        for (auto& op : batch)
          if (op.verb > verb) op.outcome = Outcome::later;
      throw;
    }
  }
}

void Batch::run_verb(Verb verb, Ops ops, const Call& call) {
  switch (verb) {
    case Verb::load:
      return load(ops, call);
    case Verb::create:
      return create(ops, call);
    case Verb::replace:
      return replace(ops, call);
    case Verb::touch:
      return touch(ops, call);
    case Verb::erase:
      return erase(ops, call);
  }
}

template <class F>
void Batch::read(const Document& command, Ops ops, const Call& call, F f) {
  const auto take = [&](const bson_t& document) {
    const auto key = read_key(document);
    if (!key) return;
    const auto at =
        std::ranges::lower_bound(ops, *key, {}, [](const StoreOp* op) { return op->record.key; });
    if (at != ops.end() && (*at)->record.key == *key) f(**at, document);
  };
  const auto ask = [&](const Document& question) -> const bson_t& {
    const auto answer = link_.ask(question, call.deadline);
    if (!answer.failure) return answer.reply;
    auto failure = *answer.failure;
    failure.verdict.meaning = meaning_for(Verb::load, 1, failure.verdict.meaning);
    throw error_of(failure);
  };
  const auto* reply = &ask(command);
  if (!each_document(*reply, "cursor.firstBatch", take))
    lose("the server sent a reply that its command cannot have");
  // One reply holds 16 MiB.
  while (const auto cursor = find_number(*reply, "cursor.id").value_or(0)) {
    reply = &ask(commands_.more(cursor));
    if (!each_document(*reply, "cursor.nextBatch", take))
      lose("the server sent a reply that its command cannot have");
  }
}

void Batch::load(Ops ops, const Call& call) {
  // It is about a single document.
  const auto most = commands_.concerns().read == "linearizable" ? std::size_t{1} : ops.size();
  for (; !ops.empty(); ops = ops.subspan(std::min(most, ops.size()))) {
    const auto some = ops.first(std::min(most, ops.size()));
    read(commands_.load(some), some, call, [&](StoreOp& op, const bson_t& document) {
      Record found{.key = op.record.key};
      op.outcome = Outcome::unreadable;
      if (!read_record(document, found)) return;
      op.outcome = found.expires_at > call.now ? Outcome::done : Outcome::missing;
      op.record = std::move(found);
    });
    answer_open(some, Outcome::missing);
  }
}

Written Batch::write(const Document& command, Ops ops, const Call& call) {
  const auto verb = ops.front()->verb;
  const auto answer = link_.ask(command, call.deadline);
  if (answer.failure) {
    auto failure = *answer.failure;
    failure.verdict.meaning = meaning_for(verb, ops.size(), failure.verdict.meaning);
    throw error_of(failure);
  }
  auto written = read_written(answer.reply);
  std::vector<bool> failed(ops.size());
  for (const auto& [index, code] : written.errors) {
    if (index >= ops.size()) lose("the server sent a reply that its command cannot have");
    failed[index] = true;
    const auto meaning = meaning_for(verb, 1, judge(code).meaning);
    if (stops(meaning)) stop_at({{meaning, judge(code).text}, code});
    if (meaning != Meaning::full && meaning != Meaning::interrupted)
      ops[index]->outcome = outcome_of(verb, code);
  }
  if (written.unconfirmed) throw unconfirmed(*written.unconfirmed);
  open_.clear();
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (!failed[i]) open_.push_back(ops[i]);
  return written;
}

/// Of several reasons the one that leaves the least certain.
void Batch::stop_at(const Failure& failure) {
  const auto weight = [](Meaning meaning) {
    return meaning == Meaning::full ? 0 : meaning == Meaning::away ? 1 : 2;
  };
  if (!stop_ || weight(stop_->verdict.meaning) < weight(failure.verdict.meaning)) stop_ = failure;
}

void Batch::create(Ops ops, const Call& call) {
  const auto written = write(commands_.create(ops, call.deadline), ops, call);
  if (written.errors.empty() && written.count != static_cast<std::int64_t>(ops.size()))
    lose("the server sent a reply that its command cannot have");
  answer_open(open_, Outcome::done);
  for (auto* op : ops)
    if (op->outcome == Outcome::exists) create_over(*op, call);
}

/// What is taken may be so by one that is over, which nobody removed yet. Alone, for it is rare.
void Batch::create_over(StoreOp& op, const Call& call) {
  op.outcome = Outcome::unanswered;
  StoreOp* const one[] = {&op};
  const auto written = write(commands_.create_over(op, call), one, call);
  answer_open(open_, written.count > 0 ? Outcome::done : Outcome::exists);
}

void Batch::replace(Ops ops, const Call& call) {
  const auto written = write(commands_.replace(ops, call), ops, call);
  if (written.count == static_cast<std::int64_t>(open_.size()))
    return answer_open(open_, Outcome::done);
  tell_replaced(written.count, call);
}

void Batch::tell_replaced(std::int64_t replaced, const Call& call) {
  std::vector<std::pair<StoreOp*, Record>> newest;
  settle(call, [&](StoreOp& op, const bson_t& document) {
    Record found{.key = op.record.key};
    if (!read_record(document, found) || found.expires_at <= call.now) return;
    if (found.token == op.record.token) {
      op.outcome = Outcome::done;
      --replaced;
    } else if (found.token == op.expected) {
      op.outcome = Outcome::later;  // it was not there, or was over, when the update came by
    } else {
      newest.emplace_back(&op, std::move(found));
    }
  });
  // Where some of those that were replaced are not seen, it may be any of these, written over
  // since.
  for (auto& [op, record] : newest) {
    op->outcome = replaced <= 0 ? Outcome::conflict : Outcome::unknown;
    if (replaced <= 0) op->record = std::move(record);
  }
  answer_open(open_, Outcome::missing);
}

void Batch::touch(Ops ops, const Call& call) {
  const auto written = write(commands_.touch(ops, call), ops, call);
  if (written.count == static_cast<std::int64_t>(open_.size()))
    return answer_open(open_, Outcome::done);
  settle(call, [&](StoreOp& op, const bson_t& document) {
    Record found;
    if (read_times(document, found) && found.expires_at > call.now) op.outcome = Outcome::done;
  });
  answer_open(open_, Outcome::missing);
}

void Batch::erase(Ops ops, const Call& call) {
  const auto answer = link_.ask(commands_.erase(ops, call.deadline), call.deadline);
  if (answer.failure) {
    auto failure = *answer.failure;
    failure.verdict.meaning = meaning_for(Verb::erase, 1, failure.verdict.meaning);
    throw error_of(failure);
  }
  const auto written = read_written(answer.reply);
  if (!written.errors.empty()) {
    const auto code = written.errors.front().code;
    auto verdict = judge(code);
    verdict.meaning = meaning_for(Verb::erase, 1, verdict.meaning);
    throw error_of({verdict, code});
  }
  if (written.unconfirmed) throw unconfirmed(*written.unconfirmed);
  answer_open(ops, Outcome::done);
}

template <class F>
void Batch::settle(const Call& call, F f) {
  const Ops ops(open_);
  try {
    read(commands_.look(ops), ops, call, f);
  } catch (const StoreError& error) {
    if (error.kind() == Kind::connection_lost) throw;
    answer_open(ops, Outcome::unknown);
  }
}

}  // namespace flame::inline v0::session::mongo
