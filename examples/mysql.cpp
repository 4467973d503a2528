#include <cstdlib>
#include <iostream>

#include <flame/flame.hpp>
#include <flame/session/mysql.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

std::string env(const char* name) {
  const char* value = std::getenv(name);
  if (!value) {
    std::cerr << "set " << name << ": see examples/README.md\n";
    std::exit(1);
  }
  return value;
}

int main() {
  const auto dsn = env("MYSQL_USER") + ":" + env("MYSQL_PASSWORD") + "@tcp(" + env("MYSQL_HOST") +
                   ":" + env("MYSQL_PORT") + ")/" + env("MYSQL_DATABASE") +
                   "?charset=utf8&parseTime=true";
  auto f = flame::classic();
  f.use(session::sessioner(
      {.store = session::mysql::store({.dsn = dsn, .table = "cache", .init_table = true})}));
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
