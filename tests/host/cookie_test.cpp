#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

namespace flame {
namespace {

using namespace std::chrono_literals;

std::string set(const std::string& name, const std::string& value,
                const CookieAttributes& attributes = {}) {
  return std::string(Response().set_cookie(name, value, attributes).get("Set-Cookie"));
}

std::string refused(const std::string& name, const std::string& value,
                    const CookieAttributes& attributes = {}) {
  try {
    return "taken: " + set(name, value, attributes);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(Cookie, IsSafeByDefault) {
  EXPECT_EQ(set("theme", "dark"), "theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(set("empty", ""), "empty=; Path=/; Secure; HttpOnly; SameSite=Lax");
}

TEST(Cookie, SaysWhatItsAttributesSay) {
  CookieAttributes attributes{.path = "/app", .domain = "example.org", .max_age = 90min};
  attributes.same_site = SameSite::strict;
  attributes.http_only = false;
  EXPECT_EQ(set("a", "1", attributes),
            "a=1; Path=/app; Domain=example.org; Secure; SameSite=Strict; Max-Age=5400");
  EXPECT_EQ(set("a", "1", {.plain_http = true}), "a=1; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(set("a", "1", {.same_site = SameSite::none, .partitioned = true}),
            "a=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned");
  EXPECT_NE(set("a", "1", {.max_age = 24h * 1000}).find("Max-Age=34560000"), std::string::npos);
}

TEST(Cookie, IsRemovedByTheSamePathAndDomain) {
  EXPECT_EQ(Response().remove_cookie("a", {.path = "/app"}).get("Set-Cookie"),
            "a=; Path=/app; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
}

TEST(Cookie, ThatBrowsersWouldRefuseIsNotSet) {
  for (const char* name : {"", "a b", "a=b", "a;b", "\xc3\x9f", "a\"", "a\r\nb"}) {
    EXPECT_NE(refused(name, "1").find("is no token"), std::string::npos) << name;
  }
  for (const char* value :
       {"a b", "a;b", "a,b", "\"a\"", "a\\b", "a\r\nSet-Cookie: b=c", "\xc3\x9f", "\x7f"}) {
    const auto text = refused("a", value);
    EXPECT_NE(text.find("the value of the cookie `a`"), std::string::npos) << value;
    EXPECT_EQ(text.find(value), std::string::npos) << "it may be a secret";
  }
  EXPECT_NE(refused("__Host-a", "1", {.path = "/app"}).find("allows no cookie.path"),
            std::string::npos);
  EXPECT_NE(refused("__Host-a", "1", {.domain = "a.b"}).find("allows no cookie.domain"),
            std::string::npos);
  EXPECT_NE(refused("__Secure-a", "1", {.plain_http = true}).find("needs Secure"),
            std::string::npos);
  EXPECT_NE(refused("__host-a", "1").find("write the prefix as `__Host-`"), std::string::npos);
  EXPECT_NE(refused("a", "1", {.path = "app"}).find("cookie.path"), std::string::npos);
  EXPECT_NE(refused("a", "1", {.path = "/;x"}).find("cookie.path"), std::string::npos);
  EXPECT_NE(refused("a", "1", {.domain = ".b"}).find("cookie.domain"), std::string::npos);
  EXPECT_NE(refused("a", "1", {.max_age = 0s}).find("cookie.max_age"), std::string::npos);
  EXPECT_NE(refused("a", std::string(4096, 'x')).find("too long"), std::string::npos);
  EXPECT_EQ(refused("a", std::string(4095, 'x')).substr(0, 7), "taken: ");
  EXPECT_EQ(refused("__Host-a", "1").substr(0, 7), "taken: ");
}

TEST(Cookie, IsReadFromTheRequest) {
  Flame f;
  f.get("/", [](const Request& r) { return std::string(r.cookie("a").value_or("none")); });
  TestClient client(f);
  const std::pair<const char*, const char*> cases[]{
      {"a=1", "1"},         {"b=2; a=1", "1"}, {"a=1; a=2", "1"}, {"b=2;a=1;c=3", "1"},
      {" \ta =\t 1 ", "1"}, {"a=", ""},        {"a=b=c", "b=c"},  {"a=\"1\"", "\"1\""},
      {"a=%31", "%31"},     {"A=1", "none"},   {"aa=1", "none"},  {"a", "none"},
      {"=a; a", "none"},    {"x=a=1", "none"}, {";;a=1", "1"},    {"", "none"},
  };
  for (const auto& [line, value] : cases) {
    EXPECT_EQ(client.get("/", {{"Cookie", line}}).body(), value) << line;
  }
  EXPECT_EQ(client.get("/", {{"Cookie", "b=1"}, {"cookie", "a=2"}}).body(), "2");
  EXPECT_EQ(client.get("/").body(), "none");
}

}  // namespace
}  // namespace flame
