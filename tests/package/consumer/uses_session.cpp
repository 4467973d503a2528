#include <flame/session/manager.hpp>
#include <flame/session/session.hpp>

namespace session = flame::session;

int main() {
  session::Manager manager(session::Options{});
  if (!manager.open()) return 1;
  session::Session fresh;
  fresh.set("n", 1);
  return fresh.get<int>("n") == 1 ? 0 : 1;
}
