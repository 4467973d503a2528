#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace {
struct Page {
  std::string title{};
};
}  // namespace

template <>
struct flame::Answer<Page> {
  static void give(Context& context, Page page) {
    context.answer(html("<title>" + page.title + "</title>"));
  }
};

namespace flame {
namespace {

std::string location(const Response& response) { return std::string(response.get("Location")); }

TEST(Answer, ATypeOfTheApplicationsOwn) {
  Flame f;
  f.get("/", [] { return Page{"one"}; });
  f.get("/task", []() -> Task<Page> { co_return Page{"two"}; });
  f.get("/status", [] { return std::pair{422, Page{"three"}}; });
  TestClient client(f);
  EXPECT_EQ(client.get("/").body(), "<title>one</title>");
  EXPECT_EQ(client.get("/").get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(client.get("/task").body(), "<title>two</title>");
  EXPECT_EQ(client.get("/status").status(), 422);
  EXPECT_EQ(client.get("/status").body(), "<title>three</title>");
}

TEST(Answer, AGuardAnswersOrLetsPass) {
  Flame f;
  f.use([](Context& c) -> std::optional<Response> {
    if (c.query("user")) return std::nullopt;
    return redirect("/login");
  });
  f.get(
      "/", [](Context& c) -> std::optional<std::string> { return c.query("early"); },
      [](Context& c) -> Task<std::optional<std::pair<int, std::string>>> {
        if (c.query("admin")) co_return std::nullopt;
        co_return std::pair(403, std::string("no"));
      },
      blocking([](Context& c) -> std::optional<Page> {
        if (c.query("page")) return Page{"one"};
        return {};
      }),
      [] { return "in"; });
  TestClient client(f);
  EXPECT_EQ(location(client.get("/")), "/login");
  EXPECT_EQ(client.get("/?user&early=1").body(), "1");
  EXPECT_EQ(client.get("/?user").status(), 403);
  EXPECT_EQ(client.get("/?user&admin&page").body(), "<title>one</title>");
  EXPECT_EQ(client.get("/?user&admin").body(), "in");
}

TEST(Answer, AnOptionalOneIsNotTheLast) {
  Flame f;
  f.get("/x", [] { return std::optional<std::string>(); });
  f.get(
      "/y", [] { return std::optional<std::string>(); }, [] {});
  f.not_found([] { return std::optional<std::string>(); });
  EXPECT_EQ(test::error_of(f),
            "GET /x: its last handler returns a std::optional, which may be empty, and then nobody "
            "answers: return flame::Response(404), or let another handler follow");
}

TEST(Answer, EachSetCookieStays) {
  Flame f;
  f.use([](Context& c) { c.response().append("Set-Cookie", "a=1").append("X", "old"); });
  f.get("/", [] {
    Response response("done");
    response.append("Set-Cookie", "b=2").append("X", "new");
    return response;
  });
  TestClient client(f);
  std::string seen;
  const auto answer = client.get("/");
  for (const auto& field : answer.fields()) {
    if (field.name != "Content-Type")
      seen.append(field.name).append(":").append(field.value) += ' ';
  }
  EXPECT_EQ(seen, "Set-Cookie:a=1 Set-Cookie:b=2 X:new ");
}

TEST(Redirect, EncodesWhatAUrlCannotHave) {
  const std::pair<const char*, const char*> cases[]{
      {"/x", "/x"},
      {"/a b", "/a%20b"},
      {"/a%20b", "/a%20b"},
      {"/100%", "/100%25"},
      {"/100%zz", "/100%25zz"},
      {"/a\r\nSet-Cookie: b=c", "/a%0D%0ASet-Cookie:%20b=c"},
      {"/Stra\xc3\x9f"
       "e",
       "/Stra%C3%9Fe"},
      {"/\\x", "/%5Cx"},
      {"/<\"`{|}>^\x7f", "/%3C%22%60%7B%7C%7D%3E%5E%7F"},
      {"https://u@h.example:8443/p?q=[1]&r='2'#f", "https://u@h.example:8443/p?q=[1]&r='2'#f"},
      {"next?page=2", "next?page=2"},
  };
  for (const auto& [target, sent] : cases) EXPECT_EQ(location(redirect(target)), sent);
  EXPECT_EQ(location(redirect(std::string_view("/\0x", 3))), "/%00x");
}

TEST(Redirect, HasAStatusThatRedirects) {
  EXPECT_EQ(redirect("/").status(), 303);
  EXPECT_EQ(redirect("/", 308).status(), 308);
  for (const int wrong : {200, 300, 304, 305, 306, 404}) {
    EXPECT_THROW(static_cast<void>(redirect("/", wrong)), std::invalid_argument) << wrong;
  }
  EXPECT_THROW(static_cast<void>(redirect("")), std::invalid_argument);
}

TEST(Redirect, LocalLeadsNowhereElse) {
  for (const char* own : {"/", "/a", "/a?next=//b", "/%2F/b", "/./a"}) {
    EXPECT_EQ(location(redirect_local(own, "/home")), own);
  }
  for (const char* other : {"", "a", "//b.example", "///b.example", "/\\b.example", "\\\\b.example",
                            "https://b.example", "javascript:alert(1)", " /a", "\t//b.example"}) {
    EXPECT_EQ(location(redirect_local(other, "/home")), "/home") << other;
  }
  // Browsers drop these three wherever they are.
  EXPECT_EQ(location(redirect_local("/\t/b.example")), "/%09/b.example");
  EXPECT_EQ(location(redirect_local("/\n/b.example")), "/%0A/b.example");
  EXPECT_EQ(location(redirect_local("/\r\\b.example")), "/%0D%5Cb.example");
  EXPECT_EQ(location(redirect_local("//b.example")), "/");
}

}  // namespace
}  // namespace flame
