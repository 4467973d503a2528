#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <flame/response.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

/// Thrown by a handler, or by what it calls: the answer is this status with this text, which is for
/// the client. A line on stderr from 500 on only. As with any exception nothing of the session is
/// saved: return a Response where something is to be.
///
///     throw flame::HttpError(429, "Too many tries").set("Retry-After", "60");
///
/// What value() of a session::Result throws where there is none is answered like a session that
/// cannot be loaded: 503 with Retry-After while the store is down.
class HttpError : public std::runtime_error {
 public:
  /// Throws std::invalid_argument outside of 400 to 599. Without a text: the status's own name.
  explicit HttpError(int status, const std::string& text = {});
  /// A field of the answer. Throws as Response::set() does.
  HttpError& set(std::string_view name, std::string_view value) {
    response_.set(name, value);
    return *this;
  }
  [[nodiscard]] int status() const noexcept { return response_.status(); }
  /// What is answered, but for the fields that all errors have.
  [[nodiscard]] const Response& response() const noexcept { return response_; }

 private:
  Response response_;
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
