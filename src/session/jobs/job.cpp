#include "job.hpp"

namespace flame::inline v0::session {

void Core::note(const StoreCall& call) noexcept {
  if (call.failure) {
    if (call.failure->refused || call.failure->unconfirmed) {
      events.store_answered();
      events.emit(event::store_refused, nullptr, call.failure->error.text);
    } else if (call.failure->error.code == Errc::store_unavailable) {
      events.store_down(call.failure->error.text);
    }
    return;
  }
  events.store_answered();
  if (call.op.outcome == Outcome::refused)
    events.emit(event::store_full, nullptr,
                "the store refused a record: it is full (raise its bounds, or free some space), or "
                "the record is too large for it");
}

}  // namespace flame::inline v0::session
