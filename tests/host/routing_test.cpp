#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using test::error_of;

TEST(Routing, FindsTheRouteOfAPath) {
  Flame f;
  const auto show = [](const char* path) {
    return [route = std::string(path)](Context& c) {
      const auto of = [&](const char* name) {
        const auto here = route.find("{" + std::string(name) + "}") != std::string::npos;
        return here ? c.param(name) : std::string();
      };
      return route + ":" + of("a") + ":" + of("b") + ":" + of("**");
    };
  };
  for (const char* path : {"/", "/fixed", "/fixed/", "/{a}", "/{a}/x", "/fixed/{b}", "/{a}/{b}/y",
                           "/files/{**}", "/deep/{a}/{**}", "/sp ace"}) {
    f.get(path, show(path));
  }
  TestClient client(f);
  struct Row {
    const char* target;
    const char* answer;
  };
  const std::vector<Row> rows{
      {"/", "/:::"},
      {"/?q=1", "/:::"},
      {"/fixed", "/fixed:::"},
      {"/f%69xed", "/fixed:::"},
      {"/fixed/", "/fixed/:::"},
      {"/other", "/{a}:other::"},
      {"/o%2Fther", "/{a}:o/ther::"},
      {"/%C3%A4", "/{a}:\xC3\xA4::"},
      {"/fixed/x", "/fixed/{b}::x:"},
      {"/other/x", "/{a}/x:other::"},
      {"/fixed/x/y", "/{a}/{b}/y:fixed:x:"},
      {"/files/", "/files/{**}:::"},
      {"/files/a/b%20c", "/files/{**}:::a/b c"},
      {"/deep/1/2/3", "/deep/{a}/{**}:1::2/3"},
      {"/sp%20ace", "/sp ace:::"},
      {"http://host/fixed?x", "/fixed:::"},
      {"http://host", "/:::"},
      {"/other/", nullptr},
      {"//", nullptr},
      {"/other/none", nullptr},
      {"/a/b/c/d", nullptr},
      {"/Fixed/x/z", nullptr},
  };
  for (const auto& row : rows) {
    const auto response = client.get(row.target);
    EXPECT_EQ(response.status(), row.answer == nullptr ? 404 : 200) << row.target;
    if (row.answer != nullptr) {
      EXPECT_EQ(response.body(), row.answer) << row.target;
    }
  }
  EXPECT_EQ(client.get("/bad%2").status(), 400);
  EXPECT_EQ(client.get("/bad%zz").status(), 400);
  EXPECT_EQ(client.get("fixed").status(), 400);
  EXPECT_EQ(client.get("/fixed#part").status(), 400);
}

