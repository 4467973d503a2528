#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flame::inline v0::detail {

/// "Mon, 23 Nov 2026 03:20:22 GMT" (RFC 9110, 5.6.7); seconds since the epoch, whatever the locale.
[[nodiscard]] std::string http_date(std::int64_t seconds);

/// In any of the three forms that a recipient must know. `now` tells the century of the one that
/// leaves it out.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now);

}  // namespace flame::inline v0::detail
