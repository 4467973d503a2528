#pragma once

#include <optional>
#include <string_view>

#include "arguments.hpp"

namespace flame::inline v0::session::command {

/// What `flame-session --help` prints, or `flame-session COMMAND --help`.
[[nodiscard]] std::string_view help(std::optional<Action> about);

}  // namespace flame::inline v0::session::command
