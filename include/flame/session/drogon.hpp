#pragma once

#include <drogon/HttpAppFramework.h>
#include <drogon/HttpRequest.h>
#include <drogon/HttpResponse.h>
#include <drogon/utils/coroutine.h>
#include <trantor/net/EventLoop.h>
#include <trantor/net/InetAddress.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flame/session/adapter.hpp>

#pragma GCC visibility push(default)

/// Sessions for Drogon, 1.9 and newer: target flame-session::drogon, beside the user's own Drogon.
namespace flame::inline v0::session::drogon {

namespace detail {
using Task = ::drogon::Task<::drogon::HttpResponsePtr>;
template <class Handler>
inline constexpr bool returns_task = std::is_same_v<typename Handler::Result, Task>;
template <class... P>
struct Parameters;
template <class Handler, class... P>
Task serve(Manager& manager, std::shared_ptr<const Handler> handler,
           ::drogon::HttpRequestPtr request, P... parameters);
}  // namespace detail

/// Wraps handlers:
///
///     session::drogon::Sessions sessions(manager);
///     app.registerHandler("/set/{id}", sessions([](session::Session& s, const HttpRequestPtr&,
///                                                  int id) -> HttpResponsePtr { … }));
///
/// A handler takes what it needs of these, in any order: the HttpRequestPtr, the path's parameters,
/// and the session or a flash message (adapter_handler.hpp). It returns an HttpResponsePtr, or is a
/// coroutine that does: Task<HttpResponsePtr>. It is called on the event loop that its request came
/// to, which serves others while the store is asked. What it throws is answered by Drogon's
/// exception handler, and saves nothing.
///
/// Drogon keeps one cookie of a name: of two that a browser sent the last one is seen, and
/// event::dup_cookie never comes. It does not tell what setCustomStatusCode() set: what is to save
/// nothing needs setStatusCode(), from 500 on. A response is no other visitor's: its expiredTime()
/// is taken off, and of one that something else holds too a copy is sent.
///
/// With `using namespace drogon`, write `session::Session`: Drogon has a Session, too. Whether
/// a request came over TLS, and from whom, is told by its connection alone. The Manager outlives
/// app().run(), which waits for what is under way: at most for its deadline.
class Sessions {
 public:
  explicit Sessions(Manager& manager) noexcept : manager_(&manager) {}

  template <class F>
  [[nodiscard]] auto operator()(F handler) const {
    using Handler = adapter::Handler<F>;
    return wrap(std::make_shared<const Handler>(std::move(handler)), typename Handler::Others{});
  }

  /// What a handler asks of the Manager itself, to end all sessions of an owner, say: co_await
  /// brings its Result, on the event loop that this was called on. Name it first, as an Await.
  template <class Op>
  [[nodiscard]] adapter::CountedAwait<Op> run(Op operation) const;

 private:
  template <class Handler, class... P>
  auto wrap(std::shared_ptr<const Handler> handler, std::tuple<std::type_identity<P>...>) const {
    static_assert(detail::returns_task<Handler> ||
                      std::is_same_v<typename Handler::Result, ::drogon::HttpResponsePtr>,
                  "a handler for Drogon returns HttpResponsePtr or Task<HttpResponsePtr>");
    static_assert(Handler::asked.need.has_value(),
                  "this handler asks for no session or flash message: register it as it is");
    return detail::Parameters<P...>::apply([&]<class... Q>(std::type_identity<Q>...) {
      return [manager = manager_, handler](::drogon::HttpRequestPtr request, Q... parameters) {
        return detail::serve<Handler, Q...>(*manager, handler, std::move(request),
                                            std::move(parameters)...);
      };
    });
  }

  Manager* manager_;
};

namespace detail {

/// The path's parameters: all of a handler's but the request, and by value, as Drogon needs them.
template <class... P>
struct Parameters {
  template <class Function>
  static auto apply(const Function& function) {
    return std::apply(function, std::tuple_cat(kept<std::remove_cvref_t<P>>()...));
  }

 private:
  template <class Q>
  static auto kept() {
    if constexpr (std::is_same_v<Q, ::drogon::HttpRequestPtr>)
      return std::tuple<>();
    else
      return std::tuple<std::type_identity<Q>>();
  }
};

/// Takes completions to one event loop. It is told when that ends, and waits for what is under way
/// before it lets it.
class Loop final : public Executor {
 public:
  /// Of this thread, or the main one where this thread has none.
  static const std::shared_ptr<Loop>& here() {
    thread_local const auto own = make(::trantor::EventLoop::getEventLoopOfCurrentThread());
    if (own) return own;
    static const auto main = make(::drogon::app().getLoop());
    return main;
  }

