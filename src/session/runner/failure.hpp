#pragma once

#include <flame/session/error.hpp>

namespace flame::inline v0::session {

/// Why a store operation has no outcome.
struct Failure {
  Error error{};
  bool maybe_applied = false;  ///< it was sent, and what became of it is unknown
  bool refused = false;        ///< the store answered, and would not: it is not down
  bool unconfirmed = false;    ///< where it was applied, it may not last: reading tells nothing
  bool lost = false;           ///< and so is the connection
};

// A text that finds no memory is left out.
[[nodiscard]] Failure failure_of(Errc code, const char* text, bool maybe_applied) noexcept;
void add_to(Error& error, const char* text) noexcept;
[[nodiscard]] Failure out_of_memory() noexcept;
/// What the exception being handled, of a store, says of the operations that are unanswered.
[[nodiscard]] Failure caught_failure() noexcept;

inline constexpr auto left_unanswered = "the store left an operation unanswered: a bug of its";
inline constexpr auto was_stopped = "the session manager was stopped";

}  // namespace flame::inline v0::session
