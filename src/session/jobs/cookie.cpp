#include "cookie.hpp"

#include <algorithm>
#include <chrono>

#include "plan/cookie_attributes.hpp"

namespace flame::inline v0::session {
namespace {

/// Collects the IDs that a request brings under our name, however often.
class Candidates {
 public:
  void add(std::string_view value) noexcept {
    const auto id = SessionId::parse(value);
    any_ = true;
    if (!id || has(*id)) return;
    if (count_ < ids_.size()) ids_[count_] = *id;
    ++count_;
  }
  [[nodiscard]] bool has(const SessionId& id) const noexcept {
    for (std::size_t i = 0; i < std::min(count_, ids_.size()); ++i)
      if (ids_[i].text() == id.text()) return true;
    return false;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  [[nodiscard]] Presented result() const noexcept {
    if (count_ > ids_.size()) return {Presented::Kind::ambiguous};
    if (count_ > 0) return {Presented::Kind::ids, ids_, count_};
    return {any_ ? Presented::Kind::malformed : Presented::Kind::nothing};
  }

 private:
  std::array<SessionId, 2> ids_{};
  std::size_t count_ = 0;
  bool any_ = false;
};

void read_line(std::string_view line, std::string_view name, Candidates& found) noexcept {
  while (const auto pair = next_cookie(line)) {
    if (pair->first == name) found.add(pair->second);
  }
}

}  // namespace

Presented read_presented(const RequestView& request, const CookieRules& rules) noexcept {
  Candidates cookies, headers;
  std::size_t bytes = 0;
  for (const auto line : request.cookie_lines) {
    bytes += line.size();
    if (bytes > max_cookie_bytes) return {Presented::Kind::malformed};
    read_line(line, rules.name, cookies);
  }
  for (const auto& [name, value] : request.cookies) {
    bytes += name.size() + value.size();
    if (bytes > max_cookie_bytes) return {Presented::Kind::malformed};
    if (trimmed(name) == rules.name) cookies.add(trimmed(value));
  }
  for (const auto header : request.id_headers)
    if (const auto value = trimmed(header); !value.empty()) headers.add(value);
  auto from_header = headers.result();
  if (headers.count() == 0) {
    const auto found = cookies.result();
    return found.kind == Presented::Kind::nothing ? from_header : found;
  }
  const bool agree = headers.count() == 1 && cookies.count() <= 1 &&
                     (cookies.count() == 0 || cookies.has(from_header.ids[0]));
  return agree ? from_header : Presented{Presented::Kind::ambiguous};
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
