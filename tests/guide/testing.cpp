/// docs/guide/testing.md: these are the tests that it shows.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <flame/flame.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/faulty_store.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

using namespace std::chrono_literals;
namespace session = flame::session;

namespace {

//! [service]
void add_to_cart(flame::Context& c, session::Session& s) {
  s.update("items", 0, [](int n) { return n + 1; });
  s.set_flash("Added " + c.form("item").value_or("nothing"));
  c.redirect("/cart");
}

std::string cart(const session::Session& s, const session::Flash& flash) {
  return flash.get<std::string>().value_or("-") + ", " + std::to_string(s.get_or("items", 0));
}

flame::Flame shop(session::Options options = {}, session::Environment environment = {}) {
  flame::Flame f;
  f.use(session::sessioner(std::move(options), environment));
  f.post("/cart", add_to_cart);
  f.get("/cart", cart);
  return f;
}
//! [service]

//! [visitor]
TEST(Shop, ShowsWhatWasAdded) {
  auto f = shop();
  flame::TestClient client(f);
  flame::TestVisitor ann(client), bob(client);  // a browser each, with cookies of its own
  const auto answer = ann.post_form("/cart", {{"item", "tea"}});
  EXPECT_EQ(answer.status(), 303);
  EXPECT_EQ(ann.follow(answer).body(), "Added tea, 1");
  EXPECT_EQ(ann.get("/cart").body(), "-, 1");
  EXPECT_EQ(bob.get("/cart").body(), "-, 0");
}
//! [visitor]

//! [clock]
TEST(Shop, ForgetsACartAfterHalfAnHour) {
  session::test_support::FakeClock clock;
  auto f = shop({.idle_timeout = 30min}, {.clock = &clock});
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  ann.post_form("/cart", {{"item", "tea"}});
  clock.advance(29min);
  EXPECT_EQ(ann.get("/cart").body(), "Added tea, 1");
  clock.advance(31min);
  EXPECT_EQ(ann.get("/cart").body(), "-, 0");
}
//! [clock]

//! [down]
TEST(Shop, SaysSoWhereNothingCanBeSaved) {
  const auto store = std::make_shared<session::test_support::FaultyStore>(session::memory::store());
  auto f = shop({.store = store});
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  store->next(session::Verb::create, session::Outcome::refused);
  EXPECT_EQ(ann.post_form("/cart", {{"item", "tea"}}).status(), 503);
  EXPECT_EQ(ann.cookie("__Host-session"), std::nullopt);
  EXPECT_EQ(ann.post_form("/cart", {{"item", "tea"}}).status(), 303) << "it is over";
}
//! [down]

//! [alone]
TEST(Cart, IsEmptyAtFirst) {
  session::Session s;  // of no store: for calls of a handler's function
  EXPECT_EQ(cart(s, {}), "-, 0");
  s.set("items", 2);
  EXPECT_EQ(cart(s, session::Flash("Hello")), "Hello, 2");
}
//! [alone]

}  // namespace
