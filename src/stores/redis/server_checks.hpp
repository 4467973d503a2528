#pragma once

#include <optional>
#include <string>
#include <vector>

#include "routing.hpp"
#include "work.hpp"

namespace flame::inline v0::session::redis {

/// What was read of a server's settings; unset: it does not say.
struct ServerSettings {
  std::optional<std::string> maxmemory_policy{};
  std::optional<bool> has_limit{};  ///< maxmemory is set
  std::optional<bool> appends{};    ///< appendonly yes
  std::optional<bool> saves{};      ///< save has a rule
};

/// The value of a field in an answer of INFO. Pure.
[[nodiscard]] std::optional<std::string> info_field(std::string_view info, std::string_view name);
/// What breaks the README's promises, a line each. Pure.
[[nodiscard]] std::vector<std::string> warnings(const ServerSettings& settings);

/// Whether sessions can be kept there, in keys of this layout; answers warnings. Throws StoreError.
[[nodiscard]] std::vector<std::string> check_server(Routing& routing, Commands& commands,
                                                    const Call& call);

}  // namespace flame::inline v0::session::redis
