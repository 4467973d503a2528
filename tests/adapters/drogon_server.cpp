#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <flame/session/drogon.hpp>

#include "demo.hpp"

namespace session = flame::session;
using drogon::HttpRequestPtr;
using drogon::HttpResponse;
using drogon::HttpResponsePtr;
using drogon::Task;

namespace {

HttpResponsePtr answer(std::string_view body, int status = 200) {
  auto response = HttpResponse::newHttpResponse(static_cast<drogon::HttpStatusCode>(status),
                                                drogon::CT_TEXT_PLAIN);
  response->setBody(std::string(body));
  return response;
}

std::string v(const HttpRequestPtr& request) { return request->getParameter("v"); }

void add_routes(const session::drogon::Sessions& sessions) {
  using session::Flash;
  using session::Session;
  const auto get = [](const char* path, auto handler) {
    drogon::app().registerHandler(path, std::move(handler), {drogon::Get});
  };
  get("/plain", [](const HttpRequestPtr&, std::function<void(const HttpResponsePtr&)>&& respond) {
    respond(answer(demo::plain));
  });
  //! [routes]
  get("/set", sessions([](Session& s) { return answer(demo::set(s)); }));
  get("/get", sessions([](const Session& s, const HttpRequestPtr&) -> Task<HttpResponsePtr> {
        co_return answer(demo::get(s));
      }));
  //! [routes]
  get("/clear", sessions([](HttpRequestPtr, Session& s) { return answer(demo::clear(s)); }));
  get("/add", sessions([](Session& s) { return answer(demo::add(s)); }));
  get("/n",
      sessions([](const Session& s) -> Task<HttpResponsePtr> { co_return answer(demo::n(s)); }));
  get("/fail", sessions([](Session& s) -> HttpResponsePtr { demo::fail(s); }));
  get("/status", sessions([](Session& s, const HttpRequestPtr& q) {
        return answer("the handler's own", demo::status(s, v(q)));
      }));
  get("/vary", sessions([](Session& s) {
        auto response = answer(demo::set(s));
        response->addHeader("vary", "Accept");
        response->addHeader("cache-control", "public, max-age=60");
        response->addHeader("set-cookie", "own=1");
        return response;
      }));
  get("/flash", sessions([](Session& s, const HttpRequestPtr& q) {
        return answer(demo::set_flash(s, v(q)));
      }));
  get("/take", sessions([](const Flash& f) { return answer(demo::take(f)); }));
  get("/take_copy", sessions([](Flash f) { return answer(demo::take(f)); }));
  get("/take_throw", sessions([](const Flash& f) -> HttpResponsePtr { demo::take_throw(f); }));
  get("/take_fail", sessions([](const Flash& f) { return answer(demo::take(f), 500); }));
  get("/login",
      sessions([](Session& s, const HttpRequestPtr& q) { return answer(demo::login(s, v(q))); }));
  get("/logout", sessions([](Session& s) { return answer(demo::logout(s)); }));
  get("/owner", sessions([](const Session& s) { return answer(demo::owner(s)); }));
  get("/optional", sessions([](const Session* s) { return answer(demo::optional(s)); }));
  get("/optional_take", sessions([](const Flash* f) { return answer(demo::optional_take(f)); }));
}

}  // namespace

int main(int argc, char** argv) {
  demo::Demo demo(argc, argv);
  auto& app = drogon::app();
  app.setLogLevel(
      trantor::Logger::kFatal);  // it tells of every lambda that it finds no name for it
  add_routes(session::drogon::Sessions(demo.manager()));
  app.registerHandler(
      "/store/{name}",
      [&](const HttpRequestPtr&, std::function<void(const HttpResponsePtr&)>&& respond,
          const std::string& name) { respond(answer(demo.control(name))); });
  app.addListener(demo.host(), 0);
  app.setThreadNum(1);
  // Its port is known from the main loop, on the other one.
  app.getLoop()->queueInLoop([&app] {
    app.getIOLoop(0)->queueInLoop([&app] { demo::say_port(app.getListeners().front().toPort()); });
  });
  app.run();
}