  void post(Operation* list) noexcept override {
    const std::scoped_lock lock(mutex_);
    const bool idle = waiting_ == nullptr;
    *end_ = list;
    while (*end_ != nullptr) end_ = &(*end_)->next;
    if (idle && !ended_) loop_->queueInLoop([this] { answer(); });
  }

  adapter::UnderWay& under_way() noexcept { return under_way_; }

 private:
  explicit Loop(::trantor::EventLoop* loop) noexcept : loop_(loop) { under_way_.open(); }

  static std::shared_ptr<Loop> make(::trantor::EventLoop* loop) {
    if (loop == nullptr) return nullptr;
    std::shared_ptr<Loop> made(new Loop(loop));
    loop->runOnQuit([made] { made->finish(); });
    return made;
  }

  void answer() noexcept {
    Operation* list = nullptr;
    {
      const std::scoped_lock lock(mutex_);
      list = std::exchange(waiting_, nullptr);
      end_ = &waiting_;
    }
    while (list != nullptr) {
      auto& one = *list;
      list = one.next;
      one.done(one);
    }
  }

  void finish() noexcept {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
    }
    while (!under_way_.close(std::chrono::milliseconds(1))) answer();
  }

  ::trantor::EventLoop* loop_;  // until it ended
  adapter::UnderWay under_way_{};
  std::mutex mutex_{};
  Operation* waiting_ = nullptr;
  Operation** end_ = &waiting_;
  bool ended_ = false;
};

/// Set-Cookie as Drogon's own kind, which goes beside a field of that name.
inline ::drogon::Cookie cookie_of(std::string_view text) {
  const auto cut = [&text](char end) {
    const auto found = std::min(text.find(end), text.size());
    const auto part = text.substr(0, found);
    text.remove_prefix(std::min(found + 1, text.size()));
    return std::string(part.substr(std::min(part.find_first_not_of(' '), part.size())));
  };
  const auto pair = cut(';');
  const auto equals = pair.find('=');
  ::drogon::Cookie cookie(pair.substr(0, equals), pair.substr(equals + 1));
  cookie.setHttpOnly(false);
  while (!text.empty()) {
    const auto attribute = cut(';');
    const auto at = std::min(attribute.find('='), attribute.size());
    const auto name = attribute.substr(0, at);
    const auto value = attribute.substr(std::min(at + 1, attribute.size()));
    if (name == "Path") cookie.setPath(value);
    if (name == "Domain") cookie.setDomain(value);
    if (name == "Max-Age") cookie.setMaxAge(std::atoi(value.c_str()));
    if (name == "SameSite") cookie.setSameSite(::drogon::Cookie::convertString2SameSite(value));
    if (name == "Secure") cookie.setSecure(true);
    if (name == "HttpOnly") cookie.setHttpOnly(true);
    if (name == "Partitioned") cookie.setPartitioned(true);
  }
  return cookie;
}

inline ::drogon::HttpResponsePtr copy_of(const ::drogon::HttpResponse& from) {
  using ::drogon::HttpResponse;
  ::drogon::HttpResponsePtr copy;
  if (!from.sendfileName().empty())
    copy = HttpResponse::newFileResponse(from.sendfileName(), from.sendfileRange().first,
                                         from.sendfileRange().second, false);
  else if (from.streamCallback())
    copy = HttpResponse::newStreamResponse(from.streamCallback());
  else if (from.asyncStreamCallback())
    copy = HttpResponse::newAsyncStreamResponse(from.asyncStreamCallback());
  else
    copy = HttpResponse::newHttpResponse();
  copy->setStatusCode(from.statusCode());
  copy->setContentTypeCodeAndCustomString(from.contentType(), from.contentTypeString());
  for (const auto& [name, value] : from.headers())
    if (name != "content-type") copy->addHeader(name, value);
  for (const auto& [name, value] : from.cookies()) copy->addCookie(value);
  if (!from.body().empty()) copy->setBody(std::string(from.body()));
  return copy;
}

inline Peer peer_of(const ::trantor::InetAddress& address) {
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t size = address.isIpV6() ? 16 : 4;
  const std::uint32_t v4 = address.ipNetEndian();
  std::memcpy(bytes.data(), size == 4 ? &v4 : address.ip6NetEndian(), size);
  return Peer::of_bytes(std::span(bytes).first(size));
}

/// What to await of a handler that is a coroutine.
template <class Exchange>
class Handling {
 public:
  Handling(Exchange& exchange, Task task) : exchange_(exchange), task_(std::move(task)) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  auto await_suspend(std::coroutine_handle<> waiting) {
    return task_.operator co_await().await_suspend(waiting);
  }
  void await_resume() { exchange_.answered(task_.operator co_await().await_resume()); }

