#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace flame::inline v0::session {

/// The parts of a URI as they stand in the text (RFC 3986, 3), escapes and all.
struct Uri {
  std::string_view scheme{};
  std::optional<std::string_view> user{}, password{};
  std::string_view host{};  ///< an IPv6 address without its brackets
  std::string_view port{};  ///< digits
  std::string_view path{}, query{};
  bool has_fragment = false;
};
[[nodiscard]] std::optional<Uri> parse_uri(std::string_view text);

/// None where a percent sign begins no escape.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace flame::inline v0::session
