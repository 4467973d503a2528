#include <stdexcept>
#include <utility>

#include <flame/response.hpp>

#include "text.hpp"
#include "wire.hpp"

namespace flame::inline v0 {
namespace {

/// What no part of a URL may have as it is (RFC 3986, 2).
constexpr bool must_be_encoded(char c) noexcept {
  return c <= ' ' || c > '~' || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos;
}

std::string encoded(std::string_view target) {
  std::string out;
  out.reserve(target.size());
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    const bool lone_percent = c == '%' && !detail::is_percent_encoded(target.substr(i, 3));
    if (lone_percent || must_be_encoded(c))
      detail::append_percent_encoded(out, c);
    else
      out += c;
  }
  return out;
}

/// Browsers read `\` as `/`, and `//` as the beginning of another site.
bool is_local(std::string_view target) noexcept {
  return target.starts_with('/') && (target.size() == 1 || (target[1] != '/' && target[1] != '\\'));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Response html(std::string text) {
  Response response(std::move(text));
  response.set("Content-Type", "text/html; charset=utf-8");
  return response;
}

Response redirect(std::string_view target, int status) {
  if (!detail::redirects(status))
    throw std::invalid_argument("a redirect's status is 301, 302, 303, 307 or 308");
  if (target.empty()) throw std::invalid_argument("a redirect needs a target: \"/\", say");
  Response response(status);
  response.set("Location", encoded(target));
  return response;
}

Response redirect_local(std::string_view target, std::string_view fallback) {
  return redirect(is_local(target) ? target : fallback);
}

}  // namespace flame::inline v0
