/// docs/guide/without-the-host.md: a Manager, and no web server of ours.
#include <gtest/gtest.h>

#include <array>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/open_store.hpp>

namespace session = flame::session;

namespace {

/// Stand for what a framework has.
namespace web {
struct Request {
  std::string method{}, cookie{}, client{};
  bool tls = false;
};
struct Response {
  int status = 200;
  std::string body{};
  std::vector<std::pair<std::string, std::string>> fields{};
};
}  // namespace web

session::Options options() {
  return {.store = session::open_store("memory:"), .application = "shop"};
}

/// Stands for the routes and the loop of a server.
void serve(session::Manager& manager) { EXPECT_TRUE(manager.ready()); }

//! [open]
int run() {
  session::Manager manager({.store = session::open_store("memory:"), .application = "shop"});
  if (const auto opened = manager.open(); !opened) {  // a wrong option, a table that is not there
    std::cerr << opened.error().text << "\n";
    return 1;
  }
  serve(manager);  // until it is to end
  return manager.stop() ? 0 : 1;
}
//! [open]

//! [serve]
web::Response count_visit(session::Manager& manager, const web::Request& request) {
  const std::array<std::string_view, 1> cookies{request.cookie};  // the values of all Cookie fields
  const session::RequestView view{.cookie_lines = cookies,
                                  .secure = request.tls,
                                  .method = request.method,
                                  .peer = request.client};
  auto s = manager.load(view, session::Need::read | session::Need::write);
  if (!s) return {.status = session::http_status(s.error().code)};

  s->update("visits", 0, [](int n) { return n + 1; });  // here is your handler
  web::Response response{.body = "Visit " + std::to_string(s->get_or("visits", 0))};

  const auto saved = manager.commit(*s);  // before the first byte goes out
  if (!saved) return {.status = session::http_status(saved.error().code)};
  for (const auto& [name, value] : saved->fields) response.fields.emplace_back(name, value);
  return response;
}
//! [serve]

std::string cookie_of(const web::Response& response) {
  for (const auto& [name, value] : response.fields)
    if (name == "Set-Cookie") return value.substr(0, value.find(';'));
  return {};
}

TEST(WithoutTheHost, OpensAndStops) { EXPECT_EQ(run(), 0); }

TEST(WithoutTheHost, LoadsAndCommits) {
  session::Manager manager(options());
  ASSERT_TRUE(manager.open());
  const auto first = count_visit(manager, {"GET", "", "192.0.2.1", true});
  EXPECT_EQ(first.body, "Visit 1");
  const auto cookie = cookie_of(first);
  EXPECT_TRUE(cookie.starts_with("__Host-session=")) << cookie;
  EXPECT_EQ(count_visit(manager, {"GET", cookie, "192.0.2.1", true}).body, "Visit 2");
  EXPECT_TRUE(manager.stop());
  EXPECT_EQ(count_visit(manager, {"GET", cookie, "192.0.2.1", true}).status, 503);
}

TEST(WithoutTheHost, AnswersWithMoreThanACookie) {
  session::Manager manager(options());
  ASSERT_TRUE(manager.open());
  std::vector<std::string> names;
  for (const auto& field : count_visit(manager, {"GET", "", "", true}).fields)
    names.push_back(field.first);
  EXPECT_EQ(names, (std::vector<std::string>{"Vary", "Cache-Control", "Set-Cookie"}));
}

}  // namespace
