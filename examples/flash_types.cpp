#include <flame/flame.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

int main() {
  struct Flash {
    std::string success, error;
  };
  auto f = flame::classic();
  f.use(session::sessioner());
  f.get("/set-simple", [](session::Session& s) {
    s.set_flash("This is a flash message");
    return "Succeed";
  });
  f.get("/get-simple", [](const session::Flash& flash) {
    return flash.get<std::string>().value_or("No flash message");
  });
  f.get("/set-complex", [](session::Session& s) {
    s.set_flash(Flash{.success = "It worked!", .error = ""});
    return "Succeed";
  });
  f.get("/get-complex", [](const session::Flash& flash) -> std::string {
    auto message = flash.get<Flash>();
    if (!message) return "No flash message";
    return "Flash{.success=\"" + message->success + "\", .error=\"" + message->error + "\"}";
  });
  f.run();
}
