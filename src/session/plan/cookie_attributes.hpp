#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/cookie.hpp>

namespace flame::inline v0::session {

inline constexpr std::size_t max_cookie_size = 4096;     ///< name and value (RFC 6265bis, 5.5)
inline constexpr std::size_t max_attribute_size = 1024;  ///< one attribute's value
inline constexpr std::chrono::hours max_cookie_age{400 * 24};

inline constexpr std::string_view host_prefix = "__Host-";
inline constexpr std::string_view secure_prefix = "__Secure-";

/// All that is wrong with a cookie of this name and size of value, a text each.
[[nodiscard]] std::vector<std::string> cookie_faults(std::string_view name, std::size_t value_size,
                                                     const CookieAttributes& attributes);
/// "; Path=/; Secure…", without Max-Age.
[[nodiscard]] std::string attributes_text(const CookieAttributes& attributes);

/// For messages: what could break a line or a terminal becomes '?'. Not named as std::quoted,
/// which would be taken for a std::string.
[[nodiscard]] std::string in_quotes(std::string_view text);
/// Without spaces and tabs around it.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// RFC 9110, 5.6.2.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
[[nodiscard]] bool starts_with_any_case(std::string_view text, std::string_view prefix) noexcept;

}  // namespace flame::inline v0::session
