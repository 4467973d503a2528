#pragma once

#include <string_view>

namespace flame::inline v0::detail {

/// What a request line asks for (RFC 9112, 3.2).
struct Target {
  std::string_view authority{};  // of an absolute form
  std::string_view path{}, query{};
  bool is_good = false;  // else there may be a path, for the log
};

/// Good are origin form, absolute form of http or https, and `*`, with a path that can be decoded,
/// and holds no NUL, where a name would end for who opens it.
[[nodiscard]] Target parse_target(std::string_view text) noexcept;

/// A host's name or address, and perhaps a port; no userinfo (RFC 9110, 4.2.4).
[[nodiscard]] bool is_authority(std::string_view text) noexcept;

}  // namespace flame::inline v0::detail
