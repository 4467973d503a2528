#include <algorithm>
#include <stdexcept>
#include <utility>

#include <flame/context.hpp>
#include <flame/handler.hpp>
#include <flame/http_error.hpp>
#include <flame/middleware.hpp>

#include "access.hpp"
#include "chain.hpp"
#include "form.hpp"
#include "loop.hpp"
#include "text.hpp"

namespace flame::inline v0 {
namespace {

std::string too_many(const char* what) {
  return std::string("the ") + what + " has too many names: at most " + std::to_string(max_pairs) +
         " are taken";
}

std::optional<std::string> first(const detail::Pairs& pairs, std::string_view name) {
  for (const auto& [each, value] : pairs.list) {
    if (each == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> all(const detail::Pairs& pairs, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [each, value] : pairs.list) {
    if (each == name) values.push_back(value);
  }
  return values;
}

}  // namespace

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

const detail::Pairs& Context::query_pairs() const {
  if (query_.read) return query_;
  auto pairs = detail::form_pairs(request_.query_string());
  if (!pairs) throw HttpError(400, too_many("query"));
  return query_ = {true, *std::move(pairs)};
}

const detail::Pairs& Context::form_pairs() const {
  if (form_.read) return form_;
  const bool is_form = detail::same_name(detail::media_type(request_), detail::form_type);
  auto pairs = detail::form_pairs(is_form ? request_.body() : std::string_view());
  if (!pairs) throw HttpError(413, too_many("form"));
  return form_ = {true, *std::move(pairs)};
}

std::optional<std::string> Context::query(std::string_view name) const {
  return first(query_pairs(), name);
}
std::optional<std::string> Context::form(std::string_view name) const {
  return first(form_pairs(), name);
}
std::vector<std::string> Context::query_values(std::string_view name) const {
  return all(query_pairs(), name);
}
std::vector<std::string> Context::form_values(std::string_view name) const {
  return all(form_pairs(), name);
}

void Context::answer(Response response) {
  ResponseAccess::check_open(response_);
  if (ResponseAccess::lines(response_).empty()) {
    response_ = std::move(response);
  } else {
    for (const auto& field : response.fields()) {
      if (!detail::same_name(field.name, "Set-Cookie")) response_.erase(field.name);
    }
    for (const auto& field : response.fields()) response_.append(field.name, field.value);
    response_.status(response.status());
    ResponseAccess::move_body(response, response_);
  }
  answered_ = true;
}

void Context::answer(std::string_view body) {
  ResponseAccess::check_open(response_);
  ResponseAccess::body(response_) = body;
  answered_ = true;
}

void Context::redirect(std::string_view location, int status) {
  answer(flame::redirect(location, status));
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

}  // namespace detail

void Answer<std::string>::give(Context& context, std::string&& body) {
  ResponseAccess::body(context.response()) = std::move(body);
  ContextAccess::set_answered(context);
}

void Answer<Json>::give(Context& context, Json&& json) {
  context.header("Content-Type", "application/json");
  Answer<std::string>::give(context, std::move(json).text());
}

}  // namespace flame::inline v0
