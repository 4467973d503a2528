#include "plan.hpp"

#include <algorithm>
#include <list>

#include "runner/library_thread.hpp"

namespace flame::inline v0::session {
namespace {

/// A last_seen that is so far ahead was written by a clock that was wrong. Less is the clocks of
/// two processes.
constexpr std::chrono::seconds least_ahead{1};

TimePoint expiry(TimePoint created_at, const Lifetimes& lifetimes, TimePoint now) {
  return std::min(now + lifetimes.idle, created_at + lifetimes.absolute);
}

/// The session as it will be written. Copied before each unit, so that one alone can be undone.
struct Draft {
  Document document{};
  Header header{};
  std::optional<TimePoint> restarted_at{};  ///< a login: the absolute timeout counts from here
  std::string_view owner{};
  bool exists = false;
  bool changed = false;
  bool handed_over = false;  ///< to another owner
};

struct UpdateThrew {};

class Planning {
 public:
  Planning(const Base* base, const PlanContext& context, TimePoint now)
      : base_(base), context_(context), now_(now) {
    if (!base) return;
    draft_.document = base->document;
    draft_.header = base->header;
    draft_.owner = base->owner();
    draft_.exists = true;
  }

  void apply(Unit& unit) {
    unit.result = {};
    if (!admitted(unit)) return settle_ended(unit);
    Draft before = draft_;
    try {
      change(unit);
      const auto size = draft_.document.content_size();
      if (size > context_.rules.max_bytes && size > before.document.content_size())
        fail(unit, too_large());
    } catch (const UpdateThrew&) {
      fail(unit, {Errc::update_failed,
                  "a function given to Session::update() threw: its request's "
                  "changes are undone"});
    }
    if (unit.result.verdict == Verdict::failed) draft_ = std::move(before);
  }

  Plan finish(WriteToken token) const {
    Plan out;
    if (!draft_.changed) return out;
    out.write = base_ ? Plan::Write::replace : Plan::Write::create;
    write_times(out.record);
    out.record.key = key_;
    out.record.token = token;
    out.record.owner = stored_owner(context_.hash.application(), draft_.owner);
    write_blob(out.record, token);
    return out;
  }

 private:
  bool admitted(const Unit& unit) const {
    if (!base_) return unit.presence == Presence::absent;
    // A flash goes back to its session whatever became of the ID it was claimed with.
    if (unit.returned_flash) return true;
    return unit.presence == Presence::live && equal(draft_.header.current, unit.presented);
  }

  void fail(Unit& unit, Error error) {
    unit.result = {};
    unit.result.verdict = Verdict::failed;
    unit.result.error = std::move(error);
  }

  static Error no_random() {
    return {Errc::random_failed, "the system gave no random bytes: no session ID could be made"};
  }
  Error too_large() const {
    return {Errc::too_large, "the session would grow over max_bytes (" +
                                 std::to_string(context_.rules.max_bytes) +
                                 "): store less in it, or raise Options::max_bytes"};
  }

  void change(Unit& unit) {
    bool changed = false;
    if (unit.logs_in && changes_hands(*unit.changes, draft_.owner)) hand_over();
    for (const Change& each : unit.changes->values) changed |= change_value(each);
    changed |= change_flash(unit);
    const bool new_owner =
        unit.logs_in && is_login(*unit.changes, draft_.owner, draft_.header.terms);
    if (new_owner) {
      draft_.owner = *unit.changes->owner;
      draft_.header.terms = terms_of(*unit.changes);
      draft_.restarted_at = unit.login_time.value_or(now_);
    }
    if (!draft_.exists) {
      set_csrf(unit);
      if (draft_.document.empty() && draft_.owner.empty()) return;
      return begin(unit);
    }
    changed |= unit.stamps && !draft_.header.application;
    const bool new_id = unit.changes->regenerate || new_owner;
    if (new_id) draft_.document.set_csrf(std::nullopt);
    changed |= set_csrf(unit);
    if (!changed && !new_id) return;
    unit.result.verdict = Verdict::applied;
    draft_.changed = true;
    if (new_id) renew(unit);
  }

  /// Nothing of the owner before is the next one's.
  void hand_over() {
    draft_.document.clear();
    draft_.document.set_flash(std::nullopt);
    draft_.handed_over = true;
  }

  void put(const Item& item) {
    draft_.document.put(Document::Entry(item.bytes(), item.key(), item.value()));
  }

  bool change_value(const Change& change) {
    switch (change.kind) {
      case Change::Kind::set:
        put(change.item);
        return true;
      case Change::Kind::erase:
        return draft_.document.erase(change.item.key());
      case Change::Kind::update:
        put(outputs_.emplace_back(change.item.key(), updated(change)));
        return true;
      case Change::Kind::clear:
        break;
    }
    const bool any = !draft_.document.entries().empty();
    draft_.document.clear();
    return any;
  }

