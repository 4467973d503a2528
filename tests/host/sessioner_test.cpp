#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <flame/flame.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/forwarding.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

#include "host/access.hpp"
#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using session::Flash;
using session::Manager;
using session::Session;

/// The memory store with a switch, and a count of the batches that reached it.
class Switched final : public session::Store {
 public:
  std::unique_ptr<session::StoreConnection> make_connection() override {
    return std::make_unique<Connection>(*this, store_->make_connection());
  }
  session::StoreTraits traits() const noexcept override { return store_->traits(); }

  std::atomic<bool> loads_fail{false}, writes_fail{false};
  std::atomic<int> batches{0};

 private:
  class Connection final : public session::test_support::Forwarding {
   public:
    Connection(Switched& store, std::unique_ptr<session::StoreConnection> inner)
        : Forwarding(std::move(inner)), store_(store) {}
    void run(std::span<session::StoreOp> batch, const session::Call& call) override {
      ++store_.batches;
      const bool write = batch.front().verb != session::Verb::load;
      if (write ? store_.writes_fail : store_.loads_fail) {
        throw session::StoreError(session::StoreError::Kind::connection_lost, "switched off");
      }
      inner().run(batch, call);
    }

   private:
    Switched& store_;
  };

  session::StorePtr store_ = session::memory::store();
};

session::Options options(session::StorePtr store = {}) {
  session::Options made;
  made.store = std::move(store);
  made.on_event = [](const session::Event&) {};
  return made;
}

void add_routes(Flame& f) {
  f.get("/plain", [] { return "plain"; });
  f.get("/set", [](Session& s) {
    s.set("user_id", 123);
    return "Succeed";
  });
  f.get("/get", [](const Session& s) { return std::to_string(s.get_or<int>("user_id", 0)); });
  f.get("/optional", [](const Session* s) { return s == nullptr ? "none" : "some"; });
  f.get("/flash", [](Session& s) { s.set_flash(std::string("message")); });
  f.get("/take", [](const Flash& flash) { return flash.get<std::string>().value_or("-"); });
  f.get("/take-fails", [](const Flash&) { return Response(500); });
  f.get("/fail", [](Session& s) -> std::string {
    s.set("user_id", 666);
    throw std::runtime_error("failing");
  });
  f.get("/fail-500", [](Session& s) {
    s.set("user_id", 666);
    return Response(500, "mine");
  });
}

/// The Cookie field for what a response set.
TestClient::Fields cookie(const Response& response) {
  const auto set = std::string(response.get("Set-Cookie"));
  return {{"Cookie", set.substr(0, set.find(';'))}};
}

class SessionerTest : public testing::Test {
 protected:
  SessionerTest() {
    f.use(session::sessioner(options(store)));
    add_routes(f);
  }
  Flame f{};
  std::shared_ptr<Switched> store = std::make_shared<Switched>();
};

TEST(Sessioner, OnePublicAddressTurnsNobodyElseAway) {
  session::test_support::FakeClock clock;  // stands still: no second passes
  auto made = options();
  made.max_created_per_second = 50;
  Manager manager(made, session::Environment{.clock = &clock});
  ASSERT_TRUE(manager.open());
  std::string peer;
  Flame f{};
  f.use([&peer](Context& c) { RequestAccess::set_peer(ContextAccess::request(c), peer); });
  f.use(session::sessioner_on(manager));
  add_routes(f);
  TestClient client(f);
  const auto begun = [&](const char* from, int tries) {
    peer = from;
    int out = 0;
    for (int i = 0; i < tries; ++i) out += client.get("/set").status() == 200 ? 1 : 0;
    return out;
  };
  EXPECT_EQ(begun("203.0.113.7", 20), 5);
  EXPECT_EQ(begun("10.0.0.1", 20), 20) << "a proxy, perhaps, that brings all visitors";
}

TEST_F(SessionerTest, KeepsWhatAHandlerSets) {
  TestClient client(f);
  const auto set = client.get("/set");
  EXPECT_EQ(set.body(), "Succeed");
  EXPECT_EQ(set.get("Cache-Control"), "no-store");
  EXPECT_EQ(set.get("Vary"), "Cookie");
  const auto jar = cookie(set);
  EXPECT_EQ(client.get("/get", jar).body(), "123");
  EXPECT_TRUE(client.get("/get", jar).get("Set-Cookie").empty());
  EXPECT_EQ(client.get("/get").body(), "0");
}

TEST_F(SessionerTest, RoutesWithoutASessionTouchNoStore) {
  TestClient client(f);
  const auto jar = cookie(client.get("/set"));
  const int before = store->batches;
  EXPECT_TRUE(client.get("/plain", jar).fields().size() == 1);  // Content-Type
  client.get("/nowhere", jar);
  EXPECT_EQ(store->batches, before);
  client.get("/get", jar);
  EXPECT_EQ(store->batches, before + 1);
  client.get("/get");
  EXPECT_EQ(store->batches, before + 1);
}

