#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/request.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

namespace detail {
class File;
}

/// What is answered. Date, Content-Length and Connection are the host's to write; Content-Type is
/// `text/plain; charset=utf-8` for a body without one.
class Response {
 public:
  Response() = default;
  explicit Response(std::string body) : body_(std::move(body)) {}
  explicit Response(int status, std::string body = {}) : status_(status), body_(std::move(body)) {}

  [[nodiscard]] int status() const noexcept { return status_; }
  /// Throws std::invalid_argument outside of 200 to 599.
  Response& status(int status);
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  Response& body(std::string body) {
    body_ = std::move(body);
    file_.reset();
    return *this;
  }

  /// Throw std::invalid_argument for a name that is no token, a value with a control character, and
  /// for the fields that are the host's.
  Response& set(std::string_view name, std::string_view value);     ///< replaces all of this name
  Response& append(std::string_view name, std::string_view value);  ///< one more of this name
  Response& erase(std::string_view name) noexcept;
  /// The first of this name (in any case); empty where there is none. A view until the next change.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<Field> fields() const;

 private:
  friend struct ResponseAccess;

  int status_ = 200;
  std::string lines_{};  // as sent, so that a request costs no allocation per field
  std::string body_{};
  std::shared_ptr<const detail::File> file_{};  // in place of the body
};

/// JSON that the application has made: a Response with its Content-Type.
class Json {
 public:
  explicit Json(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const std::string& text() const& noexcept { return text_; }
  [[nodiscard]] std::string text() && noexcept { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace flame::inline v0

#pragma GCC visibility pop
