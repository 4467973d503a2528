#include "failure.hpp"

#include <new>

namespace flame::inline v0::session {

Failure failure_of(Errc code, const char* text, bool maybe_applied) noexcept {
  Failure failure{.error = {code, {}}, .maybe_applied = maybe_applied};
  try {
    failure.error.text = text;
  } catch (const std::bad_alloc&) {
  }
  return failure;
}

Failure out_of_memory() noexcept {
  auto failure = failure_of(Errc::out_of_memory, "out of memory", true);
  failure.unconfirmed = true;  // it may have come in the place of the word that it is
  failure.lost = true;
  return failure;
}

void add_to(Error& error, const char* text) noexcept {
  try {
    error.text.append(error.text.empty() ? "" : "; ").append(text);
  } catch (const std::bad_alloc&) {
  }
}

void put_before(Error& error, const char* text) noexcept {
  try {
    error.text.insert(0, text);
  } catch (const std::bad_alloc&) {
  }
}

Failure caught_failure() noexcept {
  try {
    throw;
  } catch (const StoreError& error) {
    using Kind = StoreError::Kind;
    const bool full = error.kind() == Kind::full;
    auto failure =
        failure_of(full ? Errc::overloaded : Errc::store_unavailable, error.what(), true);
    failure.refused = full || error.kind() == Kind::refused;
    failure.unconfirmed = error.kind() == Kind::unconfirmed;
    failure.away = error.kind() == Kind::away;
    failure.later = error.kind() == Kind::later || failure.away;
    failure.lost = error.kind() == Kind::connection_lost || failure.later;
    failure.maybe_applied = !failure.refused && !failure.later;
    return failure;
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (...) {
    auto failure = failure_of(
        Errc::store_unavailable,
        "the store threw something else than a StoreError, whose text alone may be shown", true);
    failure.lost = true;
    return failure;
  }
}

namespace {

bool may_answer(Verb verb, Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::done:
      return true;
    case Outcome::missing:
      return verb == Verb::load || verb == Verb::replace || verb == Verb::touch;
    case Outcome::exists:
      return verb == Verb::create;
    case Outcome::conflict:
      return verb == Verb::replace;
    case Outcome::unreadable:
      return verb == Verb::load;
    case Outcome::unanswered:
    case Outcome::refused:
    case Outcome::later:
    case Outcome::unknown:
      break;
  }
  return false;
}

Failure refusal(Verb verb) noexcept {
  const bool saves = verb == Verb::create || verb == Verb::replace;
  auto failure =
      saves ? failure_of(Errc::overloaded,
                         "the store takes no more: raise its bounds, free some space, or wait for "
                         "sessions to end",
                         false)
            : failure_of(Errc::store_unavailable,
                         "the store refused an operation that saves nothing: its log may say why",
                         false);
  failure.refused = true;
  return failure;
}

}  // namespace

std::optional<Failure> failure_in(const StoreOp& op) noexcept {
  if (may_answer(op.verb, op.outcome)) return std::nullopt;
  switch (op.outcome) {
    case Outcome::refused:
      return refusal(op.verb);
    case Outcome::later:
      return failure_of(Errc::store_unavailable,
                        "a part of the store stayed away, or locked (by a process that hangs, or "
                        "was stopped?): nothing was done",
                        false);
    case Outcome::unknown:
      return failure_of(Errc::store_unavailable,
                        "the store does not know what became of an operation", true);
    case Outcome::unanswered:
      return failure_of(Errc::store_unavailable,
                        "the store left an operation unanswered: a bug of its", true);
    default:
      return failure_of(Errc::store_unavailable,
                        "the store answered what its verb may not: a bug of its", true);
  }
}

}  // namespace flame::inline v0::session
