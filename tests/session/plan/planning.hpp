#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/seeded_random.hpp>

#include "session/jobs/session_impl.hpp"
#include "session/plan/plan.hpp"
#include "values/documents.hpp"

/// Bases, units and plans by hand, in seconds since the session was created.
namespace flame::session::tests {

using std::chrono::seconds;

inline const TimePoint born{std::chrono::milliseconds(1'700'000'000'000)};
inline TimePoint at(int second) { return born + seconds(second); }

inline Rules test_rules() {
  Rules rules;
  rules.lifetimes.usual = {seconds(1000), seconds(10'000)};  // so a step is 50 s
  rules.max_bytes = 64;
  return rules;
}

/// A record: created at 0, and last seen at 0 unless told otherwise.
struct Given {
  Contents contents{};
  std::string owner{};
  int seen = 0;
  int expires = 1000;
  std::optional<int> previous_until{};
};

/// One request's wishes.
struct Wish {
  std::function<void(Session&)> edit = [](Session&) {};
  Presence presence = Presence::live;
  bool presents_other = false;  ///< the ID it was loaded by is not the session's any more
  bool claims_flash = false;
  std::optional<int> returned_flash{};
  bool no_random = false;
};

/// What all tests of planning stand on.
struct Planner {
  Rules rules = test_rules();
  VerifierHash hash{"test"};
  test_support::FakeClock clock{};
  CreationLimit creations{clock};
  PlanContext context{rules, hash, creations};
  test_support::SeededRandom random{};
  SessionId id = SessionId::draw(random).value();  ///< of the base
  SessionId other_id = SessionId::draw(random).value();
  std::list<Base> bases{};
  std::list<std::shared_ptr<SessionState>> states{};  ///< whose changes units refer to

  Record record(const Given& given, std::vector<WriteToken> tokens = {WriteToken{1}}) const {
    Header header;
    header.current = hash(id);
    if (given.previous_until) {
      header.superseded[0].verifier = hash(other_id);
      header.superseded[0].until = at(*given.previous_until);
    }
    for (const auto token : tokens) header.push(token);
    return {id.key(),
            tokens.back(),
            given.owner,
            born,
            at(given.seen),
            at(given.expires),
            blob_of(header, id.key(), payload_of(given.contents))};
  }

  const Base& base(Record from, TimePoint now = born) {
    auto& out = bases.emplace_back();
    if (open_record(from, rules.lifetimes, now, out) != RecordState::readable)
      throw std::logic_error("the base of this test cannot be read");
    return out;
  }

  Unit unit(const Wish& wish) {
    Session session;
    wish.edit(session);
    auto state = SessionAccess::commit(session);
    Unit out;
    out.presence = wish.presence;
    out.presented = hash(wish.presents_other ? other_id : id);
    if (state) out.changes = &states.emplace_back(std::move(state))->changes;
    out.logs_in = out.changes->owner.has_value();
    out.claims_flash = wish.claims_flash;
    if (wish.returned_flash) out.returned_flash = encode(*wish.returned_flash);
    if (!wish.no_random) out.fresh = SessionId::draw(random);
    return out;
  }

  // What follows says in one line what became of all.

  std::string print(const Record& record, std::span<const Unit> units) const {
    Header header;
    std::string_view payload;
    if (open_envelope(record.blob, record.key, header, payload) != Opened::done)
      return "unreadable";
    const auto document = Document::read(payload);
    if (!document) return "not a document";
    std::string out = "{";
    for (const auto& entry : document->entries())
      out += (out.size() > 1 ? " " : "") + std::string(entry.key()) + ":" + number(entry.value());
    out += "}";
    if (document->flash()) out += " flash=" + number(*document->flash());
    if (!record.owner.empty())
      out += " owner=" + std::string(given_owner(header, record.owner).value_or("MISSING"));
    const auto seconds_of = [](TimePoint time) {
      return std::to_string(std::chrono::duration_cast<seconds>(time - born).count());
    };
    out += " " + seconds_of(record.created_at) + "/" + seconds_of(record.last_seen) + "/" +
           seconds_of(record.expires_at) + " id=" + name_of(header.current, units);
    if (header.superseded[0].until != TimePoint{})
      out += " prev=" + name_of(header.superseded[0].verifier, units) + "<" +
             seconds_of(header.superseded[0].until);
    if (!header.contains(record.token)) out += " TOKEN MISSING";
    return out;
  }

  std::string print(const Unit& unit) const {
    static constexpr std::string_view names[] = {"unchanged", "applied", "dropped", "lost_login",
                                                 "failed"};
    const auto& result = unit.result;
    std::string out(names[static_cast<std::size_t>(result.verdict)]);
    if (result.created) out += " created";
    if (result.new_id)
      out += result.new_id->text().substr(16) == unit.fresh->text().substr(16) ? " new_id"
                                                                               : " WRONG ID";
    if (result.claimed) out += " claimed=" + number(*result.claimed);
    if (result.verdict == Verdict::failed)
      out += " " + std::to_string(static_cast<int>(result.error.code));
    return out;
  }

  std::string print(const Plan& plan, std::span<const Unit> units) const {
    static constexpr std::string_view names[] = {"nothing", "create", "replace"};
    std::string out(names[static_cast<std::size_t>(plan.write)]);
    if (plan.write != Plan::Write::nothing) out += " " + print(plan.record, units);
    for (const auto& unit : units) out += " | " + print(unit);
    return out;
  }

 private:
  static std::string number(std::string_view value) {
    const auto n = decode<int>(value);
    return n ? std::to_string(*n) : std::to_string(value.size()) + "B";
  }

  std::string name_of(const Verifier& verifier, std::span<const Unit> units) const {
    if (equal(verifier, hash(id))) return "same";
    if (equal(verifier, hash(other_id))) return "other";
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (!units[i].fresh) continue;
      // As begun under its own selector, or as renewed under the session's.
      if (equal(verifier, hash(*units[i].fresh)) ||
          equal(verifier, hash(units[i].fresh->with_key(id.key()))))
        return "fresh" + std::to_string(i);
    }
    return "UNKNOWN";
  }
};

// Wishes that many tests have.
inline std::function<void(Session&)> set(const char* key, int value) {
  return [=](Session& s) { s.set(key, value); };
}
inline std::function<void(Session&)> add(const char* key, int by) {
  return [=](Session& s) {
    s.update(
        key, 0, [](int n, int more) { return n + more; }, by);
  };
}
inline void regenerate(Session& s) { s.regenerate(); }
inline std::function<void(Session&)> login(const char* owner) {
  return [=](Session& s) { s.set_owner(owner); };
}
inline void throws(Session& s) {
  s.set("z", 1);
  s.update("a", 0, [](int) -> int { throw std::runtime_error("no"); });
}

}  // namespace flame::session::tests