TEST_F(SessionerTest, FlashIsTakenOnceButNeverByHeadOrPrefetch) {
  TestClient client(f);
  const auto jar = cookie(client.get("/flash"));
  client.request("HEAD", "/take", jar);
  auto prefetch = jar;
  prefetch.emplace_back("Sec-Purpose", "prefetch;prerender");
  EXPECT_EQ(client.get("/take", prefetch).body(), "-");
  EXPECT_EQ(client.get("/take-fails", jar).status(), 500);  // puts it back
  EXPECT_EQ(client.get("/take", jar).body(), "message");
  EXPECT_EQ(client.get("/take", jar).body(), "-");
}

TEST_F(SessionerTest, AFailedHandlerSavesNothing) {
  TestClient client(f);
  const auto jar = cookie(client.get("/set"));
  const auto thrown = client.get("/fail", jar);
  EXPECT_EQ(thrown.status(), 500);
  EXPECT_EQ(thrown.body(), "Internal Server Error\n");
  EXPECT_EQ(thrown.get("Cache-Control"), "no-store");
  EXPECT_EQ(client.get("/fail-500", jar).body(), "mine");
  EXPECT_EQ(client.get("/get", jar).body(), "123");
  EXPECT_TRUE(client.get("/fail").get("Set-Cookie").empty());
}

TEST_F(SessionerTest, AStoreThatCannotSaveIsA503WithoutACookie) {
  TestClient client(f);
  store->writes_fail = true;
  const auto response = client.get("/set");
  EXPECT_EQ(response.status(), 503);
  EXPECT_EQ(response.get("Retry-After"), "1");
  EXPECT_TRUE(response.get("Set-Cookie").empty());
  EXPECT_EQ(response.body(), "Service Unavailable\n");
}

TEST_F(SessionerTest, AStoreThatIsDownHitsOnlyThoseWhoNeedIt) {
  TestClient client(f);
  const auto jar = cookie(client.get("/set"));
  EXPECT_EQ(client.get("/optional", jar).body(), "some");
  store->loads_fail = store->writes_fail = true;
  EXPECT_EQ(client.get("/plain", jar).body(), "plain");
  EXPECT_EQ(client.get("/optional", jar).body(), "none");
  EXPECT_EQ(client.get("/get", jar).status(), 503);
  EXPECT_EQ(client.get("/get", jar).get("Retry-After"), "1");
}

TEST(Sessioner, OnAManagerOfTheApplication) {
  Manager manager(options());
  ASSERT_TRUE(manager.open());
  Flame f(test::local());
  f.use(session::sessioner_on(manager));
  add_routes(f);
  f.get("/manager", [&](Manager& m) { return &m == &manager ? "same" : "other"; });
  std::string sent;
  {
    TestClient client(f);
    EXPECT_EQ(client.get("/manager").body(), "same");
    sent = cookie(client.get("/set"))[0].second;
  }
  ASSERT_TRUE(f.start());  // the session is the manager's, not the host's
  test::Wire wire(f.address());
  wire.send("GET /get HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\nCookie: " + sent + "\r\n\r\n");
  EXPECT_EQ(test::body_of(wire.read_response()), "123");
}

TEST(Sessioner, IdsInAHeader) {
  auto with_header = options();
  with_header.id_header = "X-Session";
  Flame f;
  f.use(session::sessioner(with_header));
  add_routes(f);
  TestClient client(f);
  const auto set = client.get("/set");
  const TestClient::Fields sent{{"x-session", std::string(set.get("X-Session"))}};
  EXPECT_EQ(client.get("/get", sent).body(), "123");
}

TEST_F(SessionerTest, FlashIsNotTakenByWhatShowsNoText) {
  f.use([](const Flash&) {});
  TestClient client(f);
  const auto jar = cookie(client.get("/flash"));
  EXPECT_EQ(client.get("/nowhere", jar).status(), 404);
  EXPECT_EQ(client.request("POST", "/take", jar).status(), 405);
  const TestClient::Fields shown_by_none{{"Sec-Purpose", "Prefetch"},  {"Purpose", "PREVIEW"},
                                         {"X-Moz", "PreFetch"},        {"Sec-Fetch-Dest", "image"},
                                         {"Sec-Fetch-Dest", "script"}, {"sec-fetch-dest", "style"},
                                         {"Sec-Fetch-Dest", "Font"}};
  for (const auto& field : shown_by_none) {
    auto fields = jar;
    fields.push_back(field);
    EXPECT_EQ(client.get("/take", fields).body(), "-") << field.first << ": " << field.second;
  }
  auto page = jar;
  page.emplace_back("Sec-Fetch-Dest", "document");
  EXPECT_EQ(client.get("/take", page).body(), "message");
}

