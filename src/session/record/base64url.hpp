#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace flame::inline v0::session {

/// RFC 4648, section 5, without padding. `out` has room for (4 * in.size() + 2) / 3 characters.
void base64url_encode(std::span<const std::byte> in, char* out) noexcept;

/// False where a character is outside the alphabet or a spare bit of the last one is set. `out` has
/// room for in.size() * 3 / 4 bytes.
[[nodiscard]] bool base64url_decode(std::string_view in, std::byte* out) noexcept;
/// The same, of what is not to be had as bytes.
[[nodiscard]] bool is_base64url(std::string_view in) noexcept;

}  // namespace flame::inline v0::session
