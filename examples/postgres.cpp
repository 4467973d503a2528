#include <flame/flame.hpp>
#include <flame/session/postgres.hpp>
#include <flame/sessioner.hpp>

namespace session = flame::session;

// The server is the one that PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and PGSSLMODE name.
int main() {
  auto f = flame::classic();
  f.use(session::sessioner(
      {.store = session::postgres::store({.table = "sessions", .init_table = true})}));
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
