#pragma once

#include <string>

#include <flame/handler.hpp>

namespace flame::inline v0::detail {

/// Answers GET and HEAD for the regular files of a folder; the chain goes on for all else. Nothing
/// where there is no such folder. Links are never followed.
[[nodiscard]] std::vector<Link> static_files(const std::string& folder);

}  // namespace flame::inline v0::detail
