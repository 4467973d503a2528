#include <string>
#include <string_view>

#include <flame/flame.hpp>
#include <flame/sessioner.hpp>

#include "demo.hpp"

namespace session = flame::session;

namespace {

std::string v(const flame::Context& context) { return context.query("v").value_or(""); }

void add_routes(flame::Flame& f) {
  using flame::Context;
  using session::Flash;
  using session::Session;
  f.get("/plain", [] { return std::string(demo::plain); });
  f.get("/set", [](Session& s) { return demo::set(s); });
  f.get("/get", [](const Session& s) { return demo::get(s); });
  f.get("/clear", [](Session& s) { return demo::clear(s); });
  f.get("/add", [](Session& s) { return demo::add(s); });
  f.get("/n", [](const Session& s) { return demo::n(s); });
  f.get("/fail", [](Session& s) { demo::fail(s); });
  f.get("/status", [](const Context& c, Session& s) {
    return std::pair(demo::status(s, v(c)), "the handler's own");
  });
  f.get("/vary", [](Context& c, Session& s) {
    c.header("vary", "Accept").header("cache-control", "public, max-age=60");
    c.header("set-cookie", "own=1");
    return demo::set(s);
  });
  f.get("/flash", [](const Context& c, Session& s) { return demo::set_flash(s, v(c)); });
  f.get("/take", [](const Flash& flash) { return demo::take(flash); });
  f.get("/take_copy", [](const Flash& flash) { return demo::take(Flash(flash)); });
  f.get("/take_fail", [](const Flash& flash) { return std::pair(500, demo::take(flash)); });
  f.get("/take_throw", [](const Flash& flash) { demo::take_throw(flash); });
  f.get("/login", [](const Context& c, Session& s) { return demo::login(s, v(c)); });
  f.get("/logout", [](Session& s) { return demo::logout(s); });
  f.get("/owner", [](const Session& s) { return demo::owner(s); });
  f.get("/optional", [](const Session* s) { return demo::optional(s); });
  f.get("/optional_take", [](const Flash* flash) { return demo::optional_take(flash); });
}

}  // namespace

int main(int argc, char** argv) {
  demo::Demo demo(argc, argv);
  flame::Flame f({.address = demo.host() + ":0", .threads = 1});
  f.use(session::sessioner_on(demo.manager()));
  add_routes(f);
  f.get("/store/{name}",
        [&demo](const flame::Context& c) { return demo.control(c.param("name")); });
  f.run();
}