TEST(Sessioner, OneInTwoHostsIsOne) {
  const auto sessions = session::sessioner(options());
  Flame visible(test::local()), admin(test::local());
  for (auto* f : {&visible, &admin}) {
    f->use(sessions);
    add_routes(*f);
  }
  const auto ask = [](const std::string& address, const std::string& path, std::string cookies) {
    test::Wire wire(address);
    wire.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + cookies + "Connection: close\r\n\r\n");
    return wire.read_all();
  };
  ASSERT_TRUE(visible.start());
  const auto set = ask(visible.address(), "/set", "");
  const auto at = set.find("Set-Cookie: ") + 12;
  const auto jar = "Cookie: " + set.substr(at, set.find(';', at) - at) + "\r\n";
  ASSERT_TRUE(admin.start());
  EXPECT_EQ(test::body_of(ask(visible.address(), "/get", jar)), "123");
  EXPECT_EQ(test::body_of(ask(admin.address(), "/get", jar)), "123");
  admin.stop();
  EXPECT_EQ(test::body_of(ask(visible.address(), "/get", jar)), "123");
}

TEST(Sessioner, TwoOfOneCookieAreRefusedAtStart) {
  Flame f(test::local());
  auto second = options();
  f.use(session::sessioner(options()), session::sessioner(second));
  f.get("/", [](Session&) {});
  const auto started = f.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(
      started.error().text,
      "two middlewares of one host have the cookie __Host-session of path /: give one of them "
      "another cookie.name or cookie.path, or f.use(...) one for all");
  second.cookie.name = "other";
  Flame good(test::local());
  good.use(session::sessioner(options()), session::sessioner(second));
  good.get("/", [](Session&) {});
  EXPECT_TRUE(good.start());
}

TEST_F(SessionerTest, ACommitThatFailsSaysWhyOnStderr) {
  f.get("/update", [](Session& s) {
    s.update<int>(
        "n", 0, [](int, int) -> int { throw std::runtime_error("unlucky"); }, 1);
  });
  TestClient client(f);
  store->writes_fail = true;
  for (const auto& [path, begins] :
       {std::pair("/set", "flame: GET /set: the session was not saved: "),
        std::pair("/update", "flame: GET /update: the session was not saved: ")}) {
    testing::internal::CaptureStderr();
    EXPECT_GE(client.get(path).status(), 500);
    const auto said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(said.find(begins), 0U) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  }
}

TEST(Sessioner, WhatIsWrongIsSaidAtStart) {
  auto wrong = options();
  wrong.cookie.name = "a b";
  Flame f(test::local());
  f.use(session::sessioner(wrong));
  f.get("/", [](Session&) {});
  const auto started = f.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text.find('\n'), std::string::npos);
  EXPECT_NE(started.error().text.find("a b"), std::string::npos) << started.error().text;

  Flame none(test::local());
  none.get("/x", [](Session&) {});
  EXPECT_EQ(none.start().error().text,
            "GET /x asks for `flame::session::Session&`, which nothing provides: add "
            "f.use(flame::session::sessioner())");
  Flame other(test::local());
  other.get("/x", [](const session::Options&) {});
  EXPECT_EQ(other.start().error().text,
            "GET /x asks for `const flame::session::Options&`, which nothing provides: f.map(...) "
            "one, or take `const flame::session::Options*`");
}

TEST(Sessioner, WhoAsksByPointerBeforeItIsToldToo) {
  Flame f;
  f.use([](Context& c, const Session* s) {
    if (s && s->owner().empty()) c.redirect("/login");
  });
  f.use(session::sessioner());
  f.get("/", [] { return "secret"; });
  const auto started = f.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text,
            "f.use(...) asks for `const flame::session::Session*`, which nothing before it "
            "provides: put f.use(flame::session::sessioner()) before it");
}

