// What the host answers of itself: HEAD, OPTIONS, and methods that a path has not.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using test::body_of;
using test::status_of;
using test::Wire;

TEST(Methods, OptionsOfARouteTellsItsMethods) {
  Flame f;
  f.use([](Context& c) { c.header("X-Used", "1"); });
  f.get("/a", [] { return "a"; });
  f.post("/a", [] { return "a"; });
  f.head("/b", [] {});
  f.patch("/c/{id}", [] { return "c"; });
  f.del("/c/new", [] { return "new"; });
  f.options("/own", [] { return "own"; });
  f.any("/any", [](const Request& r) { return std::string(r.method_name()); });
  f.put("/only", [](Context& c) { c.answer("never asked"); });
  TestClient client(f);
  const auto allowed = [&](const char* method, const char* target, int status) {
    const auto response = client.request(method, target);
    EXPECT_EQ(response.status(), status) << target;
    EXPECT_EQ(response.get("X-Used"), "1") << target;
    if (status == 204) {
      EXPECT_EQ(response.body(), "") << target;
    }
    return std::string(response.get("Allow"));
  };
  for (const auto& [method, status] : {std::pair("OPTIONS", 204), std::pair("BREW", 405)}) {
    EXPECT_EQ(allowed(method, "/a", status), "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(allowed(method, "/b", status), "HEAD, OPTIONS");
    EXPECT_EQ(allowed(method, "/c/new", status), "PATCH, DELETE, OPTIONS");
    EXPECT_EQ(allowed(method, "/c/1", status), "PATCH, OPTIONS");
    EXPECT_EQ(allowed(method, "/only", status), "PUT, OPTIONS");
    EXPECT_EQ(allowed(method, "/nowhere", 404), "");
  }
  EXPECT_EQ(client.request("OPTIONS", "/own").body(), "own");
  EXPECT_EQ(client.request("OPTIONS", "/any").body(), "OPTIONS");
  EXPECT_EQ(client.request("HEAD", "/own").get("Allow"), "OPTIONS");
}

TEST(Methods, OptionsOfTheServerTellsTheMethodsOfAllRoutes) {
  Flame f;
  f.post("/a", [] { return "a"; });
  f.group("/b", [&] { f.del("/{id}", [] { return "b"; }); });
  {
    TestClient client(f);
    const auto response = client.request("OPTIONS", "*");
    EXPECT_EQ(response.status(), 204);
    EXPECT_EQ(response.get("Allow"), "POST, DELETE, OPTIONS");
    EXPECT_EQ(client.request("GET", "*").status(), 400);
  }
  f.any("/any", [] { return "any"; });
  TestClient client(f);
  EXPECT_EQ(client.request("OPTIONS", "*").get("Allow"),
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

TEST(Methods, AHandlerOfOptionsMayStillStandBefore) {
  Flame f;
  f.use([](Context& c) {
    if (c.request().method() == Method::options) c.answer(Response(200, "mine"));
  });
  f.get("/a", [] { return "a"; });
  TestClient client(f);
  EXPECT_EQ(client.request("OPTIONS", "/a").body(), "mine");
  EXPECT_EQ(client.request("OPTIONS", "*").body(), "mine");
}

/// Without the line that the clock has a part in.
std::string undated(std::string answer) {
  const auto date = answer.find("Date: ");
  if (date != std::string::npos) answer.erase(date, answer.find("\r\n", date) + 2 - date);
  return answer;
}

TEST(Methods, HeadHasTheFieldsOfGetAndNoBody) {
  Flame f(test::local());
  f.get("/text", [](Context& c) {
    c.header("X-One", "1");
    return "some text";
  });
  f.get("/large", [] { return std::string(100'000, 'x'); });
  f.get("/json", [] { return Json("{}"); });
  f.get("/empty", [] { return ""; });
  f.get("/nothing", [](Context& c) { c.status(204); });
  f.get("/throws", []() -> std::string { throw std::runtime_error("unlucky"); });
  f.get("/moved", [](Context& c) { c.redirect("/text"); });
  f.post("/post", [] { return "post"; });
  ASSERT_TRUE(f.start());
  for (const char* path :
       {"/text", "/large", "/json", "/empty", "/nothing", "/throws", "/moved", "/post", "/none"}) {
    const auto ask = [&](const std::string& method) {
      Wire wire(f.address());
      wire.send(method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      return undated(wire.read_all());
    };
    const auto get = ask("GET"), head = ask("HEAD");
    EXPECT_NE(status_of(get), "") << path;
    EXPECT_EQ(head, get.substr(0, get.size() - body_of(get).size())) << path;
  }
}

}  // namespace
}  // namespace flame
