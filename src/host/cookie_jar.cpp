#include "cookie_jar.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <utility>

#include "http_date.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

constexpr std::size_t max_size = 4096;  // of name and value

std::pair<std::string_view, std::string_view> split(std::string_view text) noexcept {
  const auto equals = std::min(text.find('='), text.size());
  return {trimmed(text.substr(0, equals)), trimmed(text.substr(std::min(equals + 1, text.size())))};
}

std::string default_path(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string(slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash));
}

bool matches(std::string_view path, std::string_view of_cookie) noexcept {
  if (!path.starts_with(of_cookie)) return false;
  return path.size() == of_cookie.size() || of_cookie.ends_with('/') ||
         path[of_cookie.size()] == '/';
}

/// One that cannot be read is not.
bool is_over(std::string_view date) {
  const std::int64_t now = std::time(nullptr);
  const auto end = parse_http_date(date, now);
  return end && *end <= now;
}

bool is_over_by_age(std::string_view seconds) noexcept {
  if (seconds.starts_with('-')) return true;
  return !seconds.empty() && seconds.find_first_not_of('0') == std::string_view::npos;
}

bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && same_name(name.substr(0, prefix.size()), prefix);
}

}  // namespace

void CookieJar::read_attribute(Cookie& cookie, std::string_view attribute) {
  const auto [name, value] = split(attribute);
  if (same_name(name, "Path") && value.starts_with('/')) cookie.path = value;
  if (same_name(name, "Domain")) cookie.domain = value;
  if (same_name(name, "Secure")) cookie.secure = true;
  if (same_name(name, "Expires")) cookie.ended = is_over(value);
}

void CookieJar::store(std::string_view set_cookie, std::string_view path) {
  const auto end = std::min(set_cookie.find(';'), set_cookie.size());
  const auto [name, value] = split(set_cookie.substr(0, end));
  if (name.empty() || name.size() + value.size() > max_size) return;
  Cookie cookie;
  cookie.name = name;
  cookie.value = value;
  cookie.path = default_path(path);
  std::optional<bool> ended;  // Max-Age goes before Expires, wherever it stands
  for (auto rest = set_cookie.substr(end); !rest.empty();) {
    rest.remove_prefix(1);
    const auto attribute = rest.substr(0, rest.find(';'));
    rest.remove_prefix(attribute.size());
    const auto [key, text] = split(attribute);
    if (same_name(key, "Max-Age"))
      ended = is_over_by_age(text);
    else
      read_attribute(cookie, attribute);
  }
  if (ended) cookie.ended = *ended;
  if ((has_prefix(name, "__Secure-") || has_prefix(name, "__Host-")) && !cookie.secure) return;
  if (has_prefix(name, "__Host-") && (cookie.path != "/" || !cookie.domain.empty())) return;

  const auto same = std::ranges::find_if(cookies_, [&](const Cookie& each) {
    return each.name == cookie.name && each.path == cookie.path && each.domain == cookie.domain;
  });
  if (same == cookies_.end()) {
    if (!cookie.ended) cookies_.push_back(std::move(cookie));
  } else if (cookie.ended) {
    cookies_.erase(same);
  } else {
    *same = std::move(cookie);
  }
}

/// Longer paths first, then in order of age.
std::vector<const CookieJar::Cookie*> CookieJar::for_path(std::string_view path) const {
  std::vector<const Cookie*> fitting;
  for (const auto& cookie : cookies_) {
    if (matches(path, cookie.path)) fitting.push_back(&cookie);
  }
  std::ranges::stable_sort(
      fitting, [](const Cookie* a, const Cookie* b) { return a->path.size() > b->path.size(); });
  return fitting;
}

std::string CookieJar::line_for(std::string_view path) const {
  std::string line;
  for (const auto* cookie : for_path(path)) {
    if (!line.empty()) line += "; ";
    line.append(cookie->name).append("=").append(cookie->value);
  }
  return line;
}

std::optional<std::string> CookieJar::find(std::string_view name, std::string_view path) const {
  for (const auto* cookie : for_path(path)) {
    if (cookie->name == name) return cookie->value;
  }
  return std::nullopt;
}

}  // namespace flame::inline v0::detail
