#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// Why an operation of the Manager did not succeed.
enum class Errc : std::uint8_t {
  invalid_option,     ///< an option, a store URL or a schema is wrong; found by open()
  store_unavailable,  ///< the store is down or refused the call; whether a commit applied is in the
                      ///< text
  deadline,    ///< no answer in time; a commit under way may still apply, whole or not at all
  overloaded,  ///< too much is waiting already: try later; nothing was applied
  stopped,     ///< the Manager was stopped
  too_large,  ///< the session would grow over Options::max_bytes; this request's changes are undone
  update_failed,  ///< a function given to Session::update threw; this request's changes are undone
  random_failed,  ///< the system gave no random bytes: no session ID could be made
  out_of_memory,  ///< this operation ended for want of it; whether a commit applied is unknown
  misuse,         ///< the calling program is wrong, the text says how; nothing was done
  too_many_sessions,  ///< Options::max_sessions_per_owner: the login was refused, and saved
                      ///< nothing; of several at once, the session that signed in has ended
};

/// The text names the input and the remedy, and holds no session ID, secret or value.
struct Error {
  Errc code{};
  std::string text{};
};

template <class T>
using Result = tl::expected<T, Error>;

/// 503 where trying again later may help (send Retry-After with it), 403 for a login that was
/// refused, else 500.
[[nodiscard]] int http_status(Errc code) noexcept;

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
