#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/request.hpp>
#include <flame/response.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

namespace detail {
class Loop;
struct Step;
struct Route;

/// Of a query or a form, decoded when somebody first asks.
struct Pairs {
  bool read = false;
  std::vector<std::pair<std::string, std::string>> list{};
};
}  // namespace detail

/// Names with values that a query or a form may have.
inline constexpr std::size_t max_pairs = 1'000;

/// One request and its answer. Lives until the answer is complete; used by one thread at a time.
class Context {
 public:
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] const Request& request() const noexcept { return request_; }
  [[nodiscard]] std::string_view body() const noexcept { return request_.body(); }
  /// What a route's `{name}` matched, decoded; `**` for the trailing `{**}`. Throws
  /// std::logic_error, which tells those it has, where the route has no such parameter.
  [[nodiscard]] std::string param(std::string_view name) const;
  /// The first value of this name in the query, or in the body of a form; all of them, in order.
  /// Decoded as browsers do: `+` is a space, and a `%` without two digits stays what it is. A body
  /// whose Content-Type is not application/x-www-form-urlencoded has none. Throw HttpError (400,
  /// and 413 for a body) for more than max_pairs.
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> form(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> query_values(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> form_values(std::string_view name) const;

  /// The answer so far. Changing it does not end the chain of handlers.
  [[nodiscard]] Response& response() noexcept { return response_; }
  [[nodiscard]] const Response& response() const noexcept { return response_; }
  Context& status(int status) {
    response_.status(status);
    return *this;
  }
  Context& header(std::string_view name, std::string_view value) {
    response_.set(name, value);
    return *this;
  }

  /// These end the chain, as a handler's result does: handlers that follow do not run. The fields
  /// of `response` replace those set before, but for Set-Cookie, of which each stays; so do others.
  void answer(Response response);
  void answer(std::string_view body);
  void redirect(std::string_view target, int status = 303);  ///< flame::redirect
  [[nodiscard]] bool answered() const noexcept { return answered_; }

  /// Told when the host begins to stop: what takes long ends then. Who has not ended when
  /// HostOptions::drain_time is over is cut: its client is closed, and an exception comes out of
  /// its sleep_for. Who waits for something else is left behind with its memory, and may be resumed
  /// at any time, but nobody gets its answer. Callbacks run on a thread of their own, or at once
  /// where it stops already.
  [[nodiscard]] std::stop_token stop_token() const noexcept;

 private:
  friend struct ContextAccess;
  Context() = default;

  [[nodiscard]] const detail::Pairs& query_pairs() const;
  [[nodiscard]] const detail::Pairs& form_pairs() const;

  Request request_{};
  Response response_{};
  bool answered_ = false;
  std::string own_cookies_{};  // lines: what the host's providers set, whatever became of it
  const detail::Route* route_ = nullptr;
  const detail::Step* furthest_ = nullptr;
  detail::Loop* loop_ = nullptr;
  std::vector<void*> slots_{};                // what was provided; slot 0 is always null
  std::vector<std::string_view> captured_{};  // by the route's parameters, undecoded
  mutable detail::Pairs query_{}, form_{};
};

/// The awaitable of sleep_for.
class [[nodiscard]] Sleep {
 public:
  Sleep(Context& context, std::chrono::milliseconds time) noexcept
      : context_(context), time_(time) {}
  [[nodiscard]] bool await_ready() const noexcept { return time_.count() <= 0; }
  bool await_suspend(std::coroutine_handle<> waiting);
  void await_resume() const;

 private:
  Context& context_;
  std::chrono::milliseconds time_;
};

/// co_await flame::sleep_for(context, 10ms): waits while the event loop serves others. Throws where
/// the host has stopped and waits no longer.
inline Sleep sleep_for(Context& context, std::chrono::milliseconds time) noexcept {
  return {context, time};
}

}  // namespace flame::inline v0

#pragma GCC visibility pop
