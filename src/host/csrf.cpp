#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <flame/csrf.hpp>
#include <flame/handler.hpp>

#include "access.hpp"
#include "origin.hpp"
#include "text.hpp"
#include "token_check.hpp"

namespace flame::inline v0::session {
namespace {

using flame::detail::Origin;

class Csrf final : public flame::detail::AtStart {
 public:
  explicit Csrf(CsrfOptions options) : options_(std::move(options)) {}

  std::vector<std::string> check() const override {
    std::vector<std::string> errors;
    for (const auto& origin : options_.allowed_origins) {
      if (flame::detail::is_origin(origin)) continue;
      std::string error = "csrf: allowed_origins has `";
      flame::detail::append_escaped(error, origin);
      errors.push_back(error +
                       "`, which no browser sends as an origin: give scheme and host in small "
                       "letters, and a port only where it is not the scheme's own, such as "
                       "https://admin.example.com");
    }
    return errors;
  }

  Origin origin_of(const Request& request) const {
    return flame::detail::origin_of(request, options_.allowed_origins);
  }

 private:
  CsrfOptions options_;
};

void refuse(Context& context, const char* text, std::string_view why) {
  auto line = flame::detail::line_about(context.request());
  line.append(": refused (CSRF): ").append(why);
  flame::detail::log_error(line);
  auto response = ResponseAccess::error(403, text);
  response.set("Cache-Control", "no-store");
  context.answer(std::move(response));
}

void refuse_foreign(Context& context) {
  const auto& request = context.request();
  std::string why = "sent by a page of another site";
  for (const std::string_view name : {"Sec-Fetch-Site", "Origin"}) {
    const auto value = request.field(name);
    if (value.empty()) continue;
    why.append(", ").append(name).append(": ");
    flame::detail::append_escaped(why, value.substr(0, 256));
  }
  refuse(context,
         "This request was refused: the browser says that a page of another site has sent it.",
         why);
}

/// Where the browser says nothing.
Task<> by_token(Context& context, const TokenCheck& tokens, Next next) {
  auto checking = tokens.check_token(context);
  const auto answer = co_await checking;
  if (answer == TokenCheck::Answer::wrong) {
    refuse(context,
           "This request was refused: it has neither Sec-Fetch-Site nor Origin, and does not bring "
           "its session's token, in the form field csrf_token or the header X-CSRF-Token.",
           "neither Sec-Fetch-Site nor Origin, and not its session's token");
  } else if (answer != TokenCheck::Answer::unknown) {
    co_await next();
  }
}

bool changes_nothing(Method method) noexcept {
  return method == Method::get || method == Method::head || method == Method::options;
}

}  // namespace

Middleware csrf(CsrfOptions options) {
  auto csrf = std::make_shared<const Csrf>(std::move(options));
  auto links = flame::detail::links_of(
      [csrf](Context& context, const TokenCheck& tokens, Next next) -> Task<> {
        if (changes_nothing(context.request().method()))
          return flame::detail::NextAccess::run(next);
        switch (csrf->origin_of(context.request())) {
          case Origin::own:
            return flame::detail::NextAccess::run(next);
          case Origin::untold:
            return by_token(context, tokens, next);
          case Origin::foreign:
            refuse_foreign(context);
            break;
        }
        return {};
      });
  links.front().at_start = std::move(csrf);
  return Middleware(std::make_shared<const flame::detail::Link>(std::move(links.front())));
}

}  // namespace flame::inline v0::session
