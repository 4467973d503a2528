/// docs/guide/timeouts.md, by a clock that the tests move.
#include <gtest/gtest.h>

#include <string>

#include <flame/flame.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

using namespace std::chrono_literals;
namespace session = flame::session;

namespace {

//! [options]
session::Options options() {
  return {.idle_timeout = 30min, .absolute_timeout = 12h, .longest_login = 90 * 24h};
}
//! [options]

//! [remember]
void begin_session(flame::Context& c, session::Session& s, const std::string& user) {
  session::Login login{.label = "Firefox on Windows"};
  if (c.form("remember")) {
    login.persistent = true;  // the cookie outlives the browser
    login.absolute = 30 * 24h;
  }
  s.set_owner(user, login);
}
//! [remember]

class GuideTimeouts : public testing::Test {
 protected:
  GuideTimeouts() {
    f.use(session::sessioner(options(), {.clock = &clock}));
    f.post("/login", [](flame::Context& c, session::Session& s) { begin_session(c, s, "ann"); });
    f.get("/", [](const session::Session& s) { return std::string(s.owner()); });
  }
  session::test_support::FakeClock clock{};
  flame::Flame f{};
};

TEST_F(GuideTimeouts, IdleEndsIt) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  const auto answer = ann.post_form("/login", {});
  EXPECT_EQ(answer.get("Set-Cookie").find("Max-Age"), std::string_view::npos);
  clock.advance(28min);
  EXPECT_EQ(ann.get("/").body(), "ann");
  clock.advance(28min);
  EXPECT_EQ(ann.get("/").body(), "ann");
  clock.advance(30min);
  EXPECT_EQ(ann.get("/").body(), "");
}

TEST_F(GuideTimeouts, SoDoesTheAbsoluteOne) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  ann.post_form("/login", {});
  for (int i = 0; i < 35; ++i) {
    clock.advance(20min);
    ASSERT_EQ(ann.get("/").body(), "ann") << i;
  }
  clock.advance(20min);
  EXPECT_EQ(ann.get("/").body(), "");
}

TEST_F(GuideTimeouts, WhoIsRememberedStays) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  const auto answer = ann.post_form("/login", {{"remember", "on"}});
  EXPECT_NE(answer.get("Set-Cookie").find("Max-Age=2592000"), std::string_view::npos);
  clock.advance(29 * 24h);
  EXPECT_EQ(ann.get("/").body(), "ann");
  clock.advance(24h);
  EXPECT_EQ(ann.get("/").body(), "");
}

TEST_F(GuideTimeouts, ALoginAsksForNoMoreThanTheLongest) {
  f.post("/forever", [](session::Session& s) { s.set_owner("ann", {.absolute = 400 * 24h}); });
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  EXPECT_EQ(ann.post("/forever", "").status(), 500);
}

}  // namespace
