#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <flame/session/adapter.hpp>

#pragma GCC visibility push(default)

/// Sessions for Boost.Asio and Beast: target flame-session::asio, beside the user's own Boost, 1.74
/// and newer.
///
/// All complete by the token that they are given: a callback, use_awaitable, use_future. The
/// handler is called on its associated executor, which has outstanding work until then. None is
/// cancelled: its deadline ends it. Stop the Manager before the execution context is destroyed.
namespace flame::inline v0::session::asio {

/// What async_load() brings.
struct Loaded {
  Session session;
  Flash flash{};  ///< what was claimed, where `need` has Need::flash
};

/// What adapter.hpp writes, on a response of Beast's, or another with the same functions.
template <class Response>
struct ResponseWriter {
  Response& response;

  void set(std::string_view name, std::string_view value) { response.set(text(name), text(value)); }
  void append(std::string_view name, std::string_view value) {
    response.insert(text(name), text(value));
  }
  void begin(int status, std::string_view body) {
    Response fresh;
    fresh.version(response.version());
    fresh.keep_alive(response.keep_alive());
    fresh.result(static_cast<unsigned>(status));
    if constexpr (requires { fresh.body() = std::string(body); }) fresh.body() = std::string(body);
    response = std::move(fresh);
    set("Content-Type", "text/plain");
  }

 private:
  [[nodiscard]] static auto text(std::string_view view) {
    return decltype(std::declval<Response&>().reason())(view.data(), view.size());
  }
};
template <class Response>
ResponseWriter(Response&) -> ResponseWriter<Response>;

namespace detail {
/// Beast's string_view is another one in each release.
template <class Text>
[[nodiscard]] std::string_view view_of(const Text& text) noexcept {
  return {text.data(), text.size()};
}
}  // namespace detail

/// What adapter.hpp reads of a request of Beast's, or another with the same functions; it is
/// viewed.
template <class Request>
void add_fields(const Request& request, adapter::RequestFields& fields) {
  for (const auto& field : request)
    fields.add(detail::view_of(field.name_string()), detail::view_of(field.value()));
}

/// Of the connection that a request came by.
struct Client {
  Peer address{};       ///< of remote_endpoint().address(): to_string(), or Peer::of_bytes()
  bool secure = false;  ///< over TLS
};

namespace detail {

/// Where the thread that brings an answer has nothing to do but hand it on.
struct AtOnce final : Executor {
  void post(Operation* list) noexcept override {
    while (list != nullptr) {
      Operation& each = *std::exchange(list, list->next);
      each.done(each);
    }
  }
};
inline AtOnce at_once;

/// `work` goes along: what called this may be on a thread that the executor does not wait for.
template <class Handler, class Work, class Result>
void complete(Handler handler, Work work, Result result) {
  const auto executor = work.get_executor();
  boost::asio::post(
      executor, [handler = std::move(handler), work = std::move(work),
                 result = std::move(result)]() mutable { std::move(handler)(std::move(result)); });
}

template <class Handler>
adapter::Detached load(Manager& manager, RequestView request, Need need, Handler handler) {
  auto work = boost::asio::make_work_guard(handler);
  Await<LoadOperation> loading(manager);
  loading.request = request;
  loading.need = need;
  loading.executor = &at_once;
  auto session = co_await loading;
  auto loaded = std::move(session).map([&](Session&& each) {
    return Loaded{std::move(each), std::move(loading.flash)};
  });
  complete(std::move(handler), std::move(work), std::move(loaded));
}

template <class Handler>
adapter::Detached commit(Manager& manager, Session& session, int status, Handler handler) {
  auto work = boost::asio::make_work_guard(handler);
  Await<CommitOperation> committing(manager);
  committing.session = &session;
  committing.status = status;
  committing.executor = &at_once;
  auto committed = co_await committing;
  complete(std::move(handler), std::move(work), std::move(committed));
}

template <class Request, class Response, class Function>
struct Exchange : ResponseWriter<Response> {
  Exchange(const Request& in, Response& out, Client by, bool blocks,
           std::shared_ptr<const Function> called)
      : ResponseWriter<Response>{out},
        request(in),
        client(by),
        waits(blocks),
        function(std::move(called)) {}

  void gather(adapter::RequestFields& fields) const { add_fields(request, fields); }
  void describe(RequestView& view) const {
    view.method = view_of(request.method_string());
    view.secure = client.secure;
    view.peer = client.address;
  }
  std::suspend_never handle(Session* session, const Flash* flash) {
    (*function)(session, flash, request, this->response);
    return {};
  }
  [[nodiscard]] int status() const { return static_cast<int>(this->response.result_int()); }

  const Request& request;
  Client client;
  bool waits;
  std::shared_ptr<const Function> function;
};

/// One that goes on by itself, until it calls `handler`.
template <class Served, class Handler>
class Running final : public Served, public Executor {
 public:
  Running(Served served, Handler handler)
      : Served(std::move(served)),
        handler_(std::move(handler)),
        work_(boost::asio::make_work_guard(handler_)) {}