TEST(Routing, Methods) {
  Flame f;
  f.get("/a", [] { return "get"; });
  f.post("/a", [] { return "post"; });
  f.put("/b", [] { return "put"; });
  f.patch("/b", [] { return "patch"; });
  f.del("/b", [] { return "delete"; });
  f.options("/b", [] { return "options"; });
  f.head("/c", [](Context& c) { c.header("X-Head", "1"); });
  f.get("/c", [] { return "c"; });
  f.any("/d", [](const Request& r) { return std::string(r.method_name()); });
  f.get("/d", [] { return "the get"; });
  TestClient client(f);
  EXPECT_EQ(client.get("/a").body(), "get");
  EXPECT_EQ(client.post("/a", "").body(), "post");
  EXPECT_EQ(client.request("PUT", "/b").body(), "put");
  EXPECT_EQ(client.request("PATCH", "/b").body(), "patch");
  EXPECT_EQ(client.request("DELETE", "/b").body(), "delete");
  EXPECT_EQ(client.request("OPTIONS", "/b").body(), "options");
  EXPECT_EQ(client.request("HEAD", "/a").status(), 200);
  EXPECT_EQ(client.request("HEAD", "/a").body(), "");
  EXPECT_EQ(client.request("HEAD", "/c").get("X-Head"), "1");
  EXPECT_EQ(client.request("PURGE", "/d").body(), "PURGE");
  EXPECT_EQ(client.get("/d").body(), "the get");

  const auto refused = client.request("DELETE", "/a");
  EXPECT_EQ(refused.status(), 405);
  EXPECT_EQ(refused.get("Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(client.request("get", "/a").status(), 405);  // methods are case-sensitive
  EXPECT_EQ(client.get("/b").get("Allow"), "PUT, PATCH, DELETE, OPTIONS");
}

TEST(Routing, AnotherRouteOfThatMethodIsBetterThanARefusal) {
  Flame f;
  f.post("/users/new", [] { return "new"; });
  f.get("/users/{id}", [](Context& c) { return c.param("id"); });
  TestClient client(f);
  EXPECT_EQ(client.get("/users/new").body(), "new");
  EXPECT_EQ(client.get("/users/new").status(), 200);
}

TEST(Routing, GroupsNest) {
  Flame f;
  std::string log;
  const auto note = [&log](const char* text) { return [&log, text] { log += text; }; };
  f.group(
      "/a",
      [&] {
        f.get("/x", note("x"));
        f.group(
            "/{id}", [&] { f.get("/y", note("y")); }, note("inner "));
      },
      note("outer "));
  f.get("/z", note("z"));
  TestClient client(f);
  client.get("/a/x");
  EXPECT_EQ(std::exchange(log, {}), "outer x");
  client.get("/a/1/y");
  EXPECT_EQ(std::exchange(log, {}), "outer inner y");
  client.get("/z");
  EXPECT_EQ(log, "z");
}

TEST(Routing, NotFoundHandlers) {
  Flame f;
  f.not_found([](Context& c) { return "nothing at " + std::string(c.request().path()); });
  TestClient client(f);
  EXPECT_EQ(client.get("/here").body(), "nothing at /here");
  EXPECT_EQ(client.get("/here").status(), 404);
}

TEST(Routing, WhatIsWrongIsSaidAtStart) {
  struct Row {
    std::string_view path;
    const char* text;
    std::string_view shown = path;
  };
  const char* const rest = "what is left of a path is /{**}, the last segment";
  const char* const decoded = "a path is spelled decoded: /a b, not /a%20b";
  const char* const none = "no request has such a path: it is UTF-8 without NUL";
  const char* const ends = "a path ends before ? and #: Context::query() has what follows";
  const char* const name = "a parameter's name is made of letters, digits and _: /{name}";
  const char* const own = "a parameter is a segment of its own: /{name}";
  const char* const id = "a parameter is spelled /{id}";
  const char* const checks = "a parameter is spelled /{id}: handlers check what it matched";
  const std::vector<Row> rows{
      {"x", "a path starts with /"},
      {"", "a path starts with /"},
      {"/a//b", "two / follow each other"},
      {"/{a}b", own},
      {"/a{b}", own},
      {"/{a}{b}", own},
      {"/{a", own},
      {"/a}", own},
      {"/{", own},
      {"/{}", name},
      {"/{a-b}", name},
      {"/{ a }", name},
      {"/{**}/x", "{**} is the last segment"},
      {"/{**}/", "{**} is the last segment"},
      {"/{a}/{a}", "two parameters have the name a"},
      {"/:id", id},
      {"/x/:id/y", id},
      {"/:id?", id},
      {"/<id>", id},
      {"/<int:id>", id},
      {"/{id:int}", checks},
      {"/{id: [0-9]+}", checks},
      {"/{id?}", checks},
      {"/{id=1}", checks},
      {"/*", rest},
      {"/**", rest},
      {"/*path", rest},
      {"/files/*.txt", rest},
      {"/{*path}", rest},
      {"/{**path}", rest},
      {"/{path...}", rest},
      {"/{path: **}", rest},
      {"/a%20b", decoded},
      {"/a%", nullptr},
      {"/a%2", nullptr},
      {"/100%zz", nullptr},
      {"/a?b", ends},
      {"/a#b", ends},
      {"/:", nullptr},
      {"/v1:batch", nullptr},
      {"/a<b>", nullptr},
      {"/\xC3\xA4", nullptr},
      {{"/a\0b", 4}, none, "/a\\x00b"},
      {"/a/\xC0\xAF", none, "/a/\\xc0\\xaf"},
  };
  for (const auto& row : rows) {
    Flame f;
    f.get(row.path, [] {});
    EXPECT_EQ(error_of(f), row.text == nullptr ? std::string()
                                               : "GET " + std::string(row.shown) + ": " + row.text);
  }
}

TEST(Routing, ConflictsAreToldAllAtOnceWithBothRoutes) {
  Flame f;
  f.get("/{a}", [] {});
  f.get("/{b}", [] {});
  f.get("y", [] {});
  f.get("/users/{id}/{**}", [] {});
  f.group("/users", [&] {
    f.get("/{name}/{**}", [] {});
    f.post("/{name}/{**}", [] {});
    f.any("/{other}/{**}", [] {});
    f.group("/{id}", [&] { f.any("/{**}", [] {}); });
  });
  f.put("/x", [] {});
  f.put("/x", [] {});
  EXPECT_EQ(
      error_of(f),
      "GET /{b} matches the same paths as GET /{a}, which is there already: leave one of them "
      "out\n"
      "GET y: a path starts with /\n"
      "GET /users/{name}/{**} matches the same paths as GET /users/{id}/{**}, which is there "
      "already: leave one of them out\n"
      "ANY /users/{id}/{**} matches the same paths as ANY /users/{other}/{**}, which is there "
      "already: leave one of them out\n"
      "PUT /x is there twice");
}

TEST(Routing, AParameterThatTheRouteLacksIsAnError) {
  Flame f;
  f.get("/plain", [](Context& c) { return c.param("id"); });
  f.get("/users/{id}/{**}", [](Context& c) { return c.param("name"); });
  f.not_found([](Context& c) { return c.param("id"); });
  TestClient client(f);
  struct Row {
    const char* target;
    const char* text;
  };
  for (const auto& row : {
           Row{"/plain", "flame: GET /plain: GET /plain has no parameter {id}: it has none\n"},
           Row{"/users/1/x",
               "flame: GET /users/1/x: GET /users/{id}/{**} has no parameter {name}: it has {id}, "
               "{**}\n"},
           Row{"/other",
               "flame: GET /other: f.not_found(...) has no parameter {id}: it has none\n"},
       }) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(client.get(row.target).status(), 500);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), row.text);
  }
}

}  // namespace
}  // namespace flame
