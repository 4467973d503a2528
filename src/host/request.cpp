#include <array>
#include <utility>

#include <flame/request.hpp>

#include "access.hpp"
#include "text.hpp"

namespace flame::inline v0 {

std::string_view Request::field(std::string_view name) const noexcept {
  for (const auto& field : fields_) {
    if (detail::same_name(field.name, name)) return field.value;
  }
  return {};
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
  request.path_ = request.query_string_ = {};
  if (!detail::is_sound_target(target)) return false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto end = target.find_first_of("/?");
    if (end == 0) return false;
    target.remove_prefix(end == std::string_view::npos ? target.size() : end);
    if (target.empty() || target.front() == '?') {
      request.path_ = "/";
      request.query_string_ = target.empty() ? target : target.substr(1);
      return true;
    }
  }
  if (target == "*") {
    request.path_ = target;
    return request.method_ == Method::options;
  }
  if (target.empty() || target.front() != '/') return false;
  if (target.find('#') != std::string_view::npos) return false;
  const auto question = target.find('?');
  request.path_ = target.substr(0, question);
  if (question != std::string_view::npos) request.query_string_ = target.substr(question + 1);
  return detail::is_percent_encoded(request.path_);
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
