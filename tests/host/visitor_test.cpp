#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include <flame/csrf.hpp>
#include <flame/flame.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

namespace flame {
namespace {

using namespace std::chrono_literals;
using session::Session;

class VisitorTest : public testing::Test {
 protected:
  VisitorTest() {
    f.any("/{**}", [](Context& c) {
      std::string out(c.request().method_name());
      out.append(" ").append(c.request().target()).append(" ").append(c.request().field("Cookie"));
      return out.append(" ").append(c.body());
    });
    f.get("/set", [](Context& c) {
      Response response;
      for (const auto& value : c.query_values("c")) response.append("Set-Cookie", value);
      return response;
    });
    f.get("/loop", [] { return redirect("/loop"); });
    f.any("/go/{status}", [](Context& c) {
      return redirect(c.query("to").value_or("/"), std::stoi(c.param("status")));
    });
  }
  Flame f{};
};

/// What a browser that got `set` from /a/b sends back there.
std::string kept(const std::string& set) {
  Flame f;
  f.get("/a/b", [&] { return Response().append("Set-Cookie", set); });
  f.get("/a/cd", [](const Request& r) { return std::string(r.field("Cookie")); });
  TestClient client(f);
  TestVisitor visitor(client);
  visitor.get("/a/b");
  return visitor.get("/a/cd").body();
}

TEST(CookieJar, KeepsWhatABrowserWould) {
  EXPECT_EQ(kept("a=1"), "a=1");
  EXPECT_EQ(kept(" a = 1 ; Secure"), "a=1");
  EXPECT_EQ(kept("a=1=2; HttpOnly; SameSite=Lax; X=y"), "a=1=2");
  EXPECT_EQ(kept("a="), "a=");
  EXPECT_EQ(kept("a=1; Path=/"), "a=1");
  EXPECT_EQ(kept("a=1; path=/a"), "a=1");
  EXPECT_EQ(kept("a=1; Path=/a/cd"), "a=1");
  EXPECT_EQ(kept("a=1; Path=/a/c"), "");
  EXPECT_EQ(kept("a=1; Path=/a/"), "a=1");
  EXPECT_EQ(kept("a=1; Path=a"), "a=1");
  EXPECT_EQ(kept("a=1; Path=/b"), "");
  EXPECT_EQ(kept("a=1; Path=/a/cdd"), "");
  EXPECT_EQ(kept("a=1; Path=/a/cd/e"), "");
  EXPECT_EQ(kept("a=1; Max-Age=60"), "a=1");
  EXPECT_EQ(kept("a=1; Max-Age=0"), "");
  EXPECT_EQ(kept("a=1; max-age=-1"), "");
  EXPECT_EQ(kept("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "");
  EXPECT_EQ(kept("a=1; Expires=Thu, 01 Jan 2970 00:00:00 GMT"), "a=1");
  EXPECT_EQ(kept("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "a=1");
  EXPECT_EQ(kept("=1"), "");
  EXPECT_EQ(kept("__Host-a=1; Path=/; Secure"), "__Host-a=1");
  EXPECT_EQ(kept("__Host-a=1; Path=/"), "");
  EXPECT_EQ(kept("__Host-a=1; Secure"), "") << "its path is /a";
  EXPECT_EQ(kept("__host-a=1; Path=/; Secure; Domain=h.example"), "");
  EXPECT_EQ(kept("__Secure-a=1"), "");
  EXPECT_EQ(kept("__Secure-a=1; Secure"), "__Secure-a=1");
  EXPECT_EQ(kept("a=" + std::string(4096, 'x')), "");
}

TEST_F(VisitorTest, ReplacesRemovesAndOrders) {
  TestClient client(f);
  TestVisitor visitor(client);
  visitor.get("/set?c=a%3D1;+Path%3D/&c=b%3D2;+Path%3D/&c=a%3D3;+Path%3D/x");
  EXPECT_EQ(visitor.get("/x/y").body(), "GET /x/y a=3; a=1; b=2 ");
  EXPECT_EQ(visitor.cookie("a"), "1");
  EXPECT_EQ(visitor.cookie("a", "/x"), "3");
  visitor.get("/set?c=a%3D4;+Path%3D/&c=b%3D;+Path%3D/;+Max-Age%3D0");
  EXPECT_EQ(visitor.get("/").body(), "GET / a=4 ");
  EXPECT_EQ(visitor.cookie("b"), std::nullopt);
  visitor.set_cookie("c=5");
  EXPECT_EQ(visitor.get("/").body(), "GET / a=4; c=5 ");
  TestVisitor other(client);
  EXPECT_EQ(other.get("/").body(), "GET /  ");
}

TEST_F(VisitorTest, SendsForms) {
  f.post("/form", [](Context& c) {
    return c.form("name").value_or("-") + "|" + c.form("text").value_or("-");
  });
  TestClient client(f);
  TestVisitor visitor(client);
  const TestClient::Fields values{{"name", "Zo\xc3\xab & Co"}, {"text", "a=1+1%\r\n"}};
  EXPECT_EQ(visitor.post_form("/form", values).body(), "Zo\xc3\xab & Co|a=1+1%\r\n");
  EXPECT_EQ(client.post_form("/form", values).body(), "Zo\xc3\xab & Co|a=1+1%\r\n");
  EXPECT_EQ(client.post_form("/raw", values).body(),
            "POST /raw  name=Zo%C3%AB+%26+Co&text=a%3D1%2B1%25%0D%0A");
}

TEST_F(VisitorTest, FollowsRedirectsOnRequest) {
  TestClient client(f);
  TestVisitor visitor(client);
  EXPECT_EQ(visitor.get("/go/303?to=/x").status(), 303);
  EXPECT_EQ(visitor.follow(visitor.post("/go/303?to=/x", "body")).body(), "GET /x  ");
  EXPECT_EQ(visitor.follow(visitor.post("/go/307?to=/x", "body")).body(), "POST /x  body");
  EXPECT_EQ(visitor.follow(visitor.get("/go/302?to=x/next%3Fa%3D1%23top")).body(),
            "GET /go/x/next?a=1  ");
  EXPECT_EQ(visitor.follow(visitor.get("/go/302?to=/go/301%3Fto%3D/y")).body(), "GET /y  ");
  EXPECT_EQ(visitor.follow(visitor.get("/go/302?to=../a/./b/../c%3Fd=../e")).body(),
            "GET /a/c?d=../e  ");
  EXPECT_EQ(visitor.follow(visitor.get("/go/302?to=/../..")).body(), "GET /  ");
  EXPECT_EQ(visitor.follow(visitor.get("/plain")).body(), "GET /plain  ");
  for (const char* other : {"//b.example", "https://b.example/"}) {
    EXPECT_THROW(visitor.follow(visitor.get(std::string("/go/302?to=") + other)),
                 std::runtime_error);
  }
  EXPECT_THROW(visitor.follow(visitor.get("/loop")), std::runtime_error);
}

/// Counts what it is asked for.
class Counted final : public session::RandomSource {
 public:
  bool fill(std::span<std::byte> out) noexcept override {
    ++asked;
    return session::system_random().fill(out);
  }
  int asked = 0;
};

TEST(Visitor, ComesFromPagesOfItsOwnSite) {
  session::Options options;
  options.on_event = [](const session::Event&) {};
  Flame f;
  f.use(session::sessioner(options));
  f.use(session::csrf());
  f.get("/", [](Session& s) {
    s.set("n", 1);
    return "set";
  });
  f.get("/away", [] { return redirect("https://localhost/"); });
  f.post("/", [](const Session& s) { return std::to_string(s.get_or("n", 0)); });
  TestClient client(f);
  TestVisitor visitor(client);
  EXPECT_EQ(visitor.follow(visitor.get("/away")).body(), "set");
  EXPECT_EQ(visitor.post_form("/", {}).body(), "1");
  EXPECT_EQ(visitor.post_form("/", {}, {{"Sec-Fetch-Site", "cross-site"}}).status(), 403);
}

TEST(Visitor, SignsInAndOut) {
  session::test_support::FakeClock clock;
  Counted random;
  session::Options options;
  options.on_event = [](const session::Event&) {};
  Flame f;
  f.use(session::sessioner(options, {.clock = &clock, .random = &random}));
  f.post("/login", [](Context& c, Session& s) {
    s.set_owner(c.form("user").value_or(""));
    return redirect("/");
  });
  f.post("/logout", [](Session& s) {
    s.destroy();
    return redirect("/");
  });
  f.get("/", [](const Session& s) { return "for " + std::string(s.owner()); });
  TestClient client(f);
  TestVisitor anna(client), ben(client);
  EXPECT_EQ(anna.follow(anna.post_form("/login", {{"user", "anna"}})).body(), "for anna");
  EXPECT_EQ(ben.follow(ben.post_form("/login", {{"user", "ben"}})).body(), "for ben");
  EXPECT_TRUE(anna.cookie("__Host-session"));
  EXPECT_GE(random.asked, 2) << "an ID for each";
  EXPECT_EQ(anna.follow(anna.post("/logout", "")).body(), "for ");
  EXPECT_FALSE(anna.cookie("__Host-session"));
  EXPECT_EQ(ben.get("/").body(), "for ben");
  clock.advance(29min);
  EXPECT_EQ(ben.get("/").body(), "for ben");
  clock.advance(31min);
  EXPECT_EQ(ben.get("/").body(), "for ") << "the sessioner's clock is the fake one";
}

}  // namespace
}  // namespace flame
