#include "uri.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace flame::inline v0::session {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_one_of(std::string_view all, char c) noexcept { return all.find(c) != npos; }

/// What stands for itself in each part: unreserved and sub-delims.
bool is_plain(char c) noexcept {
  return is_letter(c) || is_digit(c) || is_one_of("-._~!$&'()*+,;=", c);
}

/// What the percent sign there begins.
std::optional<char> escape_at(std::string_view text, std::size_t at) noexcept {
  const auto digits = text.substr(at + 1, 2);
  unsigned char value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{} || end != digits.data() + 2) return std::nullopt;
  return static_cast<char>(value);
}

bool consists_of_plain_and(std::string_view more, std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = text[i];
    if (c == '%' ? !escape_at(text, i) : !is_plain(c) && !is_one_of(more, c)) return false;
  }
  return true;
}

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || is_one_of("+-.", c);
  });
}

bool is_ipv6(const std::string& text) noexcept {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

/// Takes off what is before the first such character, or all.
std::string_view take_until(char end, std::string_view& text) noexcept {
  const auto taken = text.substr(0, text.find(end));
  text.remove_prefix(taken.size());
  return taken;
}

bool read_user(std::string_view text, Uri& uri) noexcept {
  if (!consists_of_plain_and(":", text)) return false;
  uri.user = take_until(':', text);
  if (!text.empty()) uri.password = text.substr(1);
  return true;
}

bool read_host(std::string_view& text, Uri& uri) {
  if (!text.starts_with('[')) {
    uri.host = take_until(':', text);
    return consists_of_plain_and("", uri.host);
  }
  uri.host = take_until(']', text).substr(1);
  if (text.empty()) return false;
  text.remove_prefix(1);
  return !is_one_of(uri.host, '\0') && is_ipv6(std::string(uri.host));
}

bool read_authority(std::string_view text, Uri& uri) {
  if (const auto at = text.find('@'); at != npos) {
    if (!read_user(text.substr(0, at), uri)) return false;
    text.remove_prefix(at + 1);
  }
  if (!read_host(text, uri)) return false;
  if (text.empty()) return true;
  uri.port = text.substr(1);
  return text.front() == ':' && std::ranges::all_of(uri.port, is_digit);
}

}  // namespace

std::optional<Uri> parse_uri(std::string_view text) {
  Uri uri;
  uri.scheme = take_until(':', text);
  if (text.empty() || !is_scheme(uri.scheme)) return std::nullopt;
  text.remove_prefix(1);
  auto rest = take_until('#', text);
  uri.has_fragment = !text.empty();
  text = take_until('?', rest);
  if (!rest.empty()) uri.query = rest.substr(1);
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    if (!read_authority(take_until('/', text), uri)) return std::nullopt;
  }
  uri.path = text;
  if (!consists_of_plain_and(":@/", uri.path) || !consists_of_plain_and(":@/?", uri.query))
    return std::nullopt;
  return uri;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto c = escape_at(text, i);
    if (!c) return std::nullopt;
    decoded += *c;
    i += 2;
  }
  return decoded;
}

}  // namespace flame::inline v0::session
