#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/context.hpp>
#include <flame/middleware.hpp>
#include <flame/request.hpp>
#include <flame/response.hpp>

#include "text.hpp"

/// The host's doors into what it hands out.
namespace flame::inline v0 {

struct RequestAccess {
  static constexpr std::size_t kept_body = 4'096;  // of a connection that is idle

  static void set_method(Request& request, std::string_view name) noexcept;
  /// Origin form, or absolute form, whose authority is dropped. False: neither, or a path that
  /// cannot be decoded.
  [[nodiscard]] static bool set_target(Request& request, std::string_view target) noexcept;
  /// `is_proxy`: a trusted proxy's, for want of a word about who is behind it.
  static void set_peer(Request& request, std::string_view peer, bool is_proxy = false) noexcept;
  static void set_proxied(Request& request, bool secure, std::string_view host) noexcept {
    request.secure_ = secure;
    request.host_ = host;
  }
  static bool is_of_a_proxy(const Request& request) noexcept { return request.of_a_proxy_; }
  static std::vector<Field>& fields(Request& request) noexcept { return request.fields_; }
  static std::string& body(Request& request) noexcept { return request.body_; }
  /// What was parsed from a buffer that has moved.
  static void rebase(Request& request, const char* from, const char* to) noexcept;
  static void reset(Request& request) noexcept {
    request.method_name_ = request.target_ = request.path_ = request.query_string_ = {};
    request.host_ = {};
    request.fields_.clear();
    if (request.body_.capacity() > kept_body)
      request.body_ = std::string();
    else
      request.body_.clear();
  }
};

namespace detail {
struct NextAccess {
  /// What awaiting next() does, for who has nothing to do after it and so needs no coroutine.
  [[nodiscard]] static Task<> run(const Next& next) { return run_from(*next.context_, next.step_); }
};
}  // namespace detail

struct ResponseAccess {
  static const std::string& lines(const Response& response) noexcept { return response.lines_; }
  /// To be written: there is no file any more.
  static std::string& body(Response& response) noexcept {
    response.file_.reset();
    response.stream_.reset();
    response.of_host_ = false;
    return response.body_;
  }
  /// An answer of the host's own, which a page of the application's may take the place of.
  [[nodiscard]] static Response error(int status, std::string_view text) {
    Response response(status, std::string(text));
    response.body_ += '\n';
    response.of_host_ = true;
    return response;
  }
  [[nodiscard]] static bool is_of_host(const Response& response) noexcept {
    return response.of_host_;
  }
  static void move_body(Response& from, Response& to) noexcept {
    to.of_host_ = from.of_host_;
    to.body_ = std::move(from.body_);
    to.file_ = std::move(from.file_);
    to.stream_ = std::move(from.stream_);
  }
  /// A field that is known to be one. Of the application's cookies it is none.
  static void add(Response& response, std::string_view name, std::string_view value) {
    response.check_open();
    response.add(name, value);
  }
  /// Whether the application does.
  static bool sets_cookies(const Response& response) noexcept { return response.sets_cookies_; }
  static void set_file(Response& response, std::shared_ptr<const detail::File> file) noexcept {
    response.file_ = std::move(file);
  }
  /// Null: the body is sent.
  static const detail::File* file(const Response& response) noexcept {
    return response.file_.get();
  }
  static void set_stream(Response& response,
                         std::shared_ptr<const detail::StreamSource> stream) noexcept {
    response.stream_ = std::move(stream);
  }
  /// Null: the body or the file is sent.
  static const detail::StreamSource* stream(const Response& response) noexcept {
    return response.stream_.get();
  }
  static std::shared_ptr<const detail::StreamSource> source(const Response& response) noexcept {
    return response.stream_;
  }
  static void check_open(const Response& response) { response.check_open(); }
  static void set_sent(Response& response, bool sent) noexcept { response.sent_ = sent; }
  static void reset(Response& response) noexcept {
    response.status_ = 200;
    response.sent_ = false;
    response.sets_cookies_ = false;
    response.lines_.clear();
    body(response).clear();
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
  /// A field of a provider's, beside those of the application's: check_cookies() knows it.
  static void append_own(Context& context, std::string_view name, std::string_view value) {
    ResponseAccess::add(context.response_, name, value);
    if (detail::same_name(name, "Set-Cookie")) context.own_cookies_.append(value).append("\n");
  }
  static void set_own(Context& context, std::string_view name, std::string_view value) {
    context.response_.erase(name);
    ResponseAccess::add(context.response_, name, value);
  }
  static std::string_view own_cookies(const Context& context) noexcept {
    return context.own_cookies_;
  }
  static void reset(Context& context) noexcept {
    RequestAccess::reset(context.request_);
    ResponseAccess::reset(context.response_);
    context.answered_ = false;
    context.own_cookies_.clear();
    context.route_ = nullptr;
    context.furthest_ = nullptr;
    context.captured_.clear();
    context.query_ = context.form_ = {};
  }
};

}  // namespace flame::inline v0
