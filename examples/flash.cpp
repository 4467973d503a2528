#include <flame/flame.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

int main() {
  auto f = flame::classic();
  f.use(session::sessioner());
  f.get("/set", [](session::Session& s) {
    s.set_flash("This is a flash message");
    return "Succeed";
  });
  f.get("/get", [](const session::Flash& flash) {
    return flash.get<std::string>().value_or("No flash message");
  });
  f.run();
}
