#include "commit_job.hpp"

#include <utility>

#include "cookie.hpp"

namespace flame::inline v0::session {

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
    return count_before();
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
      unit_.address = core_.creations.address(session_->peer);
      return Step::write;
    case Stage::write:
    case Stage::return_flash:
      return Step::write;
    case Stage::count:
      owner_limit_->next(calls_);
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

void CommitJob::answered(StoreOp&, const std::optional<Failure>& failure, TimePoint) {
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
      if (result.verdict == Verdict::applied && is_capped_login()) return count_after();
      break;
  }
  return finish();
}

CommitJob::Stage CommitJob::finish() { return returns_flash() ? return_flash() : Stage::finished; }

bool CommitJob::is_capped_login() const noexcept {
  return core_.rules.max_sessions_per_owner > 0 && unit_.logs_in && !unit_.changes->owner->empty();
}

CommitJob::Stage CommitJob::count_before() {
  const auto own = live() ? std::optional(session_->base.record.key) : std::nullopt;
  return count(OwnerLimit::When::before, own);
}

CommitJob::Stage CommitJob::count_after() {
  const auto own = new_id_ ? std::optional(new_id_->key()) : std::nullopt;
  return count(OwnerLimit::When::after, own);
}

CommitJob::Stage CommitJob::count(OwnerLimit::When when, const std::optional<SessionKey>& own) {
  owner_limit_ = std::make_unique<OwnerLimit>(core_, *session_->changes.owner, when, own);
  return Stage::count;
}

void CommitJob::all_answered() {
  const auto turn = owner_limit_->answered(calls_);
  if (turn != OwnerLimit::Turn::next) stage_ = counted(turn);
}

CommitJob::Stage CommitJob::counted(OwnerLimit::Turn turn) {
  const bool before = owner_limit_->when() == OwnerLimit::When::before;
  if (turn == OwnerLimit::Turn::fits && before) return write();
  if (turn == OwnerLimit::Turn::refused) refuse_login();
  if (turn == OwnerLimit::Turn::failed) {
    if (before)
      error_ = owner_limit_->failure();
    else
      leave_uncounted(owner_limit_->failure());
  }
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
  if (!new_id_ || is_farewell_) return std::nullopt;
  const auto& base = session_->base;
  const auto& changes = session_->changes;
  const auto owner = changes.owner ? std::string_view(*changes.owner) : base.owner();
  if (owner.empty()) return std::nullopt;
  const auto terms = changes.owner ? terms_of(changes) : base.header.terms;
  Record record;
  record.key = new_id_->key();
  record.owner = stored_owner(core_.hash.application(), owner);
  record.last_seen = core_.time.now();
  record.expires_at = record.last_seen + core_.rules.lifetimes.of(terms).idle;
  return erase_of(record);
}

/// A Secure cookie goes out over plain http, to another host.
bool CommitJob::is_cookie_at_risk() const noexcept {
  return core_.rules.secure_cookie && !session_->secure && !session_->peer.is_this_host();
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
    if (is_cookie_at_risk()) core_.events.cookie_at_risk();
  } else if (removes_cookie_) {
    fields.emplace_back("Set-Cookie", removal_cookie(core_.rules.cookie));
    if (!core_.rules.id_header.empty()) fields.emplace_back(core_.rules.id_header, "");
  }
  return out;
}

}  // namespace flame::inline v0::session
