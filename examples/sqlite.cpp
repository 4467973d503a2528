#include <cstdlib>
#include <filesystem>

#include <flame/flame.hpp>
#include <flame/session/sqlite.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

std::filesystem::path sessions_db() {
  if (const char* file = std::getenv("FLAME_SESSION_DB")) return file;
  return "sessions.db";
}

int main() {
  auto f = flame::classic();
  f.use(session::sessioner(
      {.store = session::sqlite::store({.path = sessions_db(), .init_table = true})}));
  f.get("/set", [](session::Session& s) {
    s.set("user_id", 123);
    return "Succeed";
  });
  f.get("/get", [](const session::Session& s) -> std::string {
    auto user_id = s.get<int>("user_id");
    if (!user_id || *user_id <= 0) return "Not authenticated";
    return "Authenticated as " + std::to_string(*user_id);
  });
  f.get("/clear", [](session::Session& s) {
    s.erase("user_id");
    return "Cleared";
  });
  f.run();
}
