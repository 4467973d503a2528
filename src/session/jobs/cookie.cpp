#include "cookie.hpp"

#include <algorithm>
#include <chrono>

#include "plan/cookie_attributes.hpp"

namespace flame::inline v0::session {
namespace {

/// One more under our name, however often that is there.
void add(Presented& found, std::string_view value) noexcept {
  const std::span known(found.ids.data(), found.count);
  if (std::ranges::any_of(known, [&](const SessionId& id) { return id.text() == value; })) return;
  const auto id = SessionId::parse(value);
  if (!id) {
    if (found.kind == Presented::Kind::nothing) found.kind = Presented::Kind::malformed;
  } else if (found.count < found.ids.size()) {
    found.ids[found.count++] = *id;
    found.kind = Presented::Kind::ids;
  } else {
    found.kind = Presented::Kind::ambiguous;
  }
}

void read_line(std::string_view line, std::string_view name, Presented& found) noexcept {
  while (const auto pair = next_cookie(line)) {
    if (pair->first == name) add(found, pair->second);
  }
}

/// False: more than is looked at.
bool read_cookies(const RequestView& request, std::string_view name, Presented& found) noexcept {
  std::size_t bytes = 0;
  for (const auto line : request.cookie_lines) {
    bytes += line.size();
    if (bytes > max_cookie_bytes) return false;
    read_line(line, name, found);
  }
  for (const auto& [each, value] : request.cookies) {
    bytes += each.size() + value.size();
    if (bytes > max_cookie_bytes) return false;
    if (trimmed(each) == name) add(found, trimmed(value));
  }
  return true;
}

/// Beside what the cookies brought, which it must agree with.
void read_headers(std::span<const std::string_view> headers, Presented& found) noexcept {
  Presented told;
  for (const auto header : headers)
    if (const auto value = trimmed(header); !value.empty()) add(told, value);
  if (told.count == 0) {
    if (found.kind == Presented::Kind::nothing) found.kind = told.kind;
    return;
  }
  const bool agrees =
      told.count == 1 &&
      (found.count == 0 || (found.count == 1 && found.ids[0].text() == told.ids[0].text()));
  if (agrees)
    found = told;
  else
    found.kind = Presented::Kind::ambiguous;
}

}  // namespace

Presented read_presented(const RequestView& request, const CookieRules& rules,
                         bool reads_headers) noexcept {
  Presented found;
  if (!read_cookies(request, rules.name, found))
    found = {Presented::Kind::malformed};
  else if (reads_headers && !request.id_headers.empty())
    read_headers(request.id_headers, found);
  if (found.kind == Presented::Kind::ambiguous) found = {Presented::Kind::ambiguous};
  return found;
}

std::string set_cookie(const CookieRules& rules, const SessionId& id,
                       std::chrono::milliseconds lives) {
  std::string out;
  out.reserve(rules.name.size() + 1 + SessionId::size + rules.attributes.size() + 24);
  out.append(rules.name).append(1, '=').append(id.text()).append(rules.attributes);
  if (lives.count() > 0) {
    const auto most = std::min<std::chrono::milliseconds>(lives, max_cookie_age);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(most).count();
    out.append("; Max-Age=").append(std::to_string(seconds));
  }
  return out;
}

std::string removal_cookie(const CookieRules& rules) {
  return rules.name + "=" + rules.attributes + "; Max-Age=0";
}

}  // namespace flame::inline v0::session
