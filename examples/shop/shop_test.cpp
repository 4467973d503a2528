// Time and visitors are the test's own: no socket, and no waiting.
#include "shop.hpp"

#include <gtest/gtest.h>

#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/faulty_store.hpp>
#include <flame/test_client.hpp>

using namespace std::chrono_literals;

namespace {

class ShopTest : public testing::Test {
 protected:
  flame::session::test_support::FakeClock clock;
  const std::shared_ptr<flame::session::test_support::FaultyStore> store =
      std::make_shared<flame::session::test_support::FaultyStore>(flame::session::memory::store());
  flame::Flame shop = make_shop(store, {.clock = &clock});
  flame::TestClient client{shop};
  flame::TestVisitor visitor{client};

  std::string sign_in(const flame::TestClient::Fields& more = {}) {
    flame::TestClient::Fields form{{"user", "ann"}, {"password", "secret"}};
    form.insert(form.end(), more.begin(), more.end());
    return visitor.follow(visitor.post_form("/login", form)).body();
  }
  std::string page(std::string_view path) { return visitor.follow(visitor.get(path)).body(); }
};

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

TEST_F(ShopTest, TheAccountIsForThoseWhoAreSignedIn) {
  EXPECT_TRUE(has(page("/account"), "Please sign in first"));
  EXPECT_TRUE(has(sign_in(), "Welcome, ann"));
  EXPECT_TRUE(has(page("/account"), "Hello, ann"));
}

TEST_F(ShopTest, AWrongPasswordSignsNobodyIn) {
  const auto answer = visitor.post_form("/login", {{"user", "ann"}, {"password", "guess"}});
  EXPECT_TRUE(has(visitor.follow(answer).body(), "Name or password is wrong"));
  EXPECT_EQ("/login", visitor.get("/account").get("Location"));
}

TEST_F(ShopTest, WhoIsIdleIsSignedOut) {
  sign_in();
  clock.advance(29min);
  EXPECT_TRUE(has(page("/account"), "Hello, ann"));
  clock.advance(29min);
  EXPECT_TRUE(has(page("/account"), "Hello, ann"));
  clock.advance(31min);
  EXPECT_TRUE(has(page("/account"), "Please sign in first"));
}

TEST_F(ShopTest, WhoIsRememberedStaysForAMonth) {
  sign_in({{"remember", "on"}});
  clock.advance(24h * 29);
  EXPECT_TRUE(has(page("/account"), "Hello, ann"));
  clock.advance(24h * 2);
  EXPECT_TRUE(has(page("/account"), "Please sign in first"));
}

TEST_F(ShopTest, AMessageIsShownOnce) {
  const auto answer = visitor.post_form("/cart", {{"id", "cup"}});
  EXPECT_EQ(303, answer.status());
  EXPECT_TRUE(has(visitor.follow(answer).body(), "Cup &amp; saucer is in your cart"));
  EXPECT_FALSE(has(page("/cart"), "is in your cart"));
}

TEST_F(ShopTest, FormsOfOtherSitesAreRefused) {
  sign_in();
  const auto answer =
      visitor.post_form("/cart", {{"id", "tea"}}, {{"Sec-Fetch-Site", "cross-site"}});
  EXPECT_EQ(403, answer.status());
  EXPECT_EQ("[]", visitor.get("/api/cart").body());
}

TEST_F(ShopTest, WhatTwoRequestsAddAtOnceIsAllInTheCart) {
  visitor.post_form("/cart", {{"id", "tea"}});
  shop.use([&](const flame::Context& c, const flame::session::Session&) {
    // Its session is loaded, and its own changes are still to come.
    if (!c.request().field("Meanwhile").empty()) visitor.post_form("/cart", {{"id", "cup"}});
  });
  flame::TestClient slow_client(shop);
  flame::TestVisitor slow(slow_client);
  slow.set_cookie("__Host-session=" + visitor.cookie("__Host-session").value() +
                  "; Path=/; Secure");
  slow.post_form("/cart", {{"id", "tea"}}, {{"Meanwhile", "the same visitor takes a cup"}});
  EXPECT_EQ(R"([{"id":"tea","quantity":2},{"id":"cup","quantity":1}])",
            visitor.get("/api/cart").body());
}

TEST_F(ShopTest, ScriptsHaveTheCartAsJson) {
  const flame::TestClient::Fields fields{{"Content-Type", "application/json"}};
  const auto added = visitor.post("/api/cart", R"({"id": "tea", "quantity": 2})", fields);
  EXPECT_EQ(201, added.status());
  EXPECT_EQ(R"([{"id":"tea","quantity":2}])", added.body());
  for (const auto* wrong : {R"({"id": "coffee", "quantity": 1})", R"({"id": "tea"})",
                            R"({"id": "tea", "quantity": 0})", R"({"id": "tea", "quantity": "1"})"})
    EXPECT_EQ(422, visitor.post("/api/cart", wrong, fields).status()) << wrong;
  EXPECT_EQ(added.body(), visitor.get("/api/cart").body());
}

TEST_F(ShopTest, AVisitorsCartStaysAtTheLoginAndGoesAtTheLogout) {
  visitor.post_form("/cart", {{"id", "tea"}});
  const auto before = visitor.cookie("__Host-session");
  sign_in();
  EXPECT_NE(before, visitor.cookie("__Host-session"));
  EXPECT_TRUE(has(page("/cart"), "6.90"));
  visitor.post_form("/account/logout", {});
  EXPECT_EQ("[]", visitor.get("/api/cart").body());
}

TEST_F(ShopTest, SigningOutEverywhereEndsOtherBrowsersToo) {
  sign_in();
  flame::TestVisitor other(client);
  other.post_form("/login", {{"user", "ann"}, {"password", "secret"}});
  EXPECT_EQ(200, other.get("/account").status());
  const auto answer = visitor.post_form("/account/logout-everywhere", {});
  EXPECT_TRUE(has(visitor.follow(answer).body(), "You are signed out"));
  EXPECT_EQ("/login", visitor.get("/account").get("Location"));
  EXPECT_EQ("/login", other.get("/account").get("Location"));
}

TEST_F(ShopTest, NobodyIsToldToBeSignedOutWhereTheStoreFails) {
  sign_in();
  store->next(flame::session::Verb::erase, flame::session::Outcome::refused);
  flame::TestVisitor other(client);
  other.post_form("/login", {{"user", "ann"}, {"password", "secret"}});
  const auto answer = visitor.post_form("/account/logout-everywhere", {});
  EXPECT_EQ(503, answer.status());
  EXPECT_EQ("1", answer.get("Retry-After"));
  EXPECT_TRUE(has(page("/account"), "Hello, ann"));
}

TEST_F(ShopTest, PagesAreCounted) {
  page("/");
  EXPECT_TRUE(has(page("/"), "<b id=\"visits\">2</b>"));
}

}  // namespace
