#include <csignal>
#include <memory>
#include <restinio/all.hpp>
#include <string>
#include <string_view>
#include <utility>

#include <flame/session/restinio.hpp>

#include "demo.hpp"

namespace session = flame::session;
using restinio::request_handle_t;
using restinio::router::route_params_t;
using session::restinio::Response;

namespace {

using Router = restinio::router::express_router_t<>;

void answer(Response& response, std::string_view body) { response.set_body(std::string(body)); }

std::string v(const request_handle_t& request) {
  return std::string(restinio::parse_query(request->header().query()).get_param("v").value_or(""));
}

std::unique_ptr<Router> routes(const session::restinio::Sessions& sessions) {
  using session::Flash;
  using session::Session;
  auto router = std::make_unique<Router>();
  const auto get = [&](std::string_view path, auto handler) { router->http_get(path, handler); };
  //! [routes]
  get("/set",
      sessions([](Session& s, const request_handle_t&, Response& r) { answer(r, demo::set(s)); }));
  //! [routes]
  router->add_handler(restinio::http_method_head(), "/set",
                      sessions([](Session& s) { static_cast<void>(demo::set(s)); }));
  const auto plain = [](const request_handle_t& request, const route_params_t&) {
    return request->create_response().set_body(std::string(demo::plain)).done();
  };
  // Before and after the one that bench/adapters compares with them: the router tries all in order.
  get("/plain", plain);
  get("/get", sessions([](Response& r, const route_params_t&, const Session& s) {
        answer(r, demo::get(s));
      }));
  get("/plain/after", plain);
  get("/clear", sessions([](Session& s, Response& r) { answer(r, demo::clear(s)); }));
  get("/add", sessions([](Session& s, Response& r) { answer(r, demo::add(s)); }));
  get("/n", sessions([](const Session& s, Response& r) { answer(r, demo::n(s)); }));
  get("/fail", sessions([](Session& s) { demo::fail(s); }));
  get("/status", sessions([](Session& s, request_handle_t q, Response& r) {
        const auto code = static_cast<std::uint16_t>(demo::status(s, v(q)));
        r.header().status_line({restinio::http_status_code_t(code), "Status"});
        answer(r, "the handler's own");
      }));
  get("/vary", sessions([](Session& s, Response& r) {
        r.append_header("vary", "Accept");
        r.append_header("cache-control", "public, max-age=60");
        r.append_header("set-cookie", "own=1");
        answer(r, demo::set(s));
      }));
  get("/flash", sessions([](Session& s, const request_handle_t& q, Response& r) {
        answer(r, demo::set_flash(s, v(q)));
      }));
  get("/take", sessions([](const Flash& f, Response& r) { answer(r, demo::take(f)); }));
  router->add_handler(restinio::http_method_head(), "/take",
                      sessions([](const Flash& f) { static_cast<void>(demo::take(f)); }));
  get("/take_copy", sessions([](Flash f, Response& r) { answer(r, demo::take(f)); }));
  get("/take_throw", sessions([](const Flash& f) { demo::take_throw(f); }));
  get("/take_fail", sessions([](const Flash& f, Response& r) {
        r.header().status_line(restinio::status_internal_server_error());
        answer(r, demo::take(f));
      }));
  get("/login", sessions([](Session& s, const request_handle_t& q, Response& r) {
        answer(r, demo::login(s, v(q)));
      }));
  get("/logout", sessions([](Session& s, Response& r) { answer(r, demo::logout(s)); }));
  get("/owner", sessions([](const Session& s, Response& r) { answer(r, demo::owner(s)); }));
  get("/optional", sessions([](const Session* s, Response& r) { answer(r, demo::optional(s)); }));
  get("/optional_take",
      sessions([](const Flash* f, Response& r) { answer(r, demo::optional_take(f)); }));
  return router;
}

struct Traits : restinio::default_single_thread_traits_t {
  using request_handler_t = Router;
};

}  // namespace

int main(int argc, char** argv) {
  restinio::asio_ns::io_context io;
  demo::Demo demo(argc, argv);
  auto router = routes(session::restinio::Sessions(demo.manager(), io));
  router->http_get("/store/:name", [&](const request_handle_t& request, const route_params_t& of) {
    return request->create_response().set_body(demo.control(of["name"])).done();
  });
  int port = 0;
  restinio::http_server_t<Traits> server(
      restinio::external_io_context(io), [&](restinio::server_settings_t<Traits>& settings) {
        settings.port(0).address(demo.host()).request_handler(std::move(router));
        settings.acceptor_post_bind_hook(
            [&](auto& acceptor) { port = acceptor.local_endpoint().port(); });
      });
  server.open_sync();
  demo::say_port(port);
  restinio::asio_ns::signal_set ends(io, SIGTERM);
  ends.async_wait([&](const auto&, int) {
    server.close_sync();
    io.stop();
  });
  io.run();
}
