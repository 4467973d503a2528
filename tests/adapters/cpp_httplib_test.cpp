// What the suite cannot see over plain HTTP.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <flame/session/cpp_httplib.hpp>

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
