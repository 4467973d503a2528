#include "commit_job.hpp"

#include "cookie.hpp"

namespace flame::inline v0::session {

CommitJob::CommitJob(Core& core, std::shared_ptr<SessionState> session, bool failed)
    : core_(core),
      session_(session ? std::move(session) : std::make_shared<SessionState>()),
      has_flash_(session_->flash.has_value()) {
  stage_ = first_stage(failed);
}

CommitJob::Stage CommitJob::first_stage(bool failed) {
  if (failed) return has_flash_ ? return_flash() : touch_if_due();
  const auto& owner = session_->changes.owner;
  unit_.presence = session_->presence;
  unit_.presented = session_->presented;
  unit_.address = session_->address;
  unit_.changes = &session_->changes;
  // The owner it has is no login: it must not start a session anew where a logout ended this one.
  unit_.logs_in = owner && !(live() && *owner == session_->base.owner() &&
                             !has_other_terms(session_->changes, session_->base.header.terms));
  if (!unit_.wants_change()) return touch_if_due();
  if (session_->presence == Presence::superseded) {
    settle_ended(unit_);
    return after_unit();
  }
  if (unit_.changes->destroy) return live() ? Stage::erase : Stage::finished;
  return live() ? Stage::write : Stage::create;
}

CommitJob::Stage CommitJob::touch_if_due() {
  if (!live()) return Stage::finished;
  if (!session_->base.header.application && !core_.hash.application().empty()) return stamp();
  return due(core_.time.now()) ? Stage::touch : Stage::finished;
}

/// A record of format 1 has its owner without the application: nobody finds it by that.
CommitJob::Stage CommitJob::stamp() {
  if (unit_.stamps) return Stage::finished;  // it was tried
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

CommitJob::Stage CommitJob::return_flash() {
  if (!has_flash_) return Stage::finished;
  has_flash_ = false;
  unit_ = {};
  unit_.presence = session_->presence;
  unit_.returned_flash = session_->flash;
  return Stage::return_flash;
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
    case Stage::erase:
      op = {};
      op.verb = Verb::erase;
      break;
    case Stage::touch:
      op = {};
      op.verb = Verb::touch;
      op.record.last_seen = core_.time.now();
      op.record.expires_at = due(op.record.last_seen).value_or(session_->base.record.expires_at);
      break;
  }
  op.record.key = session_->base.record.key;
  op.record.owner = session_->base.record.owner;
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
    stage_ = return_flash();
    return;
  }
  core_.events.emit(event::destroyed, &session_->base.record.key,
                    "signed out, or ended by the application");
  removes_cookie_ = true;
}

void CommitJob::written(Record) { stage_ = after_unit(); }

CommitJob::Stage CommitJob::after_unit() {
  report(unit_);
  if (stage_ == Stage::return_flash) return Stage::finished;
  switch (unit_.result.verdict) {
    case Verdict::lost_login:
      return Stage::create;
    case Verdict::failed:
      error_ = std::move(unit_.result.error);
      return return_flash();
    case Verdict::unchanged:
      return touch_if_due();
    case Verdict::applied:
    case Verdict::dropped:
      break;
  }
  new_id_ = unit_.result.new_id;
  lives_ = unit_.result.lives;
  return Stage::finished;
}

void CommitJob::report(const Unit& unit) {
  const auto& result = unit.result;
  if (unit.returned_flash) {
    if (result.verdict != Verdict::applied)
      core_.events.emit(event::flash_lost, &session_->base.record.key,
                        "a flash message could not be put back after its request failed");
    return;
  }
  if (result.verdict == Verdict::dropped)
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
  if (removes_cookie_ || !has_flash_) return nullptr;
  auto out = std::make_shared<SessionState>();
  out->presence = session_->presence;
  out->base.record.key = session_->base.record.key;
  out->flash = session_->flash;
  return out;
}

Result<ResponseFields> CommitJob::result() {
  if (error_) return tl::unexpected(std::move(*error_));
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
