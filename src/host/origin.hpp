#pragma once

#include <span>
#include <string>
#include <string_view>

#include <flame/request.hpp>

namespace flame::inline v0::detail {

/// Whose page has sent a request, by the word of the browser.
enum class Origin { own, foreign, untold };

/// Sec-Fetch-Site decides, else Origin; those of `allowed` count as our own.
[[nodiscard]] Origin origin_of(const Request& request, std::span<const std::string> allowed);

/// Whether browsers write an origin of http or https like this.
[[nodiscard]] bool is_origin(std::string_view text) noexcept;

}  // namespace flame::inline v0::detail
