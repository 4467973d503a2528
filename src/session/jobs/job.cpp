#include "job.hpp"

namespace flame::inline v0::session {

TimePoint Core::login_time() noexcept {
  constexpr std::chrono::milliseconds most_ahead{500};
  const auto now = time.now();
  auto last = last_login.load();
  TimePoint next;
  do {
    next = last >= now && last < now + most_ahead ? last + std::chrono::milliseconds(1) : now;
  } while (!last_login.compare_exchange_weak(last, next));
  return next;
}

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
