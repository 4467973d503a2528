#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "changes.hpp"
#include "creation_limit.hpp"
#include "record/base.hpp"
#include "rules.hpp"

/// All decisions about a write, pure: no I/O, no clock, no randomness. On a conflict it runs again,
/// with the same units, on the newer base.
namespace flame::inline v0::session {

/// What the load of a request found.
enum class Presence : std::uint8_t {
  absent,      ///< no session: what it changes starts a new one
  live,        ///< a session, opened by its current ID
  superseded,  ///< an ID that a regenerate or login replaced: it sees no session and starts none
};

enum class Verdict : std::uint8_t {
  unchanged,   ///< nothing of it is worth a write
  applied,     ///< in the record that is to be written
  dropped,     ///< the session had ended, or the ID is superseded
  lost_login,  ///< the same for a login: it becomes a session of its own
  failed,      ///< undone alone: see UnitResult::error
};

struct UnitResult {
  Verdict verdict = Verdict::unchanged;
  std::optional<SessionId> new_id{};   ///< the ID that the client is to get
  std::chrono::milliseconds lives{0};  ///< what is left then until the absolute timeout, for a
                                       ///< cookie that outlives the browser; 0: it does not
  bool created = false;
  std::optional<std::string> claimed{};  ///< the flash message this unit took
  bool unknown = false;                  ///< failed or dropped, or perhaps not
  bool too_many_begin = false;           ///< failed by CreationLimit
  Error error{};
};

/// What one request wants of a session, and what becomes of it.
struct Unit {
  Presence presence = Presence::absent;
  Verifier presented{};  ///< live: what it came with
  const Changes* changes = &no_changes;
  bool logs_in = false;  ///< the owner that it sets is not the one it was loaded with
  std::optional<TimePoint> login_time{};  ///< of one that logs in; none: now
  std::uint64_t address =
      0;                ///< CreationLimit::address(): whom a session that it begins counts for
  bool stamps = false;  ///< writes the application into a record of format 1
  bool claims_flash = false;
  std::optional<std::string> returned_flash{};  ///< goes back into an empty slot
  std::optional<SessionId> fresh{};             ///< drawn for this try, where it may get a new ID
  UnitResult result;

  /// A change in itself, whatever it makes of the session.
  [[nodiscard]] bool wants_change() const noexcept {
    return !changes->values.empty() || changes->flash || changes->csrf || changes->regenerate ||
           logs_in || changes->destroy || stamps;
  }
  /// Whether `fresh` must be drawn before it is planned.
  [[nodiscard]] bool may_need_id() const noexcept {
    return presence != Presence::live || changes->regenerate || logs_in;
  }

  static inline const Changes no_changes{};
};

struct Plan {
  enum class Write : std::uint8_t { nothing, create, replace };
  Write write = Write::nothing;
  Record record{};  ///< to be written
};

/// What planning needs beside the base and the units.
struct PlanContext {
  const Rules& rules;
  const VerifierHash& hash;
  CreationLimit& creations;
};

/// Applies the units in order to `base` (null: there is no record, and so at most one unit that may
/// create one), and sets each unit's result. A unit that fails is undone alone.
[[nodiscard]] Plan plan(const Base* base, std::span<Unit* const> units, const PlanContext& context,
                        WriteToken token, TimePoint now);

/// What a unit gets where its session has ended.
void settle_ended(Unit& unit) noexcept;

/// The expiry a session gets by a request now; empty where it would move by less than a step,
/// unless a clock that was ahead wrote the record's times, which are set right then.
[[nodiscard]] std::optional<TimePoint> due_touch(const Record& record, const Lifetimes& lifetimes,
                                                 TimePoint now);

/// What a login in `changes` asks for.
[[nodiscard]] Terms terms_of(const Changes& changes) noexcept;
/// Whether what `changes` say of the owner is a login of a session that has this owner and terms.
[[nodiscard]] bool is_login(const Changes& changes, std::string_view owner,
                            const Terms& terms) noexcept;
/// Whether a session of this owner becomes somebody else's by them: what it holds does not.
[[nodiscard]] inline bool changes_hands(const Changes& changes, std::string_view owner) noexcept {
  return changes.owner && !owner.empty() && *changes.owner != owner;
}

}  // namespace flame::inline v0::session