  std::string updated(const Change& change) const {
    const auto* stored = draft_.document.find(change.item.key());
    const auto value = stored ? stored->value() : std::string_view();
    try {
      const InCallback in_callback;
      return change.update.run(change.update.arguments.get(), stored ? &value : nullptr);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {
      throw UpdateThrew();
    }
  }

  bool set_csrf(const Unit& unit) {
    if (!unit.changes->csrf || draft_.document.csrf()) return false;
    draft_.document.set_csrf(*unit.changes->csrf);
    return true;
  }

  bool change_flash(Unit& unit) {
    auto& document = draft_.document;
    bool changed = false;
    if (unit.claims_flash && document.flash()) {
      unit.result.claimed = std::string(*document.flash());
      document.set_flash(std::nullopt);
      changed = true;
    }
    if (unit.changes->flash) {
      document.set_flash(*unit.changes->flash);
      changed = true;
    }
    if (unit.returned_flash && !document.flash() && !draft_.handed_over) {
      document.set_flash(*unit.returned_flash);
      changed = true;
    }
    return changed;
  }

  void begin(Unit& unit) {
    if (!unit.fresh) return fail(unit, no_random());
    key_ = unit.fresh->key();
    draft_.header.current = context_.hash(*unit.fresh);
    draft_.exists = draft_.changed = true;
    unit.result.verdict = Verdict::applied;
    unit.result.created = true;
    give(unit, *unit.fresh);
  }

  void renew(Unit& unit) {
    if (!unit.fresh) return fail(unit, no_random());
    const SessionId id = unit.fresh->with_key(key_);
    draft_.header.supersede(context_.hash(id), now_);
    give(unit, id);
  }

  void give(Unit& unit, const SessionId& id) const {
    unit.result.new_id = id;
    const auto lifetimes = lifetimes_now();
    if (lifetimes.persistent) unit.result.lives = created_at() + lifetimes.absolute - now_;
  }

  Lifetimes lifetimes_now() const noexcept {
    return context_.rules.lifetimes.of(draft_.header.terms);
  }
  TimePoint created_at() const noexcept {
    return draft_.restarted_at.value_or(base_ ? base_->record.created_at : now_);
  }

  void write_times(Record& record) const {
    const auto lifetimes = lifetimes_now();
    record.created_at = created_at();
    record.last_seen = now_;
    record.expires_at = expiry(record.created_at, lifetimes, now_);
    if (!base_ || draft_.restarted_at || due_touch(base_->record, lifetimes, now_)) return;
    record.last_seen = base_->record.last_seen;
    record.expires_at = base_->record.expires_at;
  }

  void write_blob(Record& record, WriteToken token) const {
    Header header = draft_.header;
    header.forget_superseded(now_);
    header.push(token);
    const auto application = context_.hash.application();
    header.application.reset();
    if (needs_application(application, draft_.owner) || header.terms != Terms{})
      header.application = application;
    begin_envelope(record.blob, header, draft_.document.payload_size());
    draft_.document.append_to(record.blob);
    seal_envelope(record.blob, key_);
  }

  const Base* base_;
  const PlanContext& context_;
  const TimePoint now_;
  SessionKey key_ = base_ ? base_->record.key : SessionKey{};
  Draft draft_{};
  std::list<Item> outputs_{};  // what update functions gave: the document views into it
};

}  // namespace

Plan plan(const Base* base, std::span<Unit* const> units, const PlanContext& context,
          WriteToken token, TimePoint now) {
  Planning planning(base, context, now);
  for (Unit* unit : units) planning.apply(*unit);
  return planning.finish(token);
}

void settle_ended(Unit& unit) noexcept {
  unit.result = {};
  const auto& changes = *unit.changes;
  const bool login = unit.logs_in && !changes.owner->empty() && !changes.destroy;
  unit.result.verdict = login ? Verdict::lost_login : Verdict::dropped;
}

Terms terms_of(const Changes& changes) noexcept {
  if (!changes.login) return {};
  const Login& login = *changes.login;
  return {login.idle.value_or(OptionSeconds()), login.absolute.value_or(OptionSeconds()),
          login.persistent, login.label};
}

bool is_login(const Changes& changes, std::string_view owner, const Terms& terms) noexcept {
  if (!changes.owner) return false;
  return *changes.owner != owner || (changes.login && terms_of(changes) != terms);
}

std::optional<TimePoint> due_touch(const Record& record, const Lifetimes& lifetimes,
                                   TimePoint now) {
  const auto next = expiry(record.created_at, lifetimes, now);
  if (record.last_seen > now + least_ahead) return next;
  // The last one may be shorter: nothing later makes up for it, and the absolute timeout is exact.
  const bool last = next == record.created_at + lifetimes.absolute;
  const auto least = last ? std::chrono::milliseconds(0) : lifetimes.step();
  const bool moves = next >= record.expires_at + std::max(least, std::chrono::milliseconds(1));
  // One whose end never moves is touched for last_seen alone.
  const bool was_seen =
      lifetimes.idle >= lifetimes.absolute && now - record.last_seen >= lifetimes.step();
  if (!moves && !was_seen) return std::nullopt;
  return next;
}

}  // namespace flame::inline v0::session
