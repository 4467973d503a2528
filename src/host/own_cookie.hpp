#pragma once

#include <string_view>

#include <flame/context.hpp>

namespace flame::inline v0::detail {

/// A provider that has a cookie of its own. Whoever else sets one of that name would sign a visitor
/// out, or in as somebody else.
class CookieOwner {
 public:
  /// With its prefix; once the provider is open.
  [[nodiscard]] virtual std::string_view cookie_name() const noexcept = 0;

 protected:
  ~CookieOwner() = default;
};

/// Throws std::logic_error where this answer has a cookie of this name that its owner did not set.
void check_cookies(const Context& context, const Response& response, std::string_view owned);

}  // namespace flame::inline v0::detail
