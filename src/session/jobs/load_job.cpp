#include "load_job.hpp"

namespace flame::inline v0::session {
namespace {

constexpr auto idle_over = "its idle timeout has passed";
constexpr auto absolute_over = "its absolute timeout has passed";

}  // namespace

LoadJob::LoadJob(Core& core, const RequestView& request, Need need)
    : core_(core), claims_flash_(has(need, Need::flash) && request.claims_flash) {
  session_->loaded_by = &core;
  session_->max_bytes = core.rules.max_bytes;
  session_->longest_login = std::chrono::floor<std::chrono::seconds>(core.rules.lifetimes.longest);
  session_->address = core.creations.address(request.peer);
  session_->cookie_at_risk = core.rules.secure_cookie && !request.secure && !request.from_this_host;
  const auto presented = read_presented(
      request.cookie_lines, core.rules.id_header.empty() ? std::string_view() : request.id_header,
      core.rules.cookie);
  switch (presented.kind) {
    case Presented::Kind::nothing:
      return;
    case Presented::Kind::malformed:
      core.events.emit(event::id_rejected, nullptr, "no session ID of this library looks like it");
      return;
    case Presented::Kind::duplicate:
      core.events.emit(event::dup_cookie, nullptr,
                       "one request brought two different session IDs: neither was opened");
      return;
    case Presented::Kind::id:
      break;
  }
  id_ = presented.id;
  step_ = Step::call;
}

Job::Step LoadJob::next(StoreOp& op) {
  if (step_ == Step::call) {
    op = {};
    op.verb = Verb::load;
    op.record.key = id_.key();
  }
  return std::exchange(step_, Step::finished);
}

void LoadJob::answered(StoreOp& op, const std::optional<Failure>& failure) {
  if (failure) {
    error_ = failure->error;
  } else if (op.outcome == Outcome::done) {
    open(op.record);
  } else if (op.outcome == Outcome::unreadable) {
    core_.events.unreadable(
        id_.key(),
        "the store cannot read its record, damaged or of a newer release: left as it is");
  } else if (op.record.expires_at != TimePoint{}) {
    expired(which_timeout(op.record));
  } else {
    reject("unknown, expired or ended");
  }
}

void LoadJob::reject(const char* why) {
  const auto key = id_.key();
  core_.events.emit(event::id_rejected, &key, why);
}

void LoadJob::expired(const char* which) {
  const auto key = id_.key();
  core_.events.emit(event::expired, &key, which);
}

/// Of a record of which only the times are known, and so not what its login asked for.
const char* LoadJob::which_timeout(const Record& record) const {
  const auto& usual = core_.rules.lifetimes.usual;
  if (record.expires_at == record.created_at + usual.absolute) return absolute_over;
  if (record.expires_at == record.last_seen + usual.idle) return idle_over;
  return "the idle or absolute timeout of its login has passed";
}

void LoadJob::open(Record& record) {
  const auto now = core_.time.now();
  const auto key = record.key;
  auto& base = session_->base;
  std::string_view payload;
  auto state = open_header(record, core_.rules.lifetimes, now, base, payload);
  if (state == RecordState::readable) {
    session_->presented = core_.hash(id_);
    // Before anything of its values is looked at: a stranger's secret gets no further.
    const auto found = standing(base.header, session_->presented, now);
    if (found != Standing::current) return turn_away(found);
    state = open_values(record, payload, base);
  }
  switch (state) {
    case RecordState::readable:
      return admit();
    case RecordState::idle_over:
      return expired(idle_over);
    case RecordState::absolute_over:
      return expired(absolute_over);
    case RecordState::unreadable:
      return core_.events.unreadable(
          key, "its record is damaged, or not of this library: left as it is");
    case RecordState::newer_version:
      return core_.events.unreadable(key, "its record is of a newer release: left as it is");
  }
}

void LoadJob::turn_away(Standing found) {
  const bool superseded = found == Standing::superseded;
  reject(superseded ? "superseded by a newer ID of its session" : "its secret opens nothing");
  become(superseded ? Presence::superseded : Presence::absent);
}

void LoadJob::admit() {
  session_->presence = Presence::live;
  if (claims_flash_ && session_->base.document.flash()) start_claim();
}

void LoadJob::start_claim() {
  unit_.presence = Presence::live;
  unit_.presented = session_->presented;
  unit_.claims_flash = true;
  step_ = Step::write;
}

void LoadJob::written(Record newest) {
  if (unit_.result.verdict == Verdict::failed) {
    error_ = unit_.result.error;
    return;
  }
  session_->flash = std::move(unit_.result.claimed);
  claims_flash_ = false;
  become(Presence::absent);
  if (newest.token != WriteToken{})
    open(newest);
  else
    reject("ended while its flash message was claimed");
}

void LoadJob::become(Presence presence) {
  session_->presence = presence;
  session_->base = {};
  session_->base.record.key =
      id_.key();  // for events, and for a claimed flash message to go back to
}

Result<Session> LoadJob::result() {
  if (error_) return tl::unexpected(std::move(*error_));
  return SessionAccess::make(std::move(session_));
}

}  // namespace flame::inline v0::session
