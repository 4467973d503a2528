#include <cstdlib>
#include <string>

#include <flame/flame.hpp>
#include <flame/session/mongo.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

std::string env(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value ? value : otherwise;
}

int main() {
  auto f = flame::classic();
  f.use(session::sessioner(
      {.store = session::mongo::store({.uri = env("MONGODB_URI", "mongodb://127.0.0.1:27017"),
                                       .database = env("MONGODB_DATABASE", "test"),
                                       .collection = "cache",
                                       .init_collection = true})}));
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
