#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using test::error_of;

using namespace std::chrono_literals;

struct Database {
  int rows = 0;
};

struct Greeting {
  std::string text = "hello";
};

std::string free_function(const Request& request, const Database& database) {
  return std::string(request.path()) + std::to_string(database.rows);
}

struct Pages {
  std::string name = "pages";
  std::string index() const { return name; }
  std::string rename(Context& c) { return name = std::string(c.body()); }
  const char* quiet() const noexcept { return "quiet"; }
};

TEST(Handler, Forms) {
  Flame f;
  Database database{3};
  Pages pages;
  f.map(database);
  f.get("/function", free_function);
  f.get("/pointer", &free_function);
  f.get("/member", &Pages::index, pages);
  f.post("/member", &Pages::rename, &pages);
  f.get("/kept", &Pages::index, Pages{"kept"});
  f.get("/shared", &Pages::quiet, std::make_shared<Pages>());
  TestClient client(f);
  EXPECT_EQ(client.get("/function").body(), "/function3");
  EXPECT_EQ(client.get("/pointer").body(), "/pointer3");
  EXPECT_EQ(client.get("/member").body(), "pages");
  EXPECT_EQ(client.post("/member", "renamed").body(), "renamed");
  EXPECT_EQ(client.get("/member").body(), "renamed");
  EXPECT_EQ(client.get("/kept").body(), "kept");
  EXPECT_EQ(client.get("/shared").body(), "quiet");
}

