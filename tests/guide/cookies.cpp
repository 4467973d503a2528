/// docs/guide/cookies.md: each setting, and the cookie that comes of it.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <flame/flame.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

namespace session = flame::session;

namespace {

//! [plain_http]
session::Options options(bool in_development) { return {.cookie = {.plain_http = in_development}}; }
//! [plain_http]

void behind_a_proxy(const std::function<void(flame::Flame&)>& serve) {
  //! [proxy]
  flame::Flame f({.trusted_proxies = {"127.0.0.1", "10.0.0.0/8"}});
  //! [proxy]
  serve(f);
}

session::Options of_subdomains() {
  //! [subdomains]
  return {.cookie = {.domain = "example.com"}};
  //! [subdomains]
}

session::Options of_the_shop(session::StorePtr store) {
  //! [two]
  return {.store = store, .cookie = {.name = "shop"}, .application = "shop"};
  //! [two]
}

session::Options in_a_frame() {
  //! [frame]
  return {.cookie = {.same_site = session::SameSite::none, .partitioned = true}};
  //! [frame]
}

session::Options by_header() {
  //! [header]
  return {.id_header = "X-Session"};
  //! [header]
}

void add_set(flame::Flame& f, session::Options options) {
  f.use(session::sessioner(std::move(options)));
  f.get("/set", [](session::Session& s) { s.set("n", 1); });
  f.get("/get", [](const session::Session& s) { return std::to_string(s.get_or("n", 0)); });
}

flame::Response set_by(session::Options options) {
  flame::Flame f;
  add_set(f, std::move(options));
  flame::TestClient client(f);
  return client.get("/set");
}

/// Set-Cookie without the ID.
std::string cookie_of(session::Options options) {
  const auto answer = set_by(std::move(options));
  std::string field(answer.get("Set-Cookie"));
  const auto value = field.find('=');
  return field.substr(0, value) + field.substr(field.find(';'));
}

TEST(GuideCookies, AreWhatThePageSays) {
  EXPECT_EQ(cookie_of({}), "__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(cookie_of(options(false)), cookie_of({}));
  EXPECT_EQ(cookie_of(options(true)), "session; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(cookie_of(of_subdomains()),
            "__Secure-session; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(cookie_of(of_the_shop({})), "__Host-shop; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(cookie_of(in_a_frame()),
            "__Host-session; Path=/; Secure; HttpOnly; SameSite=None; Partitioned");
}

TEST(GuideCookies, WhatBrowsersWouldRefuseIsRefusedAtTheStart) {
  EXPECT_THROW(set_by({.cookie = {.name = "__Host-shop", .domain = "example.com"}}),
               std::runtime_error);
  EXPECT_THROW(set_by({.cookie = {.same_site = session::SameSite::none, .plain_http = true}}),
               std::runtime_error);
}

TEST(GuideCookies, AProxyTellsOfTls) {
  behind_a_proxy([](flame::Flame& f) {
    f.get("/", [](const flame::Request& r) {
      return std::string(r.peer()) + (r.secure() ? " TLS" : " plain");
    });
    flame::TestClient client(f);
    EXPECT_EQ(client.get("/").body(), "127.0.0.1 plain");
    EXPECT_EQ(
        client.get("/", {{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-Proto", "https"}}).body(),
        "192.0.2.7 TLS");
  });
  flame::Flame f;
  f.get("/", [](const flame::Request& r) { return r.secure() ? "TLS" : "plain"; });
  flame::TestClient client(f);
  EXPECT_EQ(client.get("/", {{"X-Forwarded-Proto", "https"}}).body(), "plain") << "who says so?";
}

TEST(GuideCookies, AnIdTravelsInAHeaderToo) {
  flame::Flame f;
  add_set(f, by_header());
  flame::TestClient client(f);
  const auto answer = client.get("/set");
  const std::string id(answer.get("X-Session"));
  EXPECT_EQ(id.size(), 43U);
  EXPECT_EQ(client.get("/get", {{"X-Session", id}}).body(), "1");
  EXPECT_EQ(client.get("/get?X-Session=" + id).body(), "0");
}

}  // namespace
