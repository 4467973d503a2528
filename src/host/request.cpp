#include <array>
#include <utility>

#include <flame/request.hpp>
#include <flame/session/cookie.hpp>
#include <flame/session/peer.hpp>

#include "access.hpp"
#include "target.hpp"
#include "text.hpp"

namespace flame::inline v0 {

std::string_view Request::field(std::string_view name) const noexcept {
  for (const auto& field : fields_) {
    if (detail::same_name(field.name, name)) return field.value;
  }
  return {};
}

std::vector<std::string_view> Request::values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& field : fields_) {
    if (detail::same_name(field.name, name)) values.push_back(field.value);
  }
  return values;
}

std::optional<std::string_view> Request::cookie(std::string_view name) const noexcept {
  for (const auto& field : fields_) {
    if (!detail::same_name(field.name, "Cookie")) continue;
    auto rest = field.value;
    while (const auto pair = session::next_cookie(rest)) {
      if (pair->first == name) return pair->second;
    }
  }
  return std::nullopt;
}

void RequestAccess::set_method(Request& request, std::string_view name) noexcept {
  constexpr std::array<std::pair<std::string_view, Method>, 7> known{{
      {"GET", Method::get},
      {"HEAD", Method::head},
      {"POST", Method::post},
      {"PUT", Method::put},
      {"PATCH", Method::patch},
      {"DELETE", Method::del},
      {"OPTIONS", Method::options},
  }};
  request.method_name_ = name;
  request.method_ = Method::other;
  for (const auto& [text, method] : known) {
    if (text == name) request.method_ = method;
  }
}

bool RequestAccess::set_target(Request& request, std::string_view target) noexcept {
  request.target_ = target;
  const auto parsed = detail::parse_target(target);
  request.path_ = parsed.path;
  request.query_string_ = parsed.query;
  return parsed.is_good && (parsed.path != "*" || request.method_ == Method::options);
}

void RequestAccess::set_peer(Request& request, std::string_view peer, bool is_proxy) noexcept {
  request.peer_ = peer;
  request.of_a_proxy_ = is_proxy;
  request.from_this_host_ = !is_proxy && session::Peer(peer).is_this_host();
}

void RequestAccess::rebase(Request& request, const char* from, const char* to) noexcept {
  const auto move = [&](std::string_view& view) {
    if (!view.empty()) view = {to + (view.data() - from), view.size()};
  };
  move(request.method_name_);
  move(request.target_);
  for (auto& [name, value] : request.fields_) {
    move(name);
    move(value);
  }
  static_cast<void>(set_target(request, request.target_));
}

}  // namespace flame::inline v0