TEST(Handler, Results) {
  Flame f;
  f.get("/string", [] { return std::string("string"); });
  f.get("/literal", [] { return "literal"; });
  f.get("/response", [] { return Response(201, "made"); });
  f.get("/pair", [] { return std::pair{404, "none"}; });
  f.get("/json", [] { return Json("{}"); });
  f.get("/pair-json", [] { return std::pair{202, Json("[]")}; });
  f.get("/void", [](Context& c) { c.status(204); });
  f.get("/task", []() -> Task<std::string> { co_return "task"; });
  f.get("/task-void", [](Context& c) -> Task<> {
    co_await sleep_for(c, 1ms);
    c.answer("later");
  });
  f.get("/task-response", []() -> Task<Response> { co_return Response(418, "tea"); });
  f.get("/redirect", [](Context& c) { c.redirect("/else"); });
  f.get("/merged", [](Context& c) {
    c.header("X-Kept", "1").header("X-Replaced", "old");
    Response response(200, "merged");
    response.set("X-Replaced", "new");
    return response;
  });
  TestClient client(f);
  EXPECT_EQ(client.get("/string").body(), "string");
  EXPECT_EQ(client.get("/literal").body(), "literal");
  EXPECT_EQ(client.get("/literal").get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(client.get("/response").status(), 201);
  EXPECT_EQ(client.get("/pair").status(), 404);
  EXPECT_EQ(client.get("/pair").body(), "none");
  EXPECT_EQ(client.get("/json").get("Content-Type"), "application/json");
  EXPECT_EQ(client.get("/pair-json").status(), 202);
  EXPECT_EQ(client.get("/pair-json").body(), "[]");
  EXPECT_EQ(client.get("/void").status(), 204);
  EXPECT_EQ(client.get("/task").body(), "task");
  EXPECT_EQ(client.get("/task-void").body(), "later");
  EXPECT_EQ(client.get("/task-response").status(), 418);
  EXPECT_EQ(client.get("/redirect").status(), 303);
  EXPECT_EQ(client.get("/redirect").get("Location"), "/else");
  EXPECT_EQ(client.get("/merged").get("X-Kept"), "1");
  EXPECT_EQ(client.get("/merged").get("X-Replaced"), "new");
}

TEST(Handler, AResultEndsTheChainAndNoneGoesOn) {
  Flame f;
  std::string log;
  const auto guard = [&](Context& c) {
    log += "guard ";
    if (c.query("in")) c.redirect("/login");
  };
  const auto waiting = [&](Context& c) -> Task<> {
    co_await sleep_for(c, 1ms);
    log += "waited ";
  };
  f.get("/", guard, waiting, [&] { log += "last"; });
  TestClient client(f);
  client.get("/");
  EXPECT_EQ(std::exchange(log, {}), "guard waited last");
  EXPECT_EQ(client.get("/?in=1").status(), 303);
  EXPECT_EQ(log, "guard ");
}

TEST(Handler, WhatFollowsAResultIsAnErrorAtStart) {
  Flame f;
  f.get(
      "/guarded", [] { return "secret"; }, [](Context& c) { c.redirect("/login"); });
  f.get(
      "/late", []() -> Task<std::string> { co_return "secret"; }, [] {});
  f.not_found([] { return "no"; }, [] { return "never"; });
  f.get(
      "/right", [](Context&) {}, [] { return std::optional<std::string>(); },
      [] { return "last"; });
  const auto started = f.start();
  ASSERT_FALSE(started);
  const std::string text =
      ": a handler that returns its answer is not the last, and what follows it would never run: "
      "guards come first";
  EXPECT_EQ(started.error().text,
            "GET /guarded" + text + "\nGET /late" + text + "\nf.not_found(...)" + text);
}

TEST(Handler, WhatIsAddedBehindATestClientIsThereForTheNext) {
  Flame f;
  f.get("/", [] { return "here"; });
  TestClient client(f);
  EXPECT_EQ(client.get("/").body(), "here");
  f.get("/more", [] { return "more"; });
  EXPECT_THROW(client.get("/"), std::logic_error);
  EXPECT_EQ(TestClient(f).get("/more").body(), "more");
}

TEST(Handler, Services) {
  Flame f;
  const auto shared = std::make_shared<Database>(Database{1});
  f.map(shared);
  const Greeting greeting;
  f.map(greeting);
  f.get("/write", [](Database& d) { return std::to_string(++d.rows); });
  f.get("/read", [](const Database* d) { return std::to_string(d->rows); });
  f.get("/const",
        [](const Greeting& g, const Pages* none) { return none == nullptr ? g.text : "?"; });
  TestClient client(f);
  EXPECT_EQ(client.get("/write").body(), "2");
  EXPECT_EQ(client.get("/read").body(), "2");
  EXPECT_EQ(client.get("/const").body(), "hello");
}

TEST(Handler, WhatNobodyProvidesIsAnErrorAtStart) {
  Flame f;
  f.get("/x", [](Database&) { return "x"; });
  f.post("/y/{id}", [](const Database&) { return "y"; });
  EXPECT_EQ(error_of(f),
            "GET /x asks for `flame::(anonymous namespace)::Database&`, which nothing provides: "
            "f.map(...) "
            "one, or take `flame::(anonymous namespace)::Database*`\n"
            "POST /y/{id} asks for `const flame::(anonymous namespace)::Database&`, which nothing "
            "provides: "
            "f.map(...) one, or take `const flame::(anonymous namespace)::Database*`");

  Flame read_only;
  const Database database;
  read_only.map(database);
  read_only.get("/x", [](Database&) { return "x"; });
  EXPECT_EQ(
      error_of(read_only),
      "GET /x asks for `flame::(anonymous namespace)::Database&`, which is provided as const only: "
      "take `const flame::(anonymous namespace)::Database&`");

  Flame twice;
  Database one;
  twice.map(one);
  twice.map(one);
  EXPECT_EQ(error_of(twice), "f.map(...) got two services of one type");

  Flame null;
  null.map(std::shared_ptr<Database>());
  EXPECT_EQ(error_of(null), "f.map(...) got a null pointer");
}

TEST(Handler, WhatItThrowsIsA500WithoutDetail) {
  Flame f;
  f.get("/throw", []() -> std::string { throw std::runtime_error("secret detail"); });
  f.get("/later", [](Context& c) -> Task<std::string> {
    co_await sleep_for(c, 1ms);
    throw std::runtime_error("secret detail");
  });
  f.get("/odd", []() -> std::string { throw 5; });
  f.get("/field", [](Context& c) { c.header("X", "a\r\nSet-Cookie: b"); });
  TestClient client(f);
  for (const char* path : {"/throw", "/later", "/odd", "/field"}) {
    const auto response = client.get(path);
    EXPECT_EQ(response.status(), 500) << path;
    EXPECT_EQ(response.body(), "Internal Server Error\n") << path;
    EXPECT_TRUE(response.get("Set-Cookie").empty()) << path;
  }
}

}  // namespace
}  // namespace flame
