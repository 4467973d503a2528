#include "target.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "network.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

bool is_name(std::string_view text) noexcept {
  const bool characters = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::string_view("-._~!$&'()*+,;=%").find(c) != std::string_view::npos);
  });
  return characters && !text.empty() && is_percent_encoded(text);
}

bool is_v6_address(std::string_view text) noexcept {
  return text.find(':') != std::string_view::npos && parse_address(text);
}

/// With its colon; it may be empty (RFC 3986, 3.2.3).
bool is_port(std::string_view text) noexcept {
  if (text.size() <= 1) return text.empty() || text == ":";
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), port);
  return text.front() == ':' && error == std::errc() && end == text.data() + text.size();
}

std::size_t scheme_size(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (same_name(target.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

bool is_path(std::string_view text) noexcept {
  return is_percent_encoded(text) && text.find("%00") == std::string_view::npos;
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  if (!text.starts_with('[')) {
    const auto name = text.substr(0, text.find(':'));
    return is_name(name) && is_port(text.substr(name.size()));
  }
  const auto end = text.find(']');
  return end != std::string_view::npos && is_v6_address(text.substr(1, end - 1)) &&
         is_port(text.substr(end + 1));
}

Target parse_target(std::string_view text) noexcept {
  if (!is_sound_target(text) || text.find('#') != std::string_view::npos) return {};
  if (text == "*") return {{}, text, {}, true};
  Target target;
  if (const auto scheme = scheme_size(text); scheme != 0) {
    text.remove_prefix(scheme);
    target.authority = text.substr(0, text.find_first_of("/?"));
    text.remove_prefix(target.authority.size());
    if (!is_authority(target.authority)) return {};
    if (!text.starts_with('/')) target.path = "/";
  } else if (!text.starts_with('/')) {
    return {};
  }
  const auto question = std::min(text.find('?'), text.size());
  if (target.path.empty()) target.path = text.substr(0, question);
  if (question < text.size()) target.query = text.substr(question + 1);
  target.is_good = is_path(target.path);
  return target;
}

}  // namespace flame::inline v0::detail
