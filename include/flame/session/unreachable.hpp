#pragma once

#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// For authors of stores whose driver connects: what a StoreError says, and what to look at, of a
/// server that there is no connection to. By the system's error; 0 where none is known, ETIMEDOUT
/// where the time was over.
[[nodiscard]] std::string unreachable(std::string_view address, int error);
/// The system's error whose words are in a driver's message, of those that a connect ends with; 0:
/// none.
[[nodiscard]] int connect_error_in(std::string_view message);

/// The same of one that took the connection, and was silent until the deadline or said what no
/// server of its kind ("Redis") does.
[[nodiscard]] std::string no_answer(std::string_view address, std::string_view kind, bool is_late);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
