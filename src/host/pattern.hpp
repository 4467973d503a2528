#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flame::inline v0::detail {

inline constexpr std::string_view parameter_mark = "{", rest_mark = "{**";

/// A path's parameters by name, or an error: what is wrong with the path, and what to write
/// instead.
struct Pattern {
  std::vector<std::string> segments{};  // fixed ones; or one of the marks
  std::vector<std::string> parameters{};
  std::string error{};
};
[[nodiscard]] Pattern parse_pattern(std::string_view path);

}  // namespace flame::inline v0::detail
