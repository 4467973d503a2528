#pragma once

#include <string_view>

namespace flame::inline v0::detail {

/// By the ending of a file's name, in any case.
[[nodiscard]] std::string_view content_type(std::string_view name);

}  // namespace flame::inline v0::detail
