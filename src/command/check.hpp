#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <flame/session/store.hpp>

#include "exit_status.hpp"

namespace flame::inline v0::session::command {

struct Finding {
  enum class Grade : std::uint8_t { good, warning, wrong };
  std::string what{};
  Grade grade{};
  std::string text{};
};

/// What there is to say of a store. Once it cannot be used the rest is left out.
[[nodiscard]] std::vector<Finding> look_at(Store& store);
[[nodiscard]] std::string table_of(const std::vector<Finding>& findings);
[[nodiscard]] ExitStatus status_of(const std::vector<Finding>& findings);

/// Of a store's clock that is so far ahead of this machine's.
[[nodiscard]] Finding of_clock(std::chrono::milliseconds ahead);
/// Of loads that took so long each.
[[nodiscard]] Finding of_loads(std::vector<std::chrono::microseconds> times);

}  // namespace flame::inline v0::session::command
