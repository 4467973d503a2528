// A framework that has no adapter: all that it takes stands in the region `own`.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/adapter.hpp>

#include "demo.hpp"
#include "tiny_http.hpp"

namespace session = flame::session;
using tiny::Request;
using tiny::Response;

//! [own]
template <class Handle>
struct Exchange {
  const Request& request;
  Response& response;
  Handle handle;  // calls the handler

  void gather(session::adapter::RequestFields& fields) const {
    for (const auto& [name, value] : request.fields) fields.add(name, value);
  }
  void describe(session::RequestView& view) const {
    view.method = request.method;
    view.secure = false;  // true where this connection is TLS
    view.peer = request.peer;
  }
  int status() const { return response.status; }

  void set(std::string_view name, std::string_view value) {
    std::erase_if(response.fields, [&](auto& each) { return tiny::same_name(each.first, name); });
    append(name, value);
  }
  void append(std::string_view name, std::string_view value) {
    response.fields.emplace_back(name, value);
  }
  void begin(int status, std::string_view body) { response = {status, {}, std::string(body)}; }
};

/// Wraps a handler: sessions(manager, [](session::Session& s, Response& response) { … }).
template <class F>
auto sessions(session::Manager& manager, F function) {
  const session::adapter::Handler<F> handler(std::move(function));
  return [&manager, handler](const Request& request, Response& response) {
    const auto handle = [&](session::Session* s, const session::Flash* flash) {
      handler(s, flash, request, response);
    };
    Exchange<decltype(handle)> exchange{request, response, handle};
    session::adapter::serve(manager, handler.asked, exchange);
  };
}
//! [own]

namespace {

std::string v(const Request& request) {
  return request.query.starts_with("v=") ? request.query.substr(2) : std::string();
}

template <class Wrap>
void add_routes(tiny::Server& server, const Wrap& wrap) {
  using session::Flash;
  using session::Session;
  server.get("/plain", [](const Request&, Response& r) { r.body = demo::plain; });
  server.get("/set", wrap([](Session& s, const Request&, Response& r) { r.body = demo::set(s); }));
  server.get("/get",
             wrap([](const Request&, Response& r, const Session& s) { r.body = demo::get(s); }));
  server.get("/clear", wrap([](Response& r, Session& s) { r.body = demo::clear(s); }));
  server.get("/add", wrap([](Session& s, Response& r) { r.body = demo::add(s); }));
  server.get("/n", wrap([](const Session& s, Response& r) { r.body = demo::n(s); }));
  server.get("/fail", wrap([](Session& s) { demo::fail(s); }));
  server.get("/status", wrap([](Session& s, const Request& q, Response& r) {
               r.body = "the handler's own";
               r.status = demo::status(s, v(q));
             }));
  server.get("/vary", wrap([](Session& s, Response& r) {
               r.fields = {{"vary", "Accept"},
                           {"cache-control", "public, max-age=60"},
                           {"set-cookie", "own=1"}};
               r.body = demo::set(s);
             }));
  server.get("/flash", wrap([](Session& s, const Request& q, Response& r) {
               r.body = demo::set_flash(s, v(q));
             }));
  server.get("/take", wrap([](const Flash& f, Response& r) { r.body = demo::take(f); }));
  server.get("/take_copy", wrap([](Flash f, Response& r) { r.body = demo::take(f); }));
  server.get("/take_fail", wrap([](const Flash& f, Response& r) {
               r.status = 500;
               r.body = demo::take(f);
             }));
  server.get("/take_throw", wrap([](const Flash& f) { demo::take_throw(f); }));
  server.get("/login", wrap([](Session& s, const Request& q, Response& r) {
               r.body = demo::login(s, v(q));
             }));
  server.get("/logout", wrap([](Session& s, Response& r) { r.body = demo::logout(s); }));
  server.get("/owner", wrap([](const Session& s, Response& r) { r.body = demo::owner(s); }));
  server.get("/optional", wrap([](const Session* s, Response& r) { r.body = demo::optional(s); }));
  server.get("/optional_take",
             wrap([](const Flash* f, Response& r) { r.body = demo::optional_take(f); }));
}

}  // namespace

int main(int argc, char** argv) {
  tiny::Server server;
  const demo::Stopper stopper([&] { server.stop(); });
  demo::Demo demo(argc, argv);
  add_routes(server, [&](auto handler) { return sessions(demo.manager(), std::move(handler)); });
  server.get("/store/", [&](const Request& request, Response& response) {
    response.body = demo.control(request.path.substr(request.path.rfind('/') + 1));
  });
  const int port = server.bind(demo.host());
  if (port == 0) return 1;
  demo::say_port(port);
  server.run();
}
