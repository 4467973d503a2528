#include "own_cookie.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "access.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

bool sets(std::string_view line, std::string_view cookie) noexcept {
  const auto colon = std::min(line.find(": "), line.size());
  if (!same_name(line.substr(0, colon), "Set-Cookie")) return false;
  const auto value = line.substr(std::min(colon + 2, line.size()));
  return trimmed(value.substr(0, value.find_first_of("=;"))) == cookie;
}

}  // namespace

void check_cookies(const Context& context, std::string_view owned) {
  const auto& response = context.response();
  if (!ResponseAccess::sets_cookies(response)) return;
  std::size_t set = 0;
  for (std::string_view lines = ResponseAccess::lines(response); !lines.empty();) {
    const auto line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(line.size() + 2, lines.size()));
    set += sets(line, owned) ? 1 : 0;
  }
  if (set <= ResponseAccess::own_cookies(response)) return;
  std::string text("the answer sets the cookie ");
  append_escaped(text, owned);
  throw std::logic_error(text +
                         ", which is the session's: give this one another name; set_owner(), "
                         "regenerate() and destroy() are what changes the session's");
}

}  // namespace flame::inline v0::detail
