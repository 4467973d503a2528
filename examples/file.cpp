#include <cstdlib>
#include <filesystem>

#include <flame/flame.hpp>
#include <flame/session/file.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

std::filesystem::path sessions_dir() {
  if (const char* dir = std::getenv("FLAME_SESSION_DIR")) return dir;
  return std::filesystem::temp_directory_path() / "sessions";
}

int main() {
  auto f = flame::classic();
  f.use(session::sessioner({.store = session::file::store({.root_dir = sessions_dir()})}));
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
