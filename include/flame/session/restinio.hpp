#pragma once

#include <coroutine>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <restinio/asio_include.hpp>
#include <restinio/http_headers.hpp>
#include <restinio/message_builders.hpp>
#include <restinio/request_handler.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flame/session/adapter.hpp>

#pragma GCC visibility push(default)

/// Sessions for RESTinio, 0.6.16 and newer: target flame-session::restinio, beside the user's own
/// RESTinio, on whichever Asio that is set to use.
namespace flame::inline v0::session::restinio {

/// What a handler fills in; it is sent when the session is saved.
using Response = ::restinio::response_builder_t<::restinio::restinio_controlled_output_t>;

/// Over what a server is spoken to, which no request tells. `plain`, unless all comes over TLS: to
/// a tls_traits_t, or by a proxy that lets nothing else through.
enum class Transport : std::uint8_t { plain, tls };

namespace detail {

inline Peer peer_of(const ::restinio::asio_ns::ip::address& address) {
  if (address.is_v4()) return Peer::of_bytes(address.to_v4().to_bytes());
  return Peer::of_bytes(address.to_v6().to_bytes());
}

/// Takes completions to an io_context.
class Loop final : public Executor {
 public:
  explicit Loop(::restinio::asio_ns::io_context& context) noexcept : context_(context) {}
  void post(Operation* list) noexcept override {
    while (list != nullptr) {
      adapter::Turn turn(*std::exchange(list, list->next));
      ::restinio::asio_ns::post(context_, std::move(turn));
    }
  }

 private:
  ::restinio::asio_ns::io_context& context_;
};

}  // namespace detail

/// Wraps handlers:
///
///     restinio::asio_ns::io_context io;
///     session::restinio::Sessions sessions(manager, io);
///     router->http_get("/set", sessions([](session::Session& s,
///                                          const restinio::request_handle_t&,
///                                          session::restinio::Response& response) { … }));
///     restinio::run(io, …);
///
/// A handler takes what it needs of these, in any order: the request, the Response, what a router
/// passes besides (route_params_t), and the session or a flash message (adapter_handler.hpp). It
/// returns nothing, and leaves done() to the adapter. It is called on a thread of the io_context,
/// which serves others while the store is asked. What it throws is a 500, of which stderr is told,
/// and saves nothing.
///
/// From whom a request came is told by its connection alone. The io_context is the server's, and
/// outlives the Manager, which outlives the server.
class Sessions {
 public:
  Sessions(Manager& manager, ::restinio::asio_ns::io_context& context,
           Transport transport = Transport::plain)
      : manager_(&manager),
        loop_(std::make_shared<detail::Loop>(context)),
        secure_(transport == Transport::tls) {}

  template <class F>
  [[nodiscard]] auto operator()(F handler) const {
    using Handler = adapter::Handler<F>;
    static_assert(std::is_void_v<typename Handler::Result>,
                  "a handler for RESTinio returns nothing: its answer is the Response");
    static_assert(Handler::asked.need.has_value(),
                  "this handler asks for no session or flash message: register it as it is");
    return [sessions = *this, waits = manager_->waits(),
            kept = std::make_shared<const Handler>(std::move(handler))](auto request,
                                                                        auto... parameters) {
      using Made = Exchange<Handler, decltype(request), decltype(parameters)...>;
      std::optional<Made> exchange(Made{
          kept, sessions.loop_, sessions.secure_, std::move(request), {std::move(parameters)...}});
      auto& manager = *sessions.manager_;
      if (!waits)
        exchange->finish(
            adapter::thrown_by([&] { adapter::serve(manager, Handler::asked, *exchange); }));
      else
        adapter::serve_in<adapter::Detached>(manager, nullptr, Handler::asked, std::move(exchange));
      return ::restinio::request_accepted();
    };
  }

 private:
  template <class Handler, class Request, class... P>
  struct Exchange;

  Manager* manager_;
  std::shared_ptr<detail::Loop> loop_;
  bool secure_;
};

template <class Handler, class Request, class... P>
struct Sessions::Exchange {
  std::shared_ptr<const Handler> handler;
  std::shared_ptr<detail::Loop> loop;
  bool secure;
  Request request;
  std::tuple<P...> parameters;
  Response response = request->create_response();

  Executor* executor() const noexcept { return loop.get(); }

  void gather(adapter::RequestFields& fields) const {
    request->header().for_each_field(
        [&fields](const ::restinio::http_header_field_t& f) { fields.add(f.name(), f.value()); });
  }
  void describe(RequestView& view) const {
    view.method = request->header().method().c_str();
    view.secure = secure;
    view.peer = detail::peer_of(request->remote_endpoint().address());
  }

  std::suspend_never handle(Session* session, const Flash* flash) {
    std::apply(
        [&](auto&... p) {
          (*handler)(session, flash, std::as_const(request), response, std::move(p)...);
        },
        parameters);
    return {};
  }
  [[nodiscard]] int status() const noexcept { return response.header().status_code().raw_code(); }

  void finish(const std::exception_ptr& thrown) {
    if (thrown) {
      tell(thrown);
      adapter::answer_error(*this, Error{Errc::misuse, {}});
    }
    response.done();
  }

  void set(std::string_view name, std::string_view value) {
    response.header().remove_all_of(std::string(name));
    append(name, value);
  }
  void append(std::string_view name, std::string_view value) {
    response.header().add_field(std::string(name), std::string(value));
  }
  void begin(int status, std::string_view body) {
    ::restinio::http_header_fields_t none;
    response.header().swap_fields(none);
    response.header().status_line(
        {::restinio::http_status_code_t(static_cast<std::uint16_t>(status)),
         std::string(body.substr(0, body.find('\n')))});
    append("Content-Type", "text/plain");
    const bool head = request->header().method() == ::restinio::http_method_head();
    response.set_body(head ? std::string() : std::string(body));
  }

  static void tell(const std::exception_ptr& thrown) {
    std::string what = "what is no std::exception";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    std::fprintf(stderr, "flame-session: a handler threw: %s\n", what.c_str());
  }
};

}  // namespace flame::inline v0::session::restinio

#pragma GCC visibility pop
