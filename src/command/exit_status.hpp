#pragma once

#include <stdexcept>
#include <string>

namespace flame::inline v0::session::command {

/// What the command ends with; docs/flame-session.1 tells users.
enum class ExitStatus : int {
  done = 0,
  failed = 1,    ///< the store could not, or something is wrong with it
  usage = 2,     ///< the command line is wrong
  not_done = 3,  ///< nobody agreed, or it was interrupted
  warned = 4,    ///< check: it works, with warnings
};

/// Ends the command with a line of text, which holds no password, ID or value.
class Failure : public std::runtime_error {
 public:
  Failure(ExitStatus status, const std::string& text) : std::runtime_error(text), status_(status) {}
  [[nodiscard]] ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace flame::inline v0::session::command
