#include "base.hpp"

#include <algorithm>

namespace flame::inline v0::session {

RecordState open_record(Record& record, std::chrono::milliseconds idle,
                        std::chrono::milliseconds absolute, TimePoint now, Base& base) {
  const auto end =
      std::min({record.expires_at, record.last_seen + idle, record.created_at + absolute});
  if (end <= now) return RecordState::expired;
  std::string_view payload;
  switch (open_envelope(record.blob, record.key, base.header, payload)) {
    case Opened::done:
      break;
    case Opened::newer_version:
      return RecordState::newer_version;
    case Opened::unreadable:
      return RecordState::unreadable;
  }
  auto document = Document::read(payload);
  if (!document) return RecordState::unreadable;
  base.document = std::move(*document);
  base.record = std::move(record);
  return RecordState::readable;
}

Standing standing(const Header& header, const Verifier& presented, TimePoint now) noexcept {
  if (equal(header.current, presented)) return Standing::current;
  for (const Superseded& each : header.superseded)
    if (now < each.until && equal(each.verifier, presented)) return Standing::superseded;
  return Standing::unknown;
}

}  // namespace flame::inline v0::session
