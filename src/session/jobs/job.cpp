#include "job.hpp"

namespace flame::inline v0::session {

void Core::judge(StoreCall& call) noexcept {
  auto& failure = call.failure;
  bool answered = !failure || failure->refused || failure->unconfirmed;
  // Who asked settles what nobody knows, or fails, which is told then.
  const bool unknown = !failure && call.op.outcome == Outcome::unknown;
  if (!failure && !call.list && (failure = failure_in(call.op)))
    failure->maybe_applied |= call.maybe_applied;
  if (answered) events.store_answered();
  if (answered && !answers.load(std::memory_order_relaxed)) answers = true;
  if (!failure || unknown) return;
  const std::string_view text = failure->error.text;
  switch (failure->error.code) {
    case Errc::overloaded:
      return events.emit(failure->refused ? event::store_full : event::turned_away, nullptr, text);
    case Errc::store_unavailable:
      if (answered) return events.emit(event::store_refused, nullptr, text);
      answers = false;
      return events.store_down(text);
    default:
      return;
  }
}

}  // namespace flame::inline v0::session
