#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <flame/session/option_time.hpp>

#pragma GCC visibility push(default)

/// Cookies in general (draft-ietf-httpbis-rfc6265bis); the session's own is CookieOptions' matter.
namespace flame::inline v0::session {

enum class SameSite : std::uint8_t { lax, strict, none };

/// What a Set-Cookie field says beside name and value.
struct CookieAttributes {
  std::string path = "/";
  std::string domain{};                    ///< empty: this host only
  std::optional<OptionSeconds> max_age{};  ///< unset: until the browser ends; at most 400 days
  SameSite same_site = SameSite::lax;
  bool partitioned = false;  ///< within a frame of another site: a cookie jar for each such site
  bool http_only = true;     ///< scripts do not see it
  bool plain_http = false;   ///< for plain http, in development: not Secure
};

/// The value of a Set-Cookie field. Throws std::invalid_argument with all that browsers would
/// refuse or read as something else: a name that is no token, or begins with `__Host-` or
/// `__Secure-` and is not what these promise; a value with a space, `"`, `,`, `;`, `\`, a control
/// character or non-ASCII; a wrong path or domain; more than 4096 bytes.
[[nodiscard]] std::string set_cookie_value(std::string_view name, std::string_view value,
                                           const CookieAttributes& attributes = {});
/// The same for one that is to go; path and domain are those that it was set with.
[[nodiscard]] std::string removed_cookie_value(std::string_view name,
                                               const CookieAttributes& attributes = {});

/// Takes the next pair off the value of a Cookie field; nothing at its end. Decodes nothing, and
/// leaves out what has no `=`.
[[nodiscard]] std::optional<std::pair<std::string_view, std::string_view>> next_cookie(
    std::string_view& rest) noexcept;

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