 private:
  Exchange& exchange_;
  Task task_;
};

template <class Handler, class... P>
struct Exchange {
  Manager& manager;
  std::shared_ptr<const Handler> handler;
  ::drogon::HttpRequestPtr request;
  std::tuple<P...> parameters;
  std::shared_ptr<Loop> loop = Loop::here();
  ::drogon::HttpResponsePtr response{};
  std::array<std::pair<std::string_view, std::string_view>, 1> cookie{};

  Executor* executor() const noexcept { return loop.get(); }

  void gather(adapter::RequestFields& fields) const {
    if (!fields.wants_more_than_cookies()) return;
    for (const auto& [name, value] : request->headers()) fields.add(name, value);
  }
  /// Of the Cookie fields Drogon keeps nothing but the pairs.
  void describe(RequestView& view) {
    view.method = request->isHead() ? "HEAD" : request->methodString();
    view.secure = request->isOnSecureConnection();
    view.peer = peer_of(request->peerAddr());
    const auto& cookies = request->cookies();
    if (const auto found = cookies.find(manager.cookie_name()); found != cookies.end()) {
      cookie[0] = *found;
      view.cookies = cookie;
    }
  }

  auto handle(Session* session, const Flash* flash) {
    const auto call = [&](auto&... p) {
      return (*handler)(session, flash, std::as_const(request), std::move(p)...);
    };
    if constexpr (returns_task<Handler>) {
      return Handling<Exchange>(*this, std::apply(call, parameters));
    } else {
      answered(std::apply(call, parameters));
      return std::suspend_never();
    }
  }
  void answered(::drogon::HttpResponsePtr answer) {
    if (!answer) throw std::logic_error("a handler returned no response");
    response = std::move(answer);
    if (response.use_count() > 1) response = copy_of(*response);
    response->setExpiredTime(-1);
  }
  int status() const noexcept { return response->statusCode(); }

  ::drogon::HttpResponsePtr finish(std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(std::move(thrown));
    } catch (const std::exception&) {
      throw;
    } catch (...) {
      // Drogon answers no other exceptions at all.
      throw std::runtime_error("a handler threw what is no std::exception");
    }
    return std::move(response);
  }

  // Without a response the handler threw, and Drogon makes one.
  void set(std::string_view name, std::string_view value) {
    if (response) response->addHeader(std::string(name), std::string(value));
  }
  void append(std::string_view name, std::string_view value) {
    if (!response) return;
    if (name == "Set-Cookie") {
      response->addCookie(cookie_of(value));
      return;
    }
    std::string all;
    if (!response->headers().empty()) all = response->getHeader(std::string(name));
    if (!all.empty()) all.append(", ");
    response->addHeader(std::string(name), all.append(value));
  }
  void begin(int status, std::string_view body) {
    response = ::drogon::HttpResponse::newHttpResponse(
        static_cast<::drogon::HttpStatusCode>(status), ::drogon::CT_TEXT_PLAIN);
    response->setBody(std::string(body));
  }
};

template <class Handler, class... P>
Task serve(Manager& manager, std::shared_ptr<const Handler> handler,
           ::drogon::HttpRequestPtr request, P... parameters) {
  using Made = Exchange<Handler, P...>;
  std::optional<Made> exchange(
      Made{manager, std::move(handler), std::move(request), {std::move(parameters)...}});
  auto& under_way = exchange->loop->under_way();
  return adapter::serve_in<Task>(manager, &under_way, Handler::asked, std::move(exchange));
}

}  // namespace detail

template <class Op>
adapter::CountedAwait<Op> Sessions::run(Op operation) const {
  auto& loop = *detail::Loop::here();
  operation.executor = &loop;
  return {*manager_, &loop.under_way(), std::move(operation)};
}

}  // namespace flame::inline v0::session::drogon

#pragma GCC visibility pop
