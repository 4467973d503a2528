// What the suite cannot see over plain HTTP.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <flame/session/cpp_httplib.hpp>
#include <flame/session/csrf_field.hpp>

#include "told_manager.hpp"

namespace flame::session {
namespace {

struct CppHttplib : testing::Test {
  demo::ToldManager own{};
  Manager& manager = own.manager;
  cpp_httplib::Sessions sessions{manager};
  httplib::Request request{};
  httplib::Response response{};

  CppHttplib() {
    request.method = "GET";
    request.remote_addr = "203.0.113.7";
  }

  [[nodiscard]] bool was_at_risk() { return own.was_told(event::cookie_at_risk); }
};

TEST_F(CppHttplib, ItsConnectionTellsWhetherARequestCameOverTls) {
  const auto set = sessions([](Session& s) { s.set("n", 1); });
  const int connection = 0;
  request.ssl = reinterpret_cast<decltype(request.ssl)>(&connection);  // never looked into
  set(request, response);
  EXPECT_FALSE(was_at_risk());
  request.ssl = nullptr;
  set(request, response);
  EXPECT_TRUE(was_at_risk());
}

TEST_F(CppHttplib, WhatAFailedCommitReplacesIsReleased) {
  own.store->refuse(false, true);
  int released = 0;
  response.version = "HTTP/1.1";
  sessions([&](Session& s, httplib::Response& out) {
    s.set("n", 1);
    out.set_content_provider(
        1, "text/plain", [](std::size_t, std::size_t, httplib::DataSink&) { return false; },
        [&](bool success) { released += success ? 10 : 1; });
  })(request, response);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.version, "HTTP/1.1");
  EXPECT_EQ(response.body, "Service Unavailable\n");
  EXPECT_EQ(released, 1);
}

//! [is_own_form]
/// Whether a page of this host has sent it, or no browser. For POST, PUT, PATCH and DELETE.
bool is_own_form(const httplib::Request& request, Session& s) {
  const auto site = request.get_header_value("Sec-Fetch-Site");
  if (!site.empty()) return site == "same-origin" || site == "none";
  const auto origin = request.get_header_value("Origin");
  if (!origin.empty()) return origin.ends_with("://" + request.get_header_value("Host"));
  return !s.exists() || request.get_param_value("csrf_token") == s.csrf_token();
}
//! [is_own_form]

//! [form]
void show_profile(Session& s, httplib::Response& response) {
  response.set_content(
      "<form method=post>" + csrf_field(s) + "<input name=city><button>Save</button></form>",
      "text/html");
}
void save_profile(Session& s, const httplib::Request& request, httplib::Response& response) {
  if (!is_own_form(request, s)) {
    response.status = 403;
    return;
  }
  s.set("city", request.get_param_value("city"));
  response.set_redirect("/profile", 303);
}
//! [form]

/// docs/guide/forms.md
TEST_F(CppHttplib, OwnPagesAloneCanSendAForm) {
  const auto show = sessions(show_profile);
  const auto save = sessions(save_profile);
  const auto status = [&](const httplib::Headers& fields, const std::string& token = {}) {
    request.headers = fields;
    request.headers.emplace("Host", "shop.example");
    request.params = {{"city", "Graz"}, {"csrf_token", token}};
    response = {};
    save(request, response);
    return response.status;
  };
  show(request, response);
  EXPECT_EQ(response.body.find("csrf_token"), std::string::npos) << "it begins no session";
  EXPECT_FALSE(response.has_header("Set-Cookie"));
  EXPECT_EQ(status({}), 303) << "by no browser, and nobody's";
  const auto set = response.get_header_value("Set-Cookie");
  const std::string cookie = set.substr(0, set.find(';'));
  ASSERT_NE(cookie, "");

  request.headers = {{"Cookie", cookie}};
  response = {};
  show(request, response);
  const auto token = response.body.substr(response.body.find("value=\"") + 7, 22);
  EXPECT_EQ(status({{"Cookie", cookie}}), 403);
  EXPECT_EQ(status({{"Cookie", cookie}}, token.substr(1)), 403);
  EXPECT_EQ(status({{"Cookie", cookie}}, token), 303);
  for (const auto* site : {"same-origin", "none"})
    EXPECT_EQ(status({{"Cookie", cookie}, {"Sec-Fetch-Site", site}}), 303) << site;
  for (const auto* site : {"cross-site", "same-site"})
    EXPECT_EQ(status({{"Cookie", cookie}, {"Sec-Fetch-Site", site}}, token), 403) << site;
  EXPECT_EQ(status({{"Cookie", cookie}, {"Origin", "http://shop.example"}}), 303);
  for (const auto* origin : {"http://evil.example", "null", "http://my-shop.example"})
    EXPECT_EQ(status({{"Cookie", cookie}, {"Origin", origin}}, token), 403) << origin;
}

TEST_F(CppHttplib, AHandlerMayReadTheContentItself) {
  const auto put = sessions([](Session& s, const httplib::ContentReader& reader) {
    reader([&](const char* data, std::size_t size) {
      s.set("text", std::string(data, size));
      return true;
    });
  });
  const httplib::ContentReader reader(
      [](httplib::ContentReceiver receive) { return receive("abc", 3); },
      [](httplib::MultipartContentHeader, httplib::ContentReceiver) { return false; });
  put(request, response, reader);
  httplib::Request next = request;
  const auto set = response.get_header_value("Set-Cookie");
  next.headers.emplace("cookie", set.substr(0, set.find(';')));
  std::string text;
  sessions([&](const Session& s) { text = s.get_or("text", ""); })(next, response);
  EXPECT_EQ(text, "abc");
}

}  // namespace
}  // namespace flame::session
