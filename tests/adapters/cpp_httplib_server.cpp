#include <string>
#include <string_view>

#include <flame/session/cpp_httplib.hpp>

#include "demo.hpp"

namespace session = flame::session;
using httplib::Request;
using httplib::Response;

namespace {

void answer(Response& response, std::string_view body) {
  response.set_content(std::string(body), "text/plain");
}

std::string v(const Request& request) { return request.get_param_value("v"); }

void add_routes(httplib::Server& server, const session::cpp_httplib::Sessions& sessions) {
  using session::Flash;
  using session::Session;
  server.Get("/plain", sessions([](Response& r) { answer(r, demo::plain); }));
  //! [routes]
  server.Get("/set",
             sessions([](Session& s, const Request&, Response& r) { answer(r, demo::set(s)); }));
  server.Get("/get", sessions([](const Request&, Response& r, const Session& s) {
               answer(r, demo::get(s));
             }));
  //! [routes]
  server.Get("/clear", sessions([](Response& r, Session& s) { answer(r, demo::clear(s)); }));
  server.Get("/add", sessions([](Session& s, Response& r) { answer(r, demo::add(s)); }));
  server.Get("/n", sessions([](const Session& s, Response& r) { answer(r, demo::n(s)); }));
  server.Get("/fail", sessions([](Session& s) { demo::fail(s); }));
  server.Get("/status", sessions([](Session& s, const Request& q, Response& r) {
               answer(r, "the handler's own");
               r.status = demo::status(s, v(q));
             }));
  server.Get("/vary", sessions([](Session& s, Response& r) {
               r.set_header("vary", "Accept");
               r.set_header("cache-control", "public, max-age=60");
               r.set_header("set-cookie", "own=1");
               answer(r, demo::set(s));
             }));
  server.Get("/flash", sessions([](Session& s, const Request& q, Response& r) {
               answer(r, demo::set_flash(s, v(q)));
             }));
  server.Get("/take", sessions([](const Flash& f, Response& r) { answer(r, demo::take(f)); }));
  server.Get("/take_copy", sessions([](Flash f, Response& r) { answer(r, demo::take(f)); }));
  server.Get("/take_fail", sessions([](const Flash& f, Response& r) {
               r.status = 500;
               answer(r, demo::take(f));
             }));
  server.Get("/take_throw", sessions([](const Flash& f) { demo::take_throw(f); }));
  server.Get("/login", sessions([](Session& s, const Request& q, Response& r) {
               answer(r, demo::login(s, v(q)));
             }));
  server.Get("/logout", sessions([](Session& s, Response& r) { answer(r, demo::logout(s)); }));
  server.Get("/owner", sessions([](const Session& s, Response& r) { answer(r, demo::owner(s)); }));
  server.Get("/optional",
             sessions([](const Session* s, Response& r) { answer(r, demo::optional(s)); }));
  server.Get("/optional_take",
             sessions([](const Flash* f, Response& r) { answer(r, demo::optional_take(f)); }));
}

}  // namespace

int main(int argc, char** argv) {
  httplib::Server server;
  const demo::Stopper stopper([&] { server.stop(); });
  demo::Demo demo(argc, argv);
  add_routes(server, session::cpp_httplib::Sessions(demo.manager()));
  server.Get("/store/(.*)", [&](const Request& request, Response& response) {
    answer(response, demo.control(request.matches[1].str()));
  });
  // A connection has a thread for as long as it is kept alive.
  server.new_task_queue = [] { return new httplib::ThreadPool(256); };
  server.set_keep_alive_max_count(1'000'000);
  server.set_keep_alive_timeout(60);
  server.set_read_timeout(60);
  server.set_tcp_nodelay(true);
  const int port = server.bind_to_any_port(demo.host());
  if (port < 0) return 1;
  demo::say_port(port);
  return server.listen_after_bind() ? 0 : 1;
}
