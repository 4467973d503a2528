#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "envelope.hpp"

namespace flame::inline v0::session {

inline constexpr std::size_t max_owner_size = 255;  ///< bytes of an owner, as applications give it

/// The owner as the store of several applications has it: the application and a NUL before it, so
/// that equal owners of two applications are two. Of no application it is the owner alone, as in
/// records of format 1, unless that has a NUL.
[[nodiscard]] std::string stored_owner(std::string_view application, std::string_view owner);
/// Whether only format 2 says how to read the owner back.
[[nodiscard]] bool needs_application(std::string_view application, std::string_view owner) noexcept;
/// The owner as its application gave it. Empty: not what this application stores.
[[nodiscard]] std::optional<std::string_view> given_owner(const Header& header,
                                                          std::string_view stored) noexcept;

}  // namespace flame::inline v0::session
