#pragma once

#include <string>
#include <string_view>

#include <flame/context.hpp>

namespace flame::inline v0::detail {

/// How a response ends: whether the connection stays, and whether the client must be told.
struct Framing {
  bool keep_alive = true;
  bool http_1_0 = false;
};

/// Whether an answer of this status has a body.
[[nodiscard]] bool has_body(int status) noexcept;

/// Whether it sends the client to its Location.
[[nodiscard]] bool redirects(int status) noexcept;

/// Appends status line and fields; `date` is a whole line. Says whether the body goes with them.
bool append_head(std::string& out, const Context& context, Framing framing, std::string_view date);

/// The answer where something runs out that others will give back.
[[nodiscard]] Response busy();
/// The answer to what the application never sees.
void refuse(Context& context, int status);

/// "Date: Mon, 23 Nov 2026 03:20:22 GMT\r\n" (RFC 9110, 5.6.7).
[[nodiscard]] std::string date_line(std::int64_t seconds_since_epoch);

[[nodiscard]] std::string_view reason(int status) noexcept;

}  // namespace flame::inline v0::detail
