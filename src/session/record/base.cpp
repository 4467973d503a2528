#include "base.hpp"

#include <algorithm>

namespace flame::inline v0::session {

RecordState open_header(const Record& record, const LifetimeRules& rules, TimePoint now, Base& base,
                        std::string_view& payload) {
  const auto opened = open_envelope(record.blob, record.key, base.header, payload);
  // A record that cannot be read says nothing of its login's terms: those of Options will do.
  const auto lifetimes = rules.of(opened == Opened::done ? base.header.terms : Terms{});
  const auto absolute_end = record.created_at + lifetimes.absolute;
  const auto end = std::min({record.expires_at, record.last_seen + lifetimes.idle, absolute_end});
  if (end <= now) return end == absolute_end ? RecordState::absolute_over : RecordState::idle_over;
  switch (opened) {
    case Opened::done:
      return given_owner(base.header, record.owner) ? RecordState::readable
                                                    : RecordState::unreadable;
    case Opened::newer_version:
      return RecordState::newer_version;
    case Opened::unreadable:
      break;
  }
  return RecordState::unreadable;
}

RecordState open_values(Record& record, std::string_view payload, Base& base) {
  auto document = Document::read(payload);
  if (!document) return RecordState::unreadable;
  base.document = std::move(*document);
  base.record = std::move(record);
  return RecordState::readable;
}

RecordState open_record(Record& record, const LifetimeRules& rules, TimePoint now, Base& base) {
  std::string_view payload;
  const auto state = open_header(record, rules, now, base, payload);
  return state == RecordState::readable ? open_values(record, payload, base) : state;
}

Standing standing(const Header& header, const Verifier& presented, TimePoint now) noexcept {
  if (equal(header.current, presented)) return Standing::current;
  for (const Superseded& each : header.superseded)
    if (now < each.until && equal(each.verifier, presented)) return Standing::superseded;
  return Standing::unknown;
}

}  // namespace flame::inline v0::session
