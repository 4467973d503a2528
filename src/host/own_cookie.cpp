#include "own_cookie.hpp"

#include <stdexcept>
#include <string>

#include "access.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

constexpr std::string_view separator = ": ", line_end = "\r\n";

/// The name of the cookie that browsers make of it. What has none, but a value with a `=` in it,
/// comes back like one of a name.
std::string_view cookie_of(std::string_view value) noexcept {
  value = trimmed(value.substr(0, value.find(';')));
  if (value.starts_with('=')) value.remove_prefix(1);
  return trimmed(value.substr(0, value.find('=')));
}

bool has_line(std::string_view lines, std::string_view line) noexcept {
  while (!lines.empty()) {
    const auto each = lines.substr(0, lines.find('\n'));
    if (each == line) return true;
    lines.remove_prefix(each.size() + 1);
  }
  return false;
}

[[noreturn]] void throw_for(std::string_view owned) {
  std::string text("the answer sets the cookie ");
  append_escaped(text, owned);
  throw std::logic_error(text +
                         ", which is the session's: give this one another name; set_owner(), "
                         "regenerate() and destroy() are what changes the session's");
}

}  // namespace

void check_cookies(const Context& context, const Response& response, std::string_view owned) {
  if (!ResponseAccess::sets_cookies(response)) return;
  for (std::string_view lines = ResponseAccess::lines(response); !lines.empty();) {
    const auto line = lines.substr(0, lines.find(line_end));
    lines.remove_prefix(line.size() + line_end.size());
    const auto name = line.substr(0, line.find(separator));
    if (!same_name(name, "Set-Cookie")) continue;
    const auto value = line.substr(name.size() + separator.size());
    if (cookie_of(value) == owned && !has_line(ContextAccess::own_cookies(context), value))
      throw_for(owned);
  }
}

}  // namespace flame::inline v0::detail