  void finish(std::exception_ptr thrown) {
    complete(std::move(handler_), std::move(work_), std::move(thrown));
  }

  [[nodiscard]] session::Executor* executor() noexcept { return this; }
  void post(Operation* list) noexcept override {
    while (list != nullptr)
      boost::asio::post(work_.get_executor(), adapter::Turn(*std::exchange(list, list->next)));
  }

 private:
  Handler handler_;
  decltype(boost::asio::make_work_guard(std::declval<Handler&>())) work_;
};

template <class Served, class Token>
auto run(Manager* manager, adapter::Asked asked, Served served, Token&& token) {
  return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
      [](auto handler, Manager* of, adapter::Asked what, Served each) {
        std::optional<Running<Served, decltype(handler)>> running(std::in_place, std::move(each),
                                                                  std::move(handler));
        adapter::serve_in<adapter::Detached>(*of, nullptr, what, std::move(running));
      },
      token, manager, asked, std::move(served));
}

#if defined(BOOST_ASIO_HAS_CO_AWAIT)
/// What waits for no store needs no turn of the executor's to go on.
template <class Served, class Executor>
boost::asio::awaitable<void, Executor> serve(Manager* manager, adapter::Asked asked, Served served,
                                             boost::asio::use_awaitable_t<Executor> token) {
  if (!served.waits) {
    adapter::serve(*manager, asked, served);
    co_return;
  }
  auto running = run(manager, asked, std::move(served), token);
  co_await std::move(running);
}
#endif

}  // namespace detail

/// token(Result<Loaded>). `request` views what lives until the operation begins: with use_awaitable
/// and its like that is when it is awaited.
template <class Token>
auto async_load(Manager& manager, const RequestView& request, Need need, Token&& token) {
  return boost::asio::async_initiate<Token, void(Result<Loaded>)>(
      [](auto handler, Manager* of, RequestView view, Need what) {
        detail::load(*of, view, what, std::move(handler));
      },
      token, &manager, request, need);
}

/// token(Result<ResponseFields>), before the first byte of the response, whose status it is: from
/// 500 on nothing is saved. For a handler that threw, too, which is a 500: a claimed flash message
/// goes back then.
template <class Token>
auto async_commit(Manager& manager, Session& session, int status, Token&& token) {
  return boost::asio::async_initiate<Token, void(Result<ResponseFields>)>(
      [](auto handler, Manager* of, Session* what, int so) {
        detail::commit(*of, *what, so, std::move(handler));
      },
      token, &manager, &session, status);
}

/// A handler, wrapped: load, call and commit as one operation, which goes on to its end whatever
/// becomes of who waits for it.
template <class F>
class Wrapped {
 public:
  explicit Wrapped(Manager& manager, F function)
      : manager_(&manager),
        waits_(manager.waits()),
        handler_(std::make_shared<const adapter::Handler<F>>(std::move(function))) {}

  /// token(std::exception_ptr): what the handler threw; its session saved nothing then. Request and
  /// Response are Beast's, and live until that is called; prepare_payload() comes after it. With
  /// use_awaitable, and on a store that never blocks, the coroutine goes on at once.
  template <class Request, class Response, class Token>
  auto operator()(const Request& request, Response& response, const Client& client,
                  Token&& token) const {
    detail::Exchange exchange(request, response, client, waits_, handler_);
    if constexpr (requires { serve(manager_, adapter::Handler<F>::asked, exchange, token); })
      return serve(manager_, adapter::Handler<F>::asked, std::move(exchange), token);
    else
      return detail::run(manager_, adapter::Handler<F>::asked, std::move(exchange),
                         std::forward<Token>(token));
  }

 private:
  Manager* manager_;
  bool waits_;
  std::shared_ptr<const adapter::Handler<F>> handler_;
};

/// Wraps handlers, which are called on a thread of their executor's and do not wait:
///
///     session::asio::Sessions sessions(manager);
///     const auto set = sessions(put);  // void put(Session&, const Request&, Response&)
///     co_await set(request, response, {address}, boost::asio::use_awaitable);
///
/// One that waits calls async_load() and async_commit() itself.
class Sessions {
 public:
  explicit Sessions(Manager& manager) noexcept : manager_(&manager) {}

  template <class F>
  [[nodiscard]] Wrapped<F> operator()(F handler) const {
    static_assert(std::is_void_v<typename adapter::Handler<F>::Result>,
                  "a handler for Beast returns nothing: its answer is the response");
    static_assert(adapter::Handler<F>::asked.need.has_value(),
                  "this handler takes no session: call it as it is");
    return Wrapped<F>(*manager_, std::move(handler));
  }

 private:
  Manager* manager_;
};

}  // namespace flame::inline v0::session::asio

#pragma GCC visibility pop
