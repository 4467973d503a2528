#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plan/rules.hpp"
#include "record/session_id.hpp"

namespace flame::inline v0::session {

/// Cookie bytes looked at in one request; where there are more, no session is opened.
inline constexpr std::size_t max_cookie_bytes = 64 * 1024;

/// What a request says about its session.
struct Presented {
  enum class Kind : std::uint8_t {
    nothing,
    ids,        ///< one or two, well-formed: what they open, the store says
    malformed,  ///< something under our name that no ID of ours looks like, and nothing that is one
    ambiguous,  ///< three or more, or another one in the header: none is opened (S18)
  };
  Kind kind = Kind::nothing;
  std::array<SessionId, 2> ids{};
  std::size_t count = 0;  ///< 0 for any other kind
};

/// Reads Cookie fields (RFC 6265bis, 4.2.1) in one pass, decoding nothing, and the ID headers where
/// they may bring one.
[[nodiscard]] Presented read_presented(const RequestView& request, const CookieRules& rules,
                                       bool reads_headers) noexcept;

/// The value of a Set-Cookie field that hands out an ID, or takes the cookie away. `lives`: as
/// UnitResult has it.
[[nodiscard]] std::string set_cookie(const CookieRules& rules, const SessionId& id,
                                     std::chrono::milliseconds lives = {});
[[nodiscard]] std::string removal_cookie(const CookieRules& rules);

}  // namespace flame::inline v0::session
