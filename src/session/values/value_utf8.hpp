#pragma once

#include <string_view>

namespace flame::inline v0::session {

/// By RFC 3629: no surrogates, nothing longer than need be, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace flame::inline v0::session
