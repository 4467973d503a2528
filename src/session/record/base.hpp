#pragma once

#include <optional>

#include "envelope.hpp"
#include "owner.hpp"
#include "values/document.hpp"

namespace flame::inline v0::session {

/// A record with its blob opened: what a request loaded, or the newest that a conflict brought.
/// Header and document view into record.blob, which outlives a move (a blob is never short enough
/// to move).
struct Base {
  Record record;
  Header header;
  Document document;

  [[nodiscard]] std::string_view owner() const noexcept {
    return given_owner(header, record.owner).value_or(std::string_view());
  }
};

enum class RecordState : std::uint8_t {
  readable,
  idle_over,      ///< the idle timeout has passed
  absolute_over,  ///< the absolute one
  unreadable,
  newer_version
};

/// Opens the envelope alone, into base.header; judges expiry itself, whatever the store answered
/// (S07).
[[nodiscard]] RecordState open_header(const Record& record, const LifetimeRules& rules,
                                      TimePoint now, Base& base, std::string_view& payload);
/// Then its values. `record` stays as it was unless it is readable.
[[nodiscard]] RecordState open_values(Record& record, std::string_view payload, Base& base);
/// Both.
[[nodiscard]] RecordState open_record(Record& record, const LifetimeRules& rules, TimePoint now,
                                      Base& base);

/// What an ID with this verifier is to a session.
enum class Standing : std::uint8_t { current, superseded, unknown };
[[nodiscard]] Standing standing(const Header& header, const Verifier& presented,
                                TimePoint now) noexcept;

}  // namespace flame::inline v0::session
