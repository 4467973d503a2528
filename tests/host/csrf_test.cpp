#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <flame/csrf.hpp>
#include <flame/flame.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/forwarding.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using test::error_of;

using session::Session;
using Fields = TestClient::Fields;

/// The memory store; counts what reaches it.
class Counting final : public session::Store {
 public:
  std::unique_ptr<session::StoreConnection> make_connection() override {
    return std::make_unique<Connection>(*this, store_->make_connection());
  }
  session::StoreTraits traits() const noexcept override { return store_->traits(); }

  std::atomic<int> loads{0}, writes{0};
  std::atomic<bool> fails{false};

 private:
  class Connection final : public session::test_support::Forwarding {
   public:
    Connection(Counting& store, std::unique_ptr<session::StoreConnection> inner)
        : Forwarding(std::move(inner)), store_(store) {}
    void run(std::span<session::StoreOp> batch, const session::Call& call) override {
      ++(batch.front().verb == session::Verb::load ? store_.loads : store_.writes);
      if (store_.fails) {
        throw session::StoreError(session::StoreError::Kind::connection_lost, "switched off");
      }
      inner().run(batch, call);
    }

   private:
    Counting& store_;
  };

  session::StorePtr store_ = session::memory::store();
};

const Fields own_page{{"Sec-Fetch-Site", "same-origin"}};
const Fields other_page{{"Sec-Fetch-Site", "cross-site"}};

Fields operator+(Fields a, const Fields& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Csrf : public testing::Test {
 protected:
  Csrf() {
    session::Options options;
    options.store = store;
    options.on_event = [](const session::Event&) {};
    f.use(session::sessioner(options));
    testing::internal::CaptureStderr();
  }
  ~Csrf() override { static_cast<void>(log()); }

  void add_routes() {
    f.get("/plain", [] { return "plain"; });
    f.post("/plain", [] { return "posted"; });
    f.get("/begin", [](Session& s) { s.set("n", 1); });
    f.get("/form", [](Session& s) { return session::csrf_field(s); });
    f.post("/form", [](const Session& s) { return std::to_string(s.get_or<int>("n", 0)); });
    f.post("/login", [](Session& s) {
      s.set_owner("alice");
      return session::csrf_field(s);
    });
  }

  std::string log() {
    if (!captures) return {};
    captures = false;
    return testing::internal::GetCapturedStderr();
  }

  /// A visitor with a session: its cookie, and the token of the form it was shown.
  std::pair<Fields, std::string> visitor(TestClient& client) {
    const auto begun = client.get("/begin");
    const auto set = std::string(begun.get("Set-Cookie"));
    Fields cookie{{"Cookie", set.substr(0, set.find(';'))}};
    const auto shown = client.get("/form", cookie).body();
    const std::string before = R"(<input type="hidden" name="csrf_token" value=")";
    EXPECT_EQ(shown.substr(0, before.size()), before);
    EXPECT_EQ(shown.size(), before.size() + 22 + 2);
    return {cookie, shown.substr(before.size(), 22)};
  }

  std::shared_ptr<Counting> store = std::make_shared<Counting>();
  Flame f{};
  bool captures = true;
};

constexpr auto form_type = "application/x-www-form-urlencoded";
Fields form() { return {{"Content-Type", form_type}}; }

TEST_F(Csrf, WhatOtherPagesSendIsRefused) {
  f.use(session::csrf());
  add_routes();
  f.any("/any", [] { return "any"; });
  TestClient client(f);
  EXPECT_EQ(client.post("/plain", "", own_page).body(), "posted");
  const auto refused = client.post("/plain", "", other_page);
  EXPECT_EQ(refused.status(), 403);
  EXPECT_EQ(refused.get("Cache-Control"), "no-store");
  EXPECT_EQ(
      refused.body(),
      "This request was refused: the browser says that a page of another site has sent it.\n");
  EXPECT_EQ(
      client.post("/plain", "", {{"Host", "a.example"}, {"Origin", "http://b.example"}}).status(),
      403);
  for (const char* method : {"PUT", "PATCH", "DELETE", "PROPFIND", "post", "get"})
    EXPECT_EQ(client.request(method, "/any", other_page).status(), 403) << method;
  for (const char* method : {"GET", "HEAD", "OPTIONS"})
    EXPECT_EQ(client.request(method, "/any", other_page).status(), 200) << method;
  EXPECT_EQ(client.post("/nowhere", "", other_page).status(), 403);
}

