#pragma once

#include <httplib.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <flame/session/adapter.hpp>

#pragma GCC visibility push(default)

/// Sessions for cpp-httplib, 0.11 and newer: target flame-session::cpp_httplib, beside the user's
/// own httplib.
namespace flame::inline v0::session::cpp_httplib {

/// Wraps handlers:
///
///     session::cpp_httplib::Sessions sessions(manager);
///     server.Get("/set", sessions([](session::Session& s, const httplib::Request&,
///                                    httplib::Response& response) { … }));
///
/// A handler takes what it needs of these, in any order: the Request, the Response, the
/// ContentReader, and the session or a flash message (adapter_handler.hpp). It is called on
/// a thread of the server's pool, which waits for the store. Content providers that it sets run
/// later, once its changes are saved. What it throws is the server's to answer, and saves nothing.
///
/// Whether a request came over TLS is told by its connection alone, and Request::remote_addr is who
/// sent it: no field of the request is believed. The Manager outlives the server.
class Sessions {
 public:
  explicit Sessions(Manager& manager) noexcept : manager_(&manager) {}

  template <class F>
  [[nodiscard]] auto operator()(F handler) const {
    using Handler = adapter::Handler<F>;
    static_assert(std::is_void_v<typename Handler::Result>,
                  "a handler for cpp-httplib returns nothing: its answer is the Response");
    // One for all copies that the server makes.
    auto kept = std::make_shared<const Handler>(Handler(std::move(handler)));
    if constexpr (takes_reader(typename Handler::Others{}))
      return
          [manager = manager_, kept](const httplib::Request& request, httplib::Response& response,
                                     const httplib::ContentReader& reader) {
            run(*manager, *kept, request, response, reader);
          };
    else
      return
          [manager = manager_, kept](const httplib::Request& request, httplib::Response& response) {
            run(*manager, *kept, request, response);
          };
  }

 private:
  template <class Handle>
  struct Exchange;

  template <class... P>
  static constexpr bool takes_reader(std::tuple<std::type_identity<P>...>) {
    return (std::is_same_v<std::remove_cvref_t<P>, httplib::ContentReader> || ...);
  }

  template <class F, class... Reader>
  static void run(Manager& manager, const adapter::Handler<F>& handler,
                  const httplib::Request& request, httplib::Response& response,
                  const Reader&... reader);

  Manager* manager_;
};

template <class Handle>
struct Sessions::Exchange {
  const httplib::Request& request;
  httplib::Response& response;
  Handle handle;

  void gather(adapter::RequestFields& fields) const {
    for (const auto& [name, value] : request.headers) fields.add(name, value);
  }
  void describe(RequestView& view) const {
    view.method = request.method;
#if defined(CPPHTTPLIB_OPENSSL_SUPPORT) || defined(CPPHTTPLIB_SSL_ENABLED)
    view.secure = request.ssl != nullptr;
#endif
    view.peer = request.remote_addr;
  }
  /// -1 until the server sets it: 200.
  [[nodiscard]] int status() const noexcept { return response.status; }

  void set(std::string_view name, std::string_view value) {
    response.headers.erase(std::string(name));
    append(name, value);
  }
  void append(std::string_view name, std::string_view value) {
    response.headers.emplace(name, value);
  }
  void begin(int status, std::string_view body) {
    httplib::Response fresh;
    fresh.version = response.version;
    std::swap(response, fresh);  // a content provider's resources go with the old one
    response.status = status;
    response.set_content(std::string(body), "text/plain");
  }
};

template <class F, class... Reader>
void Sessions::run(Manager& manager, const adapter::Handler<F>& handler,
                   const httplib::Request& request, httplib::Response& response,
                   const Reader&... reader) {
  if constexpr (!adapter::Handler<F>::asked.need) {
    handler(nullptr, nullptr, request, response, reader...);
  } else {
    const auto handle = [&](Session* session, const Flash* flash) {
      handler(session, flash, request, response, reader...);
    };
    Exchange<decltype(handle)> exchange{request, response, handle};
    adapter::serve(manager, adapter::Handler<F>::asked, exchange);
  }
}

}  // namespace flame::inline v0::session::cpp_httplib

#pragma GCC visibility pop
