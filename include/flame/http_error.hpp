#pragma once

#include <stdexcept>
#include <string>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

/// Thrown by a handler, or by what it calls: the answer is this status with this text, which is for
/// the client. A line on stderr from 500 on only. As with any exception nothing of the session is
/// saved: return a Response where something is to be.
class HttpError : public std::runtime_error {
 public:
  /// Throws std::invalid_argument outside of 400 to 599. Without a text: the status's own name.
  explicit HttpError(int status, const std::string& text = {});
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
