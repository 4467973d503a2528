#include "cookie.hpp"

#include <algorithm>
#include <chrono>

namespace flame::inline v0::session {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Collects the values a request brings under our name, however many there are.
class Candidates {
 public:
  void add(std::string_view value) noexcept {
    if (!first_)
      first_ = value;
    else if (*first_ != value)
      differ_ = true;
  }

  [[nodiscard]] Presented result() const noexcept {
    if (!first_) return {};
    if (differ_) return {Presented::Kind::duplicate, {}};
    const auto id = SessionId::parse(*first_);
    if (!id) return {Presented::Kind::malformed, {}};
    return {Presented::Kind::id, *id};
  }

 private:
  std::optional<std::string_view> first_{};
  bool differ_ = false;
};

void read_line(std::string_view line, std::string_view name, Candidates& found) noexcept {
  while (!line.empty()) {
    const auto end = line.find(';');
    const auto pair = line.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && trimmed(pair.substr(0, equals)) == name)
      found.add(trimmed(pair.substr(equals + 1)));
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + 1);
  }
}

}  // namespace

Presented read_presented(std::span<const std::string_view> cookie_lines, std::string_view id_header,
                         const CookieRules& rules) noexcept {
  Candidates found;
  std::size_t bytes = 0;
  for (const auto line : cookie_lines) {
    bytes += line.size();
    if (bytes > max_cookie_bytes) return {Presented::Kind::malformed, {}};
    read_line(line, rules.name, found);
  }
  if (const auto value = trimmed(id_header); !value.empty()) found.add(value);
  return found.result();
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
