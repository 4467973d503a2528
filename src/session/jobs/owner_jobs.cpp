#include "owner_jobs.hpp"

#include <algorithm>

namespace flame::inline v0::session {

const Failure* first_failure(const std::vector<StoreCall>& calls) noexcept {
  for (const StoreCall& each : calls)
    if (each.failure) return &*each.failure;
  return nullptr;
}

void make_loads(std::span<const Record> records, std::vector<StoreCall>& calls) {
  calls.clear();
  calls.reserve(records.size());
  for (const Record& each : records) calls.emplace_back().op.record.key = each.key;
}

void make_erases(std::span<const Record> records, std::vector<StoreCall>& calls) {
  calls.clear();
  calls.reserve(records.size());
  for (const Record& each : records) {
    auto& op = calls.emplace_back().op;
    op.verb = Verb::erase;
    op.record.key = each.key;
    op.record.owner = each.owner;
  }
}

std::size_t tell_ended(const std::vector<StoreCall>& calls, Events& events) {
  std::size_t count = 0;
  for (const StoreCall& each : calls) {
    if (each.failure) continue;
    ++count;
    events.emit(event::destroyed, &each.op.record.key, "ended by the application");
  }
  return count;
}

ListJob::ListJob(Core& core, std::string_view owner) : core_(core), owner_(owner) {
  pages_.start(stored_owner(core.hash.application(), owner));
}

Job::Step ListJob::next(StoreOp&) {
  if (error_ || (!loading_ && pages_.is_at_end())) return Step::finished;
  if (!loading_) pages_.next(calls_);
  return Step::many;
}

void ListJob::all_answered() {
  if (const auto* const failure = first_failure(calls_)) {
    error_ = failure->error;
    return;
  }
  if (loading_) {
    for (StoreCall& each : calls_)
      if (each.op.outcome == Outcome::done) add(each.op.record);
    loading_ = false;
    return;
  }
  make_loads(pages_.take(), calls_);
  loading_ = !calls_.empty();
}

/// One that cannot be read, or has another owner by now, is left out.
void ListJob::add(Record& record) {
  Base base;
  std::string_view payload;
  const auto& rules = core_.rules.lifetimes;
  if (open_header(record, rules, core_.time.now(), base, payload) != RecordState::readable) return;
  if (given_owner(base.header, record.owner) != owner_) return;
  const auto lifetimes = rules.of(base.header.terms);
  found_.push_back({.key = record.key,
                    .label = std::string(base.header.terms.label),
                    .created_at = record.created_at,
                    .last_seen = record.last_seen,
                    .expires_at = std::min({record.expires_at, record.last_seen + lifetimes.idle,
                                            record.created_at + lifetimes.absolute})});
}

Result<std::vector<OwnedSession>> ListJob::result() {
  if (error_) {
    core_.events.emit(event::failed, nullptr, error_->text);
    return tl::unexpected(std::move(*error_));
  }
  return std::move(found_);
}

EndJob::EndJob(Core& core, const EndOperation& operation)
    : core_(core),
      everyone_(operation.whose == EndWhose::everyones),
      probes_(operation.key == SessionKey{}),
      except_(operation.except) {
  if (operation.key) {
    stage_ = Stage::load;
    calls_.emplace_back().op.record.key = *operation.key;
    return;
  }
  if (everyone_)
    pages_.start_with_everyone();
  else
    pages_.start(stored_owner(core.hash.application(), operation.owner));
  if (!pages_.is_at_end()) stage_ = Stage::list;
}

Job::Step EndJob::next(StoreOp&) {
  if (stage_ == Stage::finished) return Step::finished;
  if (stage_ == Stage::list) pages_.next(calls_);
  return Step::many;
}

void EndJob::all_answered() {
  const auto* const failure = first_failure(calls_);
  const auto stage = std::exchange(stage_, Stage::finished);
  if (stage == Stage::erase) count_ended();
  if (failure) {
    error_ = failure->error;
    tell_progress(*error_);
  } else if (stage == Stage::load) {
    erase_loaded();
  } else if (stage == Stage::list && everyone_) {
    load(pages_.take());
  } else if (stage == Stage::list) {
    erase(pages_.take());
  } else {
    go_on();
  }
}

/// To the next page, if there is one.
void EndJob::go_on() noexcept {
  if (!pages_.is_at_end()) stage_ = Stage::list;
}

/// A page of everyone's tells keys alone.
void EndJob::load(const std::vector<Record>& records) {
  make_loads(records, calls_);
  if (calls_.empty()) return go_on();
  stage_ = Stage::load;
}

/// Of another application it is nobody here: the same key says nothing of whose it is. What is over
/// by the timeouts of here may live on elsewhere, so that ends with everyone's.
bool EndJob::is_ours(const Record& record) const {
  Base base;
  std::string_view payload;
  const auto opened = open_header(record, core_.rules.lifetimes, core_.time.now(), base, payload);
  const auto& application = base.header.application;
  if (opened != RecordState::readable &&
      !(everyone_ && open_envelope(record.blob, record.key, base.header, payload) == Opened::done))
    return false;
  return application.value_or(std::string_view()) == core_.hash.application();
}

void EndJob::erase_loaded() {
  std::vector<Record> ours;
  for (StoreCall& each : calls_)
    if (each.op.outcome == Outcome::done && is_ours(each.op.record))
      ours.push_back(std::move(each.op.record));
  erase(std::move(ours));
}

void EndJob::erase(std::vector<Record> records) {
  if (except_) std::erase_if(records, [&](const Record& each) { return each.key == *except_; });
  make_erases(records, calls_);
  if (calls_.empty()) return go_on();
  erasing_ = true;
  stage_ = Stage::erase;
}

void EndJob::count_ended() { ended_ += tell_ended(calls_, core_.events); }

/// That the store did nothing is said of one call, and there were others.
void EndJob::tell_progress(Error& error) const noexcept try {
  if (!erasing_) return;
  constexpr std::string_view of_one_call = ": nothing was done";
  if (error.text.ends_with(of_one_call)) error.text.resize(error.text.size() - of_one_call.size());
  const auto ended = ended_.load();
  add_to(error, "some of the sessions may not have ended: do it again");
  if (ended > 0) put_before(error, (std::to_string(ended) + " were ended, then: ").c_str());
} catch (const std::bad_alloc&) {
}

Result<std::size_t> EndJob::result() {
  if (error_) {
    if (!probes_) core_.events.emit(event::failed, nullptr, error_->text);
    return tl::unexpected(std::move(*error_));
  }
  return ended_.load();
}

}  // namespace flame::inline v0::session
