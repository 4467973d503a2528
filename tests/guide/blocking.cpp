/// docs/guide/blocking.md.
#include <gtest/gtest.h>

#include <string>

#include <flame/flame.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

using namespace std::chrono_literals;
namespace session = flame::session;

namespace {

std::string slow_report(const std::string& user) { return "Report of " + user; }

void add_routes(flame::Flame& f) {
  //! [blocking]
  f.get("/report", flame::blocking([](const session::Session& s) {
          return slow_report(std::string(s.owner()));  // a driver that waits, a file, a computation
        }));
  //! [blocking]
  //! [sleep]
  f.get("/later", [](flame::Context& c, session::Session& s) -> flame::Task<std::string> {
    s.set("asked", true);
    co_await flame::sleep_for(c, 20ms);  // the thread serves others meanwhile
    co_return "Here you are";
  });
  //! [sleep]
}

TEST(GuideBlocking, AnswersWithItsSession) {
  flame::Flame f;
  f.use(session::sessioner());
  f.get("/login", [](session::Session& s) { s.set_owner("ann"); });
  f.get("/asked",
        [](const session::Session& s) { return s.get_or("asked", false) ? "yes" : "no"; });
  add_routes(f);
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  ann.get("/login");
  EXPECT_EQ(ann.get("/report").body(), "Report of ann");
  EXPECT_EQ(ann.get("/later").body(), "Here you are");
  EXPECT_EQ(ann.get("/asked").body(), "yes");
}

}  // namespace
