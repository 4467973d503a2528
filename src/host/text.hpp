#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <flame/request.hpp>

namespace flame::inline v0::detail {

/// Header fields' names: ASCII, whatever the locale.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;
/// RFC 9110, 5.6.2.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// Without spaces and tabs around it.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// Whether each `%` is followed by two hexadecimal digits.
[[nodiscard]] bool is_percent_encoded(std::string_view text) noexcept;
/// Printable ASCII, and no character that is percent-encoded in more bytes of UTF-8 than it needs:
/// filters before the host and behind it may read such a one differently.
[[nodiscard]] bool is_sound_target(std::string_view text) noexcept;
/// Nothing where it is not percent-encoded.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);
/// The byte that is percent-encoded at the beginning of the text; -1: none is.
[[nodiscard]] int encoded_byte(std::string_view text) noexcept;
void append_percent_encoded(std::string& out, char c);
/// For one line of a log: what is not printable ASCII as \xNN, and no longer than fits a line.
void append_escaped(std::string& out, std::string_view text);
/// The beginning of a line about a request: its method and path.
[[nodiscard]] std::string line_about(const Request& request);
/// Writes "flame: <text>\n" to stderr, or where that would have to wait drops it, which the next
/// line tells.
void log_error(std::string_view text) noexcept;
/// A line about what was not done to its end; `what`: a route.
void log_cut(std::string_view what, std::string_view why) noexcept;
/// On this thread: a log whose reader has gone is a failed write, and not the end of the process.
void block_broken_pipes() noexcept;
/// As much as can be written now, without waiting for whoever reads it; returns the rest.
[[nodiscard]] std::string_view write_now(int descriptor, std::string_view text) noexcept;

}  // namespace flame::inline v0::detail