TEST_F(Csrf, ARefusalLeavesALineThatNamesNoSecret) {
  f.use(session::csrf());
  add_routes();
  TestClient client(f);
  const auto [cookie, token] = visitor(client);
  EXPECT_EQ(client.post("/form?q=1", "", cookie).status(), 403);
  EXPECT_EQ(
      client.post("/form", "", cookie + other_page + Fields{{"Origin", "https://b\x1b.example"}})
          .status(),
      403);
  EXPECT_EQ(client.post("/form", "", cookie + Fields{{"X-CSRF-Token", "not it"}}).status(), 403);
  const std::string untold =
      "flame: POST /form: refused (CSRF): neither Sec-Fetch-Site nor Origin, and not its session's "
      "token\n";
  EXPECT_EQ(log(), untold +
                       "flame: POST /form: refused (CSRF): sent by a page of another site, "
                       "Sec-Fetch-Site: cross-site, Origin: https://b\\x1b.example\n" +
                       untold);
}

TEST_F(Csrf, WhereTheBrowserSaysNothingTheTokenDecides) {
  f.use(session::csrf());
  add_routes();
  TestClient client(f);
  const auto [cookie, token] = visitor(client);
  EXPECT_EQ(client.post("/form", "csrf_token=" + token, cookie + form()).body(), "1");
  EXPECT_EQ(client.post("/form", "a=b&csrf_token=" + token + "&c=d", cookie + form()).body(), "1");
  EXPECT_EQ(client.post("/form", "", cookie + Fields{{"X-CSRF-Token", token}}).body(), "1");
  EXPECT_EQ(client.post("/form", "{}", cookie + Fields{{"x-csrf-token", token}}).body(), "1");

  auto wrong = token;
  wrong.front() = wrong.front() == 'A' ? 'B' : 'A';
  for (const auto& each : {wrong, token.substr(1), token + "A", std::string(), std::string("A")}) {
    EXPECT_EQ(client.post("/form", "csrf_token=" + each, cookie + form()).status(), 403) << each;
    EXPECT_EQ(client.post("/form", "", cookie + Fields{{"X-CSRF-Token", each}}).status(), 403);
  }
  const auto none = client.post("/form", "", cookie);
  EXPECT_EQ(none.status(), 403);
  EXPECT_EQ(none.body(),
            "This request was refused: it has neither Sec-Fetch-Site nor Origin, and does not "
            "bring its session's token, in the form field csrf_token or the header "
            "X-CSRF-Token.\n");
  EXPECT_EQ(none.get("Cache-Control"), "no-store");
  EXPECT_EQ(client.post("/form?csrf_token=" + token, "", cookie).status(), 403)
      << "what stands in a URL is seen by others";
  const auto [other_cookie, other_token] = visitor(client);
  EXPECT_EQ(client.post("/form", "csrf_token=" + other_token, cookie + form()).status(), 403);
}

TEST_F(Csrf, ASessionWithoutATokenHasNoneThatIsRight) {
  f.use(session::csrf());
  add_routes();
  TestClient client(f);
  const auto set = std::string(client.get("/begin").get("Set-Cookie"));
  const Fields cookie{{"Cookie", set.substr(0, set.find(';'))}};
  store->writes = 0;
  EXPECT_EQ(client.post("/form", "", cookie).status(), 403);
  EXPECT_EQ(client.post("/form", "csrf_token=", cookie + form()).status(), 403);
  EXPECT_EQ(store->writes, 0) << "and gets none by being asked";
}

TEST_F(Csrf, TheBrowsersWordNeedsNoTokenAndNoTokenOverrulesIt) {
  f.use(session::csrf());
  add_routes();
  TestClient client(f);
  const auto [cookie, token] = visitor(client);
  EXPECT_EQ(client.post("/form", "", cookie + own_page).body(), "1");
  EXPECT_EQ(client.post("/form", "csrf_token=of+an+old+page", cookie + own_page + form()).body(),
            "1");
  EXPECT_EQ(client.post("/form", "csrf_token=" + token, cookie + other_page + form()).status(),
            403);
}

TEST_F(Csrf, AFirstFormNeedsNoSessionAndBeginsNone) {
  f.use(session::csrf());
  add_routes();
  TestClient client(f);
  const auto shown = client.get("/form");
  EXPECT_EQ(shown.body(), "");
  EXPECT_EQ(shown.get("Set-Cookie"), "");
  EXPECT_EQ(client.post("/login", "", other_page).status(), 403) << "a login that others send";
  EXPECT_EQ(client.post("/login", "", Fields{{"Host", "h"}, {"Origin", "null"}}).status(), 403);
  EXPECT_EQ(store->loads + store->writes, 0);
  EXPECT_NE(client.post("/login", "", own_page).get("Set-Cookie"), "");
  EXPECT_NE(client.post("/login", "").get("Set-Cookie"), "") << "from no browser";
  EXPECT_EQ(store->loads, 0);
}

