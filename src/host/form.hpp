#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/request.hpp>

namespace flame::inline v0::detail {

inline constexpr std::string_view form_type = "application/x-www-form-urlencoded";

using FormPair = std::pair<std::string, std::string>;

/// What an x-www-form-urlencoded text says, as the parser of the URL standard reads it. Nothing:
/// more pairs than max_pairs.
[[nodiscard]] std::optional<std::vector<FormPair>> form_pairs(std::string_view text);
[[nodiscard]] std::string form_encoded(std::span<const FormPair> pairs);

/// The fields of a request that brings such a text.
[[nodiscard]] std::vector<FormPair> form_fields(std::vector<FormPair> fields);

/// The media type of the body, as it was sent, without parameters. Empty: none, or several that
/// nobody can choose from.
[[nodiscard]] std::string_view media_type(const Request& request) noexcept;

}  // namespace flame::inline v0::detail
