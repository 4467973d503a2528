#include <flame/flame.hpp>
#include <flame/sessioner.hpp>

int main() {
  auto f = flame::classic();
  f.use(flame::session::sessioner());
  f.get("/set", [](flame::session::Session& s) {
    s.set("user_id", 123);
    return "Succeed";
  });
}
