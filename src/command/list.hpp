#pragma once

#include <string>
#include <vector>

#include <flame/session/manager.hpp>

namespace flame::inline v0::session::command {

/// An owner's sessions for people, and for programs.
[[nodiscard]] std::string table_of(const std::vector<OwnedSession>& sessions);
[[nodiscard]] std::string json_of(const std::vector<OwnedSession>& sessions);

}  // namespace flame::inline v0::session::command
