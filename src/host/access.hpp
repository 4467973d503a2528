#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <flame/context.hpp>
#include <flame/request.hpp>
#include <flame/response.hpp>

/// The host's doors into what it hands out.
namespace flame::inline v0 {

struct RequestAccess {
  static void set_method(Request& request, std::string_view name) noexcept;
  /// Origin form, or absolute form, whose authority is dropped. False: neither.
  [[nodiscard]] static bool set_target(Request& request, std::string_view target) noexcept;
  static void set_peer(Request& request, std::string_view peer, bool from_this_host) noexcept {
    request.peer_ = peer;
    request.from_this_host_ = from_this_host;
  }
  static std::vector<Field>& fields(Request& request) noexcept { return request.fields_; }
  static std::string& body(Request& request) noexcept { return request.body_; }
  /// What was parsed from a buffer that has moved.
  static void rebase(Request& request, const char* from, const char* to) noexcept;
  static void reset(Request& request) noexcept {
    request.fields_.clear();
    request.body_.clear();
  }
};

struct ResponseAccess {
  static const std::string& lines(const Response& response) noexcept { return response.lines_; }
  static std::string& body(Response& response) noexcept { return response.body_; }
  static void reset(Response& response) noexcept {
    response.status_ = 200;
    response.lines_.clear();
    response.body_.clear();
  }
};

struct ContextAccess {
  [[nodiscard]] static Context make() { return Context(); }
  static Request& request(Context& context) noexcept { return context.request_; }
  static detail::Loop*& loop(Context& context) noexcept { return context.loop_; }
  static const detail::Route*& route(Context& context) noexcept { return context.route_; }
  static const detail::Step*& furthest(Context& context) noexcept { return context.furthest_; }
  static std::vector<void*>& slots(Context& context) noexcept { return context.slots_; }
  static std::vector<std::string_view>& captured(Context& context) noexcept {
    return context.captured_;
  }
  static void set_answered(Context& context) noexcept { context.answered_ = true; }
  static void reset(Context& context) noexcept {
    RequestAccess::reset(context.request_);
    ResponseAccess::reset(context.response_);
    context.answered_ = false;
    context.route_ = nullptr;
    context.furthest_ = nullptr;
    context.captured_.clear();
  }
};

}  // namespace flame::inline v0
