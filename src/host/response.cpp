#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

#include <flame/response.hpp>

#include "text.hpp"

namespace flame::inline v0 {
namespace {

struct Line {
  Field field{};
  std::size_t begin = 0, end = 0;  // with its CRLF
};

/// The line that starts at `begin`, which is before the end.
Line line_at(std::string_view lines, std::size_t begin) noexcept {
  const auto colon = lines.find(": ", begin);
  const auto end = lines.find("\r\n", colon);
  return {{lines.substr(begin, colon - begin), lines.substr(colon + 2, end - colon - 2)},
          begin,
          end + 2};
}

void check(std::string_view name, std::string_view value) {
  if (!detail::is_token(name)) {
    throw std::invalid_argument("a response field's name is not a token");
  }
  const bool control = std::any_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
  if (control) {
    throw std::invalid_argument("the value of the response field " + std::string(name) +
                                " has a control character");
  }
  constexpr std::array<std::string_view, 4> of_the_host{"Connection", "Content-Length", "Date",
                                                        "Transfer-Encoding"};
  for (const auto reserved : of_the_host) {
    if (detail::same_name(name, reserved)) {
      throw std::invalid_argument("the response field " + std::string(name) +
                                  " is the host's to write");
    }
  }
}

}  // namespace

void Response::check_open() const {
  if (sent_)
    throw std::logic_error(
        "the head of this answer is sent already: what is to change goes before "
        "flame::streamed(...)");
}

void Response::add(std::string_view name, std::string_view value) {
  lines_.reserve(lines_.size() + name.size() + value.size() + 4);
  lines_.append(name).append(": ").append(value).append("\r\n");
}

Response& Response::status(int status) {
  check_open();
  if (status < 200 || status > 599)
    throw std::invalid_argument("a response's status is 200 to 599");
  status_ = status;
  return *this;
}

Response& Response::set(std::string_view name, std::string_view value) {
  check_open();
  check(name, value);
  const std::string copy(value);  // it may be a view of a line that goes
  erase(name);
  sets_cookies_ |= detail::same_name(name, "Set-Cookie");
  add(name, copy);
  return *this;
}

Response& Response::append(std::string_view name, std::string_view value) {
  check_open();
  check(name, value);
  sets_cookies_ |= detail::same_name(name, "Set-Cookie");
  add(name, value);
  return *this;
}

Response& Response::erase(std::string_view name) noexcept {
  if (detail::same_name(name, "Set-Cookie")) sets_cookies_ = false;
  for (std::size_t at = 0; at < lines_.size();) {
    const auto line = line_at(lines_, at);
    if (detail::same_name(line.field.name, name)) {
      lines_.erase(line.begin, line.end - line.begin);
    } else {
      at = line.end;
    }
  }
  return *this;
}

Response& Response::set_cookie(std::string_view name, std::string_view value,
                               const CookieAttributes& attributes) {
  return append("Set-Cookie", session::set_cookie_value(name, value, attributes));
}

Response& Response::remove_cookie(std::string_view name, const CookieAttributes& attributes) {
  return append("Set-Cookie", session::removed_cookie_value(name, attributes));
}

std::string_view Response::get(std::string_view name) const noexcept {
  for (std::size_t at = 0; at < lines_.size();) {
    const auto line = line_at(lines_, at);
    if (detail::same_name(line.field.name, name)) return line.field.value;
    at = line.end;
  }
  return {};
}

std::vector<Field> Response::fields() const {
  std::vector<Field> fields;
  for (std::size_t at = 0; at < lines_.size();) {
    const auto line = line_at(lines_, at);
    fields.push_back(line.field);
    at = line.end;
  }
  return fields;
}

}  // namespace flame::inline v0
