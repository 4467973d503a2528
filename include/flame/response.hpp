#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/request.hpp>
#include <flame/session/cookie.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

namespace detail {
class File;
class StreamSource;
}  // namespace detail

using session::CookieAttributes;
using session::SameSite;

/// What is answered. A change of one whose head is sent already, from a stream's function, throws
/// std::logic_error. Date, Content-Length and Connection are the host's to write; Content-Type is
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
    check_open();
    body_ = std::move(body);
    file_.reset();
    stream_.reset();
    of_host_ = false;
    return *this;
  }

  /// Throw std::invalid_argument for a name that is no token, a value with a control character, and
  /// for the fields that are the host's.
  Response& set(std::string_view name, std::string_view value);     ///< replaces all of this name
  Response& append(std::string_view name, std::string_view value);  ///< one more of this name
  Response& erase(std::string_view name) noexcept;
  /// A cookie of the application's own: Secure, HttpOnly, SameSite=Lax, until the browser ends. The
  /// session's has its own way, and its name is not for others: an answer that sets it is a 500,
  /// and a line in the log. Throw std::invalid_argument for what browsers would refuse
  /// (session/cookie.hpp). Several may be set; browsers go by the last of a name and path.
  Response& set_cookie(std::string_view name, std::string_view value,
                       const CookieAttributes& attributes = {});
  /// Path and domain are those that it was set with.
  Response& remove_cookie(std::string_view name, const CookieAttributes& attributes = {});
  /// The first of this name (in any case); empty where there is none. A view until the next change.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<Field> fields() const;

 private:
  friend struct ResponseAccess;
  void check_open() const;
  void add(std::string_view name, std::string_view value);

  bool of_host_ = false;       // an error's own text
  bool sent_ = false;          // its head
  bool sets_cookies_ = false;  // the application does
  int status_ = 200;
  std::string lines_{};  // as sent, so that a request costs no allocation per field
  std::string body_{};
  std::shared_ptr<const detail::File> file_{};            // in place of the body
  std::shared_ptr<const detail::StreamSource> stream_{};  // the same
};

/// A page: a Response with its Content-Type. What comes from visitors goes through escape_html().
[[nodiscard]] Response html(std::string text);
/// For text between tags and in quoted attributes.
[[nodiscard]] std::string escape_html(std::string_view text);

/// Sends the client on, by GET where `status` is 303; throws std::invalid_argument for one that
/// does not redirect, and for an empty target. What a URL cannot have (spaces, controls, non-ASCII,
/// `\`) is percent-encoded; what is encoded stays. A target that came from a visitor may lead to
/// another site: redirect_local() is for those.
[[nodiscard]] Response redirect(std::string_view target, int status = 303);
/// The same where `target` is a path of this site: `/` and no second `/` or `\` after it. Else
/// to `fallback`, which is not checked.
[[nodiscard]] Response redirect_local(std::string_view target, std::string_view fallback = "/");

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
