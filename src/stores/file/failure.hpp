#pragma once

#include <string>
#include <string_view>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::file {

/// What an error number of the system means here, and what helps.
[[nodiscard]] std::string explain(int error);

/// For what surely was not applied. `what`: "could not …".
[[noreturn]] void refuse(std::string_view what, int error);

/// For what is applied or not, nobody knows; or where the root has to be opened anew.
[[noreturn]] void lose(std::string_view what, int error);

}  // namespace flame::inline v0::session::file
