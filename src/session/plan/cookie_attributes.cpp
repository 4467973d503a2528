#include "cookie_attributes.hpp"

#include <algorithm>
#include <stdexcept>

namespace flame::inline v0::session {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string in_quotes(std::string_view text) {
  std::string out = "`";
  for (const char c : text.substr(0, 64)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out + (text.size() > 64 ? "…`" : "`");
}

bool is_token(std::string_view text) noexcept {  // RFC 9110, 5.6.2
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

bool starts_with_any_case(std::string_view text, std::string_view prefix) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

namespace {

bool is_attribute_value(std::string_view text) {  // RFC 6265bis, 4.1.1: av-octet
  // No space either: a browser drops it at the end, and no path of a request has one.
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != ';'; });
}

bool is_host_name(std::string_view text) {  // RFC 1123, 2.1: letters, digits and inner hyphens
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; }))
      return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
  return false;
}

void check_prefix(std::string_view name, const CookieAttributes& cookie, std::string_view prefix,
                  std::vector<std::string>& faults) {
  if (!starts_with_any_case(name, prefix)) return;
  const auto shown = "cookie.name " + in_quotes(name);
  if (!name.starts_with(prefix))
    faults.push_back(shown + ": write the prefix as `" + std::string(prefix) +
                     "`, browsers compare its case");
  if (name.size() == prefix.size()) faults.push_back(shown + ": a name must follow the prefix");
  if (cookie.plain_http)
    faults.push_back(shown +
                     " needs Secure, which cookie.plain_http turns off: leave out the prefix");
  if (prefix != host_prefix) return;
  if (!cookie.domain.empty())
    faults.push_back(shown + " allows no cookie.domain: leave out the domain or the prefix");
  if (cookie.path != "/")
    faults.push_back(shown + " allows no cookie.path but `/`: leave out the path or the prefix");
}

}  // namespace

std::vector<std::string> cookie_faults(std::string_view name, std::size_t value_size,
                                       const CookieAttributes& cookie) {
  std::vector<std::string> faults;
  if (!is_token(name))
    faults.push_back("cookie.name " + in_quotes(name) +
                     " is no token: use letters, digits and !#$%&'*+-.^_`|~ only");
  if (name.size() + value_size > max_cookie_size)
    faults.push_back("cookie.name is too long: name and value together have at most " +
                     std::to_string(max_cookie_size) + " bytes");
  for (const auto prefix : {host_prefix, secure_prefix}) check_prefix(name, cookie, prefix, faults);
  if (!cookie.path.starts_with('/') || !is_attribute_value(cookie.path))
    faults.push_back("cookie.path " + in_quotes(cookie.path) +
                     " must start with `/` and have printable ASCII without `;` and spaces only");
  if (cookie.path.size() > max_attribute_size || cookie.domain.size() > max_attribute_size)
    faults.push_back("cookie.path and cookie.domain have at most " +
                     std::to_string(max_attribute_size) + " bytes each");
  if (!cookie.domain.empty() && !is_host_name(cookie.domain))
    faults.push_back("cookie.domain " + in_quotes(cookie.domain) +
                     " is no host name: write it as `example.org`, without a leading dot");
  if (cookie.same_site == SameSite::none && cookie.plain_http)
    faults.push_back(
        "cookie.same_site none needs Secure, which cookie.plain_http turns off: "
        "serve over https, or choose lax");
  if (cookie.partitioned && cookie.plain_http)
    faults.push_back(
        "cookie.partitioned needs Secure, which cookie.plain_http turns off: "
        "serve over https, or leave it out");
  return faults;
}

std::string attributes_text(const CookieAttributes& cookie) {
  std::string out = "; Path=" + cookie.path;
  if (!cookie.domain.empty()) out += "; Domain=" + cookie.domain;
  if (!cookie.plain_http) out += "; Secure";
  out += cookie.http_only ? "; HttpOnly; SameSite=" : "; SameSite=";
  switch (cookie.same_site) {
    case SameSite::lax:
      out += "Lax";
      break;
    case SameSite::strict:
      out += "Strict";
      break;
    case SameSite::none:
      out += "None";
      break;
  }
  return cookie.partitioned ? out + "; Partitioned" : out;
}

namespace {

bool is_cookie_value(std::string_view text) noexcept {  // RFC 6265bis, 4.1.1: cookie-octet
  return std::ranges::all_of(text, [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

void refuse_faults(std::string_view name, std::string_view value,
                   const CookieAttributes& attributes) {
  auto faults = cookie_faults(name, value.size(), attributes);
  if (!is_cookie_value(value))
    faults.push_back("the value of the cookie " + in_quotes(name) +
                     " has a space, quote, comma, semicolon, backslash, control character or "
                     "non-ASCII: encode it");
  if (attributes.max_age && attributes.max_age->count() <= 0)
    faults.push_back("cookie.max_age must be at least 1 s: to remove a cookie, say so");
  std::string text;
  for (const auto& fault : faults) text.append(text.empty() ? "" : "; ").append(fault);
  if (!text.empty()) throw std::invalid_argument(text);
}

std::string field_value(std::string_view name, std::string_view value,
                        const CookieAttributes& attributes) {
  std::string out(name);
  return out.append("=").append(value).append(attributes_text(attributes));
}

}  // namespace

std::string set_cookie_value(std::string_view name, std::string_view value,
                             const CookieAttributes& attributes) {
  refuse_faults(name, value, attributes);
  auto out = field_value(name, value, attributes);
  if (attributes.max_age) {
    const auto most = std::min<std::chrono::seconds>(*attributes.max_age, max_cookie_age);
    out.append("; Max-Age=").append(std::to_string(most.count()));
  }
  return out;
}

std::string removed_cookie_value(std::string_view name, const CookieAttributes& attributes) {
  refuse_faults(name, {}, attributes);
  return field_value(name, {}, attributes) + "; Max-Age=0";
}

std::optional<std::pair<std::string_view, std::string_view>> next_cookie(
    std::string_view& rest) noexcept {
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos)
      return std::pair(trimmed(pair.substr(0, equals)), trimmed(pair.substr(equals + 1)));
  }
  return std::nullopt;
}

}  // namespace flame::inline v0::session
