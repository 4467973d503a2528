#include <algorithm>
#include <stdexcept>
#include <utility>

#include <flame/context.hpp>
#include <flame/handler.hpp>
#include <flame/middleware.hpp>

#include "access.hpp"
#include "chain.hpp"
#include "loop.hpp"
#include "text.hpp"

namespace flame::inline v0 {

namespace {

[[noreturn]] void throw_no_parameter(const detail::Route& route, std::string_view name) {
  std::string text(route.name);
  text.append(" has no parameter {").append(name).append("}: ");
  std::string those;
  for (const auto& each : route.parameters) {
    those.append(those.empty() ? "" : ", ").append("{").append(each).append("}");
  }
  text.append(those.empty() ? "it has none" : "it has " + those);
  throw std::logic_error(text);
}

}  // namespace

std::string Context::param(std::string_view name) const {
  const auto& names = route_->parameters;
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) throw_no_parameter(*route_, name);
  const auto& raw = captured_[static_cast<std::size_t>(at - names.begin())];
  return detail::percent_decoded(raw).value_or(std::string());
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