/// Which would overwrite it, or be a second one that browsers send too.
TEST(Sessioner, ItsCookieIsNobodyElsesToSet) {
  const std::string name = "__Host-session";
  Flame f(test::local());
  f.use([](Context& c, Next next) -> Task<> {
    co_await next();
    if (c.request().path() == "/outside") c.response().set_cookie("__Host-session", "x");
  });
  f.use(session::sessioner(options()));
  f.get("/plain", [&](Context& c) { c.response().set_cookie(name, "x"); });
  f.get("/removes", [&](Context& c) { c.response().remove_cookie(name); });
  f.get("/by-hand", [&](Context& c) { c.header("set-cookie", name + " =x"); });
  f.get("/nameless", [&](Context& c) { c.header("Set-Cookie", " = " + name + "=x"); });
  f.get("/answers", [&] { return Response("x").set_cookie(name, "x"); });
  f.get("/changes", [&](Context& c, Session& s) {
    s.set("n", 1);
    c.response().set_cookie(name, "x");
  });
  f.get("/outside", [](Session& s) { s.set("n", 1); });
  f.get("/another", [](Context& c, Session& s) {
    s.set("n", 1);
    c.response().set_cookie("session", "x").set_cookie("__Host-session2", "y");
  });
  TestClient client(f);
  testing::internal::CaptureStderr();
  for (const char* path :
       {"/plain", "/removes", "/by-hand", "/nameless", "/answers", "/changes", "/outside"}) {
    const auto answer = client.get(path);
    EXPECT_EQ(answer.status(), 500) << path;
    EXPECT_EQ(answer.get("Set-Cookie"), "") << path;
  }
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 7) << said;
  EXPECT_EQ(said.find("flame: GET /plain: the answer sets the cookie __Host-session, which is the "
                      "session's: give this one another name"),
            0U)
      << said;
  const auto answer = client.get("/another");
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.fields().size(), 5U) << "three cookies, Vary and Cache-Control";
}

TEST(Sessioner, TheCookieOfAnotherGroupsIsNobodyElsesEither) {
  Flame f(test::local());
  auto visitors = options(), admins = options();
  admins.cookie.name = "admin";
  f.group("/visitors", [&] {
    f.use(session::sessioner(visitors));
    f.get("/own", [](Session& s) { s.set("n", 1); });
    f.get("/other", [](Context& c, Session& s) {
      s.set("n", 1);
      c.response().set_cookie("__Host-admin", "x");
    });
  });
  f.group("/admins", [&] {
    f.use(session::sessioner(admins));
    f.get("/own", [](Session& s) { s.set("n", 1); });
  });
  TestClient client(f);
  EXPECT_EQ(client.get("/visitors/own").status(), 200);
  EXPECT_EQ(client.get("/admins/own").status(), 200);
  const auto other = client.get("/visitors/other");
  EXPECT_EQ(other.status(), 500);
  EXPECT_EQ(other.get("Set-Cookie"), "");
}

TEST(Sessioner, ItsCookieStaysInAnAnswerThatIsMadeAnew) {
  Flame f(test::local());
  f.use([](Context& c, Next next) -> Task<> {
    co_await next();
    Response anew(c.response().status(), "<" + c.response().body() + ">");
    for (const auto& field : c.response().fields()) anew.append(field.name, field.value);
    if (c.request().path() == "/twice") anew.set_cookie("__Host-session", "x");
    c.response() = std::move(anew);
  });
  f.use(session::sessioner(options()));
  for (const char* path : {"/", "/twice"})
    f.get(path, [](Session& s) {
      s.set("n", 1);
      return "x";
    });
  TestClient client(f);
  const auto answer = client.get("/");
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body(), "<x>");
  EXPECT_TRUE(answer.get("Set-Cookie").starts_with("__Host-session=")) << answer.get("Set-Cookie");
  EXPECT_EQ(client.get("/twice").status(), 500);
}

TEST(Sessioner, ItsCookieIsNoErrorPagesToSet) {
  Flame f(test::local());
  f.use(session::sessioner(options()));
  f.on_error([](const Context&, int, std::string_view) {
    return Response("page").set_cookie("__Host-session", "x");
  });
  f.get("/", [](Session& s) -> std::string {
    s.set("n", 1);
    throw HttpError(403, "no");
  });
  TestClient client(f);
  for (const char* path : {"/", "/none"}) {
    const auto answer = client.get(path);
    EXPECT_EQ(answer.get("Set-Cookie"), "") << path;
    EXPECT_NE(answer.body(), "page") << path;
  }
}

TEST(Sessioner, OpensAManagerThatNobodyOpened) {
  session::Manager manager({});
  Flame f;
  f.use(session::sessioner_on(manager));
  f.get("/", [](session::Session& s) { s.set("n", 1); });
  {
    TestClient client(f);
    EXPECT_EQ(client.get("/").status(), 200);
  }
  EXPECT_TRUE(manager.stop());
}

TEST(Sessioner, TwoWhoseCookiesComeToOneNameAreRefused) {
  Flame f;
  f.group("/shop", [&] {
    f.use(session::sessioner({.cookie = {.name = "sid"}}));
    f.get("/", [](session::Session& s) { s.set("n", 1); });
  });
  f.group("/blog", [&] {
    f.use(session::sessioner({.cookie = {.name = "__Host-sid"}}));
    f.get("/", [](session::Session& s) { s.set("n", 1); });
  });
  EXPECT_NE(test::error_of(f).find("the cookie __Host-sid of path /"), std::string::npos);
}

}  // namespace
}  // namespace flame
