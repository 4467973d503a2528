#include "base.hpp"

#include <algorithm>

namespace flame::inline v0::session {

RecordState open_header(const Record& record, std::chrono::milliseconds idle,
                        std::chrono::milliseconds absolute, TimePoint now, Base& base,
                        std::string_view& payload) {
  const auto end =
      std::min({record.expires_at, record.last_seen + idle, record.created_at + absolute});
  if (end <= now) return RecordState::expired;
  switch (open_envelope(record.blob, record.key, base.header, payload)) {
    case Opened::done:
      return RecordState::readable;
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

RecordState open_record(Record& record, std::chrono::milliseconds idle,
                        std::chrono::milliseconds absolute, TimePoint now, Base& base) {
  std::string_view payload;
  const auto state = open_header(record, idle, absolute, now, base, payload);
  return state == RecordState::readable ? open_values(record, payload, base) : state;
}

Standing standing(const Header& header, const Verifier& presented, TimePoint now) noexcept {
  if (equal(header.current, presented)) return Standing::current;
  for (const Superseded& each : header.superseded)
    if (now < each.until && equal(each.verifier, presented)) return Standing::superseded;
  return Standing::unknown;
}

}  // namespace flame::inline v0::session
