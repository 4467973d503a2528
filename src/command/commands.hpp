#pragma once

#include "arguments.hpp"
#include "exit_status.hpp"

/// One function a command, which prints on stdout; throws Failure and StoreError.
namespace flame::inline v0::session::command {

ExitStatus list(const Arguments& arguments);
ExitStatus end(const Arguments& arguments);
ExitStatus end_all(const Arguments& arguments);
ExitStatus sweep(const Arguments& arguments);
ExitStatus copy(const Arguments& arguments);
ExitStatus check(const Arguments& arguments);

/// The command line to the end: its errors on stderr.
[[nodiscard]] ExitStatus run(std::span<const char* const> words) noexcept;

}  // namespace flame::inline v0::session::command
