#include <utility>

#include <flame/context.hpp>
#include <flame/handler.hpp>
#include <flame/middleware.hpp>

#include "access.hpp"
#include "chain.hpp"
#include "loop.hpp"
#include "text.hpp"

namespace flame::inline v0 {

std::string Context::param(std::string_view name) const {
  for (std::size_t i = 0; i < captured_.size(); ++i) {
    if (route_->parameters[i] == name) {
      return detail::percent_decoded(captured_[i]).value_or(std::string());
    }
  }
  return {};
}

std::optional<std::string> Context::query(std::string_view name) const {
  return detail::form_value(request_.query_string(), name);
}

std::optional<std::string> Context::form(std::string_view name) const {
  const auto type = request_.field("Content-Type");
  constexpr std::string_view form_type = "application/x-www-form-urlencoded";
  if (!detail::same_name(type.substr(0, type.find_first_of("; ")), form_type)) return std::nullopt;
  return detail::form_value(request_.body(), name);
}

void Context::answer(Response response) {
  if (ResponseAccess::lines(response_).empty()) {
    response_ = std::move(response);
  } else {
    for (const auto& field : response.fields()) response_.erase(field.name);
    for (const auto& field : response.fields()) response_.append(field.name, field.value);
    response_.status(response.status());
    ResponseAccess::move_body(response, response_);
  }
  answered_ = true;
}

void Context::answer(std::string_view body) {
  ResponseAccess::body(response_) = body;
  answered_ = true;
}

void Context::redirect(std::string_view location, int status) {
  response_.status(status);
  response_.set("Location", location);
  answered_ = true;
}

std::stop_token Context::stop_token() const noexcept {
  return loop_ != nullptr ? loop_->stop : std::stop_token();
}

bool Sleep::await_suspend(std::coroutine_handle<> waiting) {
  auto& loop = *ContextAccess::loop(context_);
  if (loop.cuts) return false;
  loop.resume_after(time_, waiting, ContextAccess::route(context_));
  return true;
}

void Sleep::await_resume() const {
  if (ContextAccess::loop(context_)->cuts) throw detail::Cut();
}

void Wanted::give(Context& context, const void* object) const noexcept {
  // const again in the handler, where the offer was read-only: checked at start
  if (slot != 0) ContextAccess::slots(context)[slot] = const_cast<void*>(object);
}

namespace detail {

void* const* slots_of(const Context& context) noexcept {
  return ContextAccess::slots(const_cast<Context&>(context)).data();
}

void answer(Context& context, std::string&& body) {
  ResponseAccess::body(context.response()) = std::move(body);
  ContextAccess::set_answered(context);
}

void answer(Context& context, Json&& json) {
  context.header("Content-Type", "application/json");
  answer(context, std::move(json).text());
}

}  // namespace detail
}  // namespace flame::inline v0
