#pragma once

#include <optional>

#include <flame/session/error.hpp>
#include <flame/session/store.hpp>

namespace flame::inline v0::session {

/// Why a store operation has no outcome.
struct Failure {
  Error error{};
  bool maybe_applied = false;  ///< it was sent, and what became of it is unknown
  bool refused = false;        ///< the store answered, and would not: it is not down
  bool unconfirmed = false;    ///< where it was applied, it may not last: reading tells nothing
  bool lost = false;           ///< and so is the connection
  bool later = false;          ///< lost, but surely not applied: it is worth another try
  bool away = false;           ///< that too, and so are the others to this server
};

// A text that finds no memory is left out.
[[nodiscard]] Failure failure_of(Errc code, const char* text, bool maybe_applied) noexcept;
void add_to(Error& error, const char* text) noexcept;
void put_before(Error& error, const char* text) noexcept;
[[nodiscard]] Failure out_of_memory() noexcept;
/// What the exception being handled, of a store, says of the operations that are unanswered.
[[nodiscard]] Failure caught_failure() noexcept;
/// The one place that says which outcomes a verb may answer: what all others come to.
[[nodiscard]] std::optional<Failure> failure_in(const StoreOp& op) noexcept;

inline constexpr auto was_stopped = "the session manager was stopped";

}  // namespace flame::inline v0::session