TEST_F(Csrf, AFormOnThePageThatBeginsTheSessionBringsItsToken) {
  f.use(session::csrf());
  f.get("/page", [](Session& s) {
    s.update("n", 0, [](int n) { return n + 1; });
    return session::csrf_field(s);
  });
  f.post("/page", [] { return "posted"; });
  TestClient client(f);
  const auto page = client.get("/page");
  const auto set = std::string(page.get("Set-Cookie"));
  ASSERT_NE(page.body(), "");
  const auto token = page.body().substr(page.body().rfind("value=") + 7, 22);
  const Fields cookie{{"Cookie", set.substr(0, set.find(';'))}};
  EXPECT_EQ(client.post("/page", "", cookie).status(), 403);
  EXPECT_EQ(client.post("/page", "csrf_token=" + token, cookie + form()).body(), "posted");
}

TEST_F(Csrf, AnEndedSessionIsNone) {
  f.use(session::csrf());
  add_routes();
  f.get("/end", [](Session& s) { s.destroy(); });
  TestClient client(f);
  const auto [cookie, token] = visitor(client);
  client.get("/end", cookie);
  EXPECT_EQ(client.post("/form", "", cookie).body(), "0");
}

TEST_F(Csrf, LoadsNothingButForATokenThatIsNeeded) {
  f.use(session::csrf());
  add_routes();
  TestClient client(f);
  const auto [cookie, token] = visitor(client);
  store->loads = store->writes = 0;
  EXPECT_EQ(client.get("/plain", cookie).body(), "plain");
  EXPECT_EQ(client.get("/plain", cookie + other_page).get("Cache-Control"), "");
  EXPECT_EQ(client.post("/plain", "", cookie + own_page).body(), "posted");
  EXPECT_EQ(client.post("/plain", "", cookie + other_page).status(), 403);
  EXPECT_EQ(store->loads, 0);
  EXPECT_EQ(client.post("/plain", "csrf_token=" + token, cookie + form()).body(), "posted");
  EXPECT_EQ(store->loads, 1);
  EXPECT_EQ(store->writes, 0);
  client.post("/form", "", cookie + own_page);
  EXPECT_EQ(store->loads, 2) << "by the handler alone";
}

TEST_F(Csrf, A503WhereTheSessionCannotBeLoaded) {
  f.use(session::csrf());
  add_routes();
  TestClient client(f);
  const auto [cookie, token] = visitor(client);
  store->fails = true;
  const auto down = client.post("/plain", "csrf_token=" + token, cookie + form());
  EXPECT_EQ(down.status(), 503);
  EXPECT_EQ(down.body(), "Service Unavailable\n") << "and no handler ran";
  EXPECT_EQ(down.get("Retry-After"), "1");
  EXPECT_EQ(client.post("/plain", "", cookie + own_page).body(), "posted");
}

TEST_F(Csrf, OnOneRoute) {
  add_routes();
  f.post("/guarded", session::csrf(), [] { return "posted"; });
  TestClient client(f);
  EXPECT_EQ(client.post("/plain", "", other_page).body(), "posted");
  EXPECT_EQ(client.post("/guarded", "", other_page).status(), 403);
  EXPECT_EQ(client.post("/guarded", "", own_page).body(), "posted");
}

TEST_F(Csrf, OtherOriginsMayBeAllowed) {
  f.use(session::csrf({.allowed_origins = {"https://admin.example.com"}}));
  add_routes();
  TestClient client(f);
  const Fields admin{{"Origin", "https://admin.example.com"}}, shop{{"Origin", "https://shop.com"}};
  EXPECT_EQ(client.post("/plain", "", other_page + admin).body(), "posted");
  EXPECT_EQ(client.post("/plain", "", other_page + shop).status(), 403);
}

TEST_F(Csrf, WrongOriginsAreToldAtStart) {
  f.use(
      session::csrf({.allowed_origins = {"https://a.example", "b.example", "https://c.example/"}}));
  add_routes();
  const std::string after =
      "`, which no browser sends as an origin: give scheme and host in small letters, and a port "
      "only where it is not the scheme's own, such as https://admin.example.com";
  EXPECT_EQ(error_of(f), "csrf: allowed_origins has `b.example" + after +
                             "\ncsrf: allowed_origins has `https://c.example/" + after);
}

TEST(CsrfAtStart, NeedsTheSessionerBeforeIt) {
  Flame none;
  none.use(session::csrf());
  EXPECT_EQ(error_of(none),
            "f.use(...) asks for `const flame::session::TokenCheck&`, which nothing provides: add "
            "f.use(flame::session::sessioner())");
  Flame late;
  late.use(session::csrf());
  late.use(session::sessioner());
  EXPECT_EQ(error_of(late),
            "f.use(...) asks for `const flame::session::TokenCheck&`, which nothing before it "
            "provides: put f.use(flame::session::sessioner()) before it");
}

}  // namespace
}  // namespace flame
