#include "commit_job.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "cookie.hpp"
#include "owner_jobs.hpp"

namespace flame::inline v0::session {
namespace {

/// How many of those above a limit one login looks at and ends. Where there are more, as where a
/// limit comes late, the next logins go on: so none takes longer than its deadline.
constexpr std::size_t most_surplus = 1024;

bool is_readable(const Record& record, const LifetimeRules& rules, TimePoint now) {
  Base base;
  std::string_view payload;
  return open_header(record, rules, now, base, payload) == RecordState::readable;
}

}  // namespace

CommitJob::CommitJob(Core& core, std::shared_ptr<const SessionState> session, bool failed)
    : core_(core),
      session_(session ? std::move(session) : std::make_shared<const SessionState>()),
      has_flash_(session_->flash != nullptr),
      was_read_(has_flash_ && session_->flash->looked_at.load(std::memory_order_relaxed)) {
  stage_ = first_stage(failed);
}

CommitJob::Stage CommitJob::first_stage(bool failed) {
  if (failed) return has_flash_ ? return_flash() : touch_if_due();
  const auto& changes = session_->changes;
  unit_.presence = session_->presence;
  unit_.presented = session_->presented;
  unit_.address = session_->address;
  unit_.changes = &changes;
  // The owner it has is no login: it must not start a session anew where a logout ended this one.
  const auto& base = session_->base;
  unit_.logs_in = changes.owner && (!live() || is_login(changes, base.owner(), base.header.terms));
  return save();
}

CommitJob::Stage CommitJob::save() {
  if (!unit_.wants_change()) return returns_flash() ? return_flash() : touch_if_due();
  if (session_->presence == Presence::superseded) {
    settle_ended(unit_);
    return after_unit();
  }
  if (unit_.changes->destroy)
    return live() || !session_->ends.empty() ? Stage::erase : say_farewell();
  if (is_capped_login()) unit_.login_time = core_.login_time();
  if (is_capped_login() && core_.rules.at_owner_limit == AtOwnerLimit::refuse)
    return count_sessions(Stage::count_before);
  return write();
}

CommitJob::Stage CommitJob::write() {
  if (!live()) return Stage::create;
  take_flash_along();
  return Stage::write;
}

CommitJob::Stage CommitJob::touch_if_due() {
  if (!live()) return Stage::finished;
  if (!session_->base.header.application && !core_.hash.application().empty()) return stamp();
  return due(core_.time.now()) ? Stage::touch : Stage::finished;
}

/// A record of format 1 has its owner without the application: nobody finds it by that.
CommitJob::Stage CommitJob::stamp() {
  unit_ = {};
  unit_.presence = session_->presence;
  unit_.presented = session_->presented;
  unit_.stamps = true;
  return Stage::write;
}

std::optional<TimePoint> CommitJob::due(TimePoint now) const {
  const auto& base = session_->base;
  return due_touch(base.record, core_.rules.lifetimes.of(base.header.terms), now);
}

/// What a handler says beside its logout goes into a session that nobody was signed in to.
CommitJob::Stage CommitJob::say_farewell() {
  if (!session_->changes.flash) return Stage::finished;
  farewell_.flash = session_->changes.flash;
  is_farewell_ = true;
  unit_ = {};
  unit_.address = session_->address;
  unit_.changes = &farewell_;
  return Stage::create;
}

/// One that nobody looked at, as a unit of its own: it goes back also where the request's changes
/// are dropped, and they get nowhere by it.
void CommitJob::take_flash_along() {
  if (!returns_flash()) return;
  beside_ = std::make_unique<Unit>();
  beside_->presence = session_->presence;
  beside_->returned_flash = session_->flash->bytes;
}

CommitJob::Stage CommitJob::return_flash() {
  has_flash_ = false;
  unit_ = {};
  unit_.presence = session_->presence;
  unit_.returned_flash = session_->flash->bytes;
  return Stage::return_flash;
}

SessionState::Ended CommitJob::ending() const {
  if (!session_->ends.empty()) return session_->ends[ended_];
  return {session_->base.record.key, session_->base.record.owner};
}

Job::Step CommitJob::next(StoreOp& op) {
  switch (stage_) {
    case Stage::finished:
      return Step::finished;
    case Stage::create:
      unit_.presence = Presence::absent;
      return Step::write;
    case Stage::write:
    case Stage::return_flash:
      return Step::write;
    case Stage::count_before:
    case Stage::count_after:
      pages_.next(calls_);
      return Step::many;
    case Stage::weigh:
      make_loads(next_sessions(), calls_);
      return Step::many;
    case Stage::end_others:
      make_erases(next_sessions(), calls_);
      return Step::many;
    case Stage::erase: {
      op = {};
      op.verb = Verb::erase;
      auto [key, owner] = ending();
      op.record.key = key;
      op.record.owner = std::move(owner);
      return Step::call;
    }
    case Stage::touch:
      break;
  }
  op = {};
  op.verb = Verb::touch;
  op.record.key = session_->base.record.key;
  op.record.owner = session_->base.record.owner;
  op.record.last_seen = core_.time.now();
  op.record.expires_at = due(op.record.last_seen).value_or(session_->base.record.expires_at);
  return Step::call;
}

void CommitJob::answered(StoreOp&, const std::optional<Failure>& failure) {
  if (stage_ == Stage::erase) return erased(failure);
  stage_ = Stage::finished;  // a touch is no matter of its request
}

void CommitJob::erased(const std::optional<Failure>& failure) {
  stage_ = Stage::finished;
  if (failure) {
    error_ = failure->error;
    if (failure->maybe_applied) add_to(*error_, "whether the session was ended is unknown");
    if (has_flash_) stage_ = return_flash();
    return;
  }
  const auto ended = ending();
  core_.events.emit(event::destroyed, &ended.key, "signed out, or ended by the application");
  if (++ended_ < session_->ends.size()) {
    stage_ = Stage::erase;
    return;
  }
  removes_cookie_ = true;
  has_flash_ = false;
  stage_ = say_farewell();
}

void CommitJob::written(Record) { stage_ = after_unit(); }

CommitJob::Stage CommitJob::after_unit() {
  report(unit_);
  if (stage_ == Stage::return_flash || unit_.stamps) return Stage::finished;
  settle_beside();
  auto& result = unit_.result;
  switch (result.verdict) {
    case Verdict::lost_login:
      return Stage::create;
    case Verdict::failed:
      if (is_farewell_)
        lose_flash("the session that was to have it could not begin");
      else
        error_ = std::move(result.error);
      break;
    case Verdict::unchanged:
      if (!returns_flash()) return touch_if_due();
      break;
    case Verdict::applied:
      saved_ = true;
      [[fallthrough]];
    case Verdict::dropped:
      new_id_ = result.new_id;
      lives_ = result.lives;
      if (result.verdict == Verdict::applied && is_capped_login())
        return count_sessions(Stage::count_after);
      break;
  }
  return finish();
}

CommitJob::Stage CommitJob::finish() { return returns_flash() ? return_flash() : Stage::finished; }

bool CommitJob::is_capped_login() const noexcept {
  return core_.rules.max_sessions_per_owner > 0 && unit_.logs_in && !unit_.changes->owner->empty();
}

CommitJob::Stage CommitJob::count_sessions(Stage stage) {
  sessions_.clear();
  lives_on_.clear();
  done_with_ = 0;
  counts_before_ = stage == Stage::count_before;
  pages_.start(stored_owner(core_.hash.application(), *session_->changes.owner));
  return stage;
}

void CommitJob::all_answered() {
  if (stage_ == Stage::end_others) {
    stage_ = others_ended();
    return;
  }
  if (const auto* const failure = first_failure(calls_)) {
    if (counts_before_)
      error_ = failure->error;
    else
      leave_uncounted(failure->error);
    stage_ = finish();
    return;
  }
  if (stage_ == Stage::weigh) {
    stage_ = weighed();
    return;
  }
  for (Record& each : pages_.take())
    // It takes no further place who signs in again.
    if (!counts_before_ || !live() || each.key != session_->base.record.key)
      sessions_.push_back(std::move(each));
  if (pages_.is_at_end() || sessions_.size() >= enough()) stage_ = listed();
}

/// Of so many that live the rest makes no difference: to refuse, as many as may be; to end the
/// oldest, some more, for what is not among the newest of some is not among the newest of all.
std::size_t CommitJob::enough() const noexcept {
  const auto most = core_.rules.max_sessions_per_owner;
  if (counts_before_) return most;
  const bool ends_oldest = core_.rules.at_owner_limit == AtOwnerLimit::end_oldest;
  return ends_oldest ? most + std::min(most_surplus, std::numeric_limits<std::size_t>::max() - most)
                     : std::numeric_limits<std::size_t>::max();
}

/// A page of those that are to be looked at or ended.
std::span<const Record> CommitJob::next_sessions() {
  const auto left = std::span<const Record>(sessions_).subspan(done_with_);
  const auto page = left.first(std::min(left.size(), OwnerPages::page_size));
  done_with_ += page.size();
  return page;
}

CommitJob::Stage CommitJob::listed() {
  const auto most = core_.rules.max_sessions_per_owner - (counts_before_ ? 1 : 0);
  return sessions_.size() <= most ? counted() : Stage::weigh;
}

/// The store lists some that have ended by the lifetimes of today, or cannot be read: these count
/// for nothing, for nobody can see or end them.
CommitJob::Stage CommitJob::weighed() {
  const auto now = core_.time.now();
  for (StoreCall& each : calls_)
    if (each.op.outcome == Outcome::done && is_readable(each.op.record, core_.rules.lifetimes, now))
      lives_on_.push_back(each.op.record.key);
  if (done_with_ < sessions_.size()) return Stage::weigh;
  std::ranges::sort(lives_on_);
  std::erase_if(sessions_, [&](const Record& each) {
    return !std::ranges::binary_search(lives_on_, each.key);
  });
  done_with_ = sessions_.size();
  if (pages_.is_at_end() || done_with_ >= enough()) return counted();
  return counts_before_ ? Stage::count_before : Stage::count_after;
}

/// All who count at once keep the same ones: in one order, and none of these is ended by anybody.
/// So exactly as many as may be are left by the last who counts.
CommitJob::Stage CommitJob::counted() {
  const auto most = core_.rules.max_sessions_per_owner;
  if (counts_before_) {
    if (sessions_.size() < most) return write();
    refuse_login();
    return finish();
  }
  if (sessions_.size() <= most) return finish();
  const bool keeps_first = core_.rules.at_owner_limit == AtOwnerLimit::refuse;
  std::ranges::sort(sessions_, [&](const Record& a, const Record& b) {
    const bool before = std::tie(a.created_at, a.key) < std::tie(b.created_at, b.key);
    return a.key != b.key && before == keeps_first;
  });
  sessions_.erase(sessions_.begin(), sessions_.begin() + static_cast<std::ptrdiff_t>(most));
  done_with_ = 0;
  return Stage::end_others;
}

CommitJob::Stage CommitJob::others_ended() {
  static_cast<void>(tell_ended(calls_, core_.events));
  for (const StoreCall& each : calls_)
    ends_own_ |= !each.failure && new_id_ && each.op.record.key == new_id_->key();
  const auto* const failure = first_failure(calls_);
  if (!failure && done_with_ < sessions_.size()) return Stage::end_others;
  if (ends_own_ && core_.rules.at_owner_limit == AtOwnerLimit::refuse)
    refuse_login();
  else if (failure)
    leave_uncounted(failure->error);
  return finish();
}

/// The login is saved: without its new ID the visitor would have neither the old session nor this.
void CommitJob::leave_uncounted(const Error& error) {
  const auto key = new_id_ ? new_id_->key() : session_->base.record.key;
  core_.events.emit(
      event::failed, &key,
      "a login was saved, but sessions above max_sessions_per_owner may be left: " + error.text);
}

void CommitJob::refuse_login() {
  new_id_.reset();
  error_ = {Errc::too_many_sessions,
            "this owner has as many sessions as max_sessions_per_owner allows: end one of them, or "
            "choose AtOwnerLimit::end_oldest"};
}

void CommitJob::settle_beside() {
  const auto beside = std::move(beside_);
  if (!beside || beside->result.verdict == Verdict::failed) return;
  has_flash_ = false;
  const bool replaced = unit_.changes->flash && unit_.result.verdict == Verdict::applied;
  if (beside->result.verdict != Verdict::applied && !replaced)
    lose_flash("nobody looked at a flash message, and it could not be put back");
}

void CommitJob::forget_flash() noexcept {
  if (!std::exchange(has_flash_, false)) return;
  lose_flash("a flash message could not be put back: out of memory");
}

void CommitJob::lose_flash(const char* why) noexcept {
  core_.events.emit(event::flash_lost, &session_->base.record.key, why);
}

void CommitJob::report(const Unit& unit) {
  const auto& result = unit.result;
  if (unit.returned_flash) {
    if (result.verdict != Verdict::applied)
      lose_flash("a flash message could not be put back after its request");
    return;
  }
  if (result.verdict == Verdict::dropped && !unit.stamps)
    core_.events.emit(event::dropped, &session_->base.record.key,
                      "the session had ended, or got a new ID, before these changes came");
  if (result.verdict != Verdict::applied || !result.new_id) return;
  const auto key = result.new_id->key();
  if (result.created)
    core_.events.emit(event::created, &key, "a new session");
  else
    core_.events.emit(event::renewed, &key, "a new ID, and the one before is over");
}

std::shared_ptr<SessionState> CommitJob::unreturned_flash() const {
  if (!has_flash_) return nullptr;
  auto out = std::make_shared<SessionState>();
  out->presence = session_->presence;
  out->base.record.key = session_->base.record.key;
  out->flash = session_->flash;
  return out;
}

std::optional<StoreOp> CommitJob::erase_of_unseen_login() const {
  if (!new_id_ || !unit_.logs_in || unit_.changes->owner->empty()) return std::nullopt;
  Record record;
  record.key = new_id_->key();
  record.owner = stored_owner(core_.hash.application(), *unit_.changes->owner);
  record.last_seen = core_.time.now();
  record.expires_at = record.last_seen + core_.rules.lifetimes.of(terms_of(*unit_.changes)).idle;
  return erase_of(record);
}

Result<ResponseFields> CommitJob::result() {
  if (error_) {
    const bool has_key = session_->presence != Presence::absent;
    core_.events.emit(unit_.result.too_many_begin ? event::creation_refused : event::failed,
                      has_key ? &session_->base.record.key : nullptr, error_->text);
    return tl::unexpected(std::move(*error_));
  }
  Result<ResponseFields> out;
  auto& fields = out->fields;
  fields.reserve(4);
  // Whatever it came to, this response depended on the cookie (S19).
  fields.emplace_back("Vary", core_.rules.vary);
  fields.emplace_back("Cache-Control", "no-store");
  if (new_id_) {
    fields.emplace_back("Set-Cookie", set_cookie(core_.rules.cookie, *new_id_, lives_));
    if (!core_.rules.id_header.empty()) fields.emplace_back(core_.rules.id_header, new_id_->text());
    if (session_->cookie_at_risk) core_.events.cookie_at_risk();
  } else if (removes_cookie_) {
    fields.emplace_back("Set-Cookie", removal_cookie(core_.rules.cookie));
    if (!core_.rules.id_header.empty()) fields.emplace_back(core_.rules.id_header, "");
  }
  return out;
}

}  // namespace flame::inline v0::session
