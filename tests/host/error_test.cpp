#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include <flame/flame.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/faulty_store.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using session::Session;

TEST(HttpError, AnswersWithItsStatusAndText) {
  Flame f;
  f.get("/gone", []() -> std::string { throw HttpError(410, "this page has moved out"); });
  f.get("/later", []() -> Task<> {
    throw HttpError(429);
    co_return;
  });
  f.get("/own", []() -> std::string { throw HttpError(503, "closed for today"); });
  f.get("/wrong", []() -> std::string { throw HttpError(200, "x"); });
  TestClient client(f);
  testing::internal::CaptureStderr();
  EXPECT_EQ(client.get("/gone").status(), 410);
  EXPECT_EQ(client.get("/gone").body(), "this page has moved out\n");
  EXPECT_EQ(client.get("/gone").get("Cache-Control"), "no-store");
  EXPECT_EQ(client.get("/later").status(), 429);
  EXPECT_EQ(client.get("/later").body(), "Too Many Requests\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "a 4xx is no failure";

  testing::internal::CaptureStderr();
  EXPECT_EQ(client.get("/own").status(), 503);
  EXPECT_EQ(client.get("/own").body(), "closed for today\n");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("GET /own: closed for today\n"),
            std::string::npos);
  testing::internal::CaptureStderr();
  EXPECT_EQ(client.get("/wrong").status(), 500);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("400 to 599"), std::string::npos);
}

TEST(HttpError, IsAnErrorsStatus) {
  for (const int status : {-1, 0, 200, 399, 600})
    EXPECT_THROW(HttpError(status, "x"), std::invalid_argument) << status;
  for (const int status : {400, 599}) EXPECT_EQ(HttpError(status, "x").status(), status);
}

TEST(HttpError, CarriesFields) {
  Flame f{test::local()};
  f.get("/busy", []() -> std::string {
    throw HttpError(429, "too many tries").set("Retry-After", "60").set("X-Left", "0");
  });
  f.get("/gone", []() -> std::string { throw HttpError(410).set("Cache-Control", "max-age=600"); });
  f.get("/wrong", []() -> std::string { throw HttpError(400).set("Content-Length", "5"); });
  TestClient client(f);
  const auto busy = client.get("/busy");
  EXPECT_EQ(busy.status(), 429);
  EXPECT_EQ(busy.body(), "too many tries\n");
  EXPECT_EQ(busy.get("Retry-After"), "60");
  EXPECT_EQ(busy.get("X-Left"), "0");
  EXPECT_EQ(busy.get("Cache-Control"), "no-store");
  EXPECT_EQ(client.get("/gone").get("Cache-Control"), "max-age=600");
  testing::internal::CaptureStderr();
  EXPECT_EQ(client.get("/wrong").status(), 500);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("Content-Length"), std::string::npos);
  f.on_error([](const Context&, int, std::string_view text) { return html(std::string(text)); });
  TestClient with_page(f);
  EXPECT_EQ(with_page.get("/busy").get("Retry-After"), "60");
  EXPECT_EQ(with_page.get("/busy").body(), "too many tries");
}

class NoResult : public testing::Test {
 protected:
  NoResult() {
    session::Options options;
    options.store = store;
    options.on_event = [](const session::Event&) {};
    f.use(session::sessioner(options));
    f.get("/list", blocking([](session::Manager& manager) {
            return std::to_string(manager.list("ann").value().size());
          }));
    f.get("/end", [](session::Manager& manager) -> Task<> {
      static_cast<void>(manager.end_all("ann").value());
      co_return;
    });
    f.get("/session", [](const Session&) { return "session"; });
    f.get("/set", [](Session& s) { s.set_owner("ann"); });
    f.get("/stopped", []() -> std::string {
      throw tl::bad_expected_access<session::Error>({session::Errc::random_failed, "no luck"});
    });
    f.get("/memory", []() -> std::string {
      throw tl::bad_expected_access<session::Error>({session::Errc::out_of_memory, {}});
    });
  }
  const std::shared_ptr<session::test_support::FaultyStore> store =
      std::make_shared<session::test_support::FaultyStore>(session::memory::store());
  Flame f{};
};

TEST_F(NoResult, IsAnsweredLikeASessionThatCannotBeLoaded) {
  TestClient client(f);
  TestVisitor ann(client);
  ann.get("/set");
  EXPECT_EQ(ann.get("/list").body(), "1");
  store->down();
  testing::internal::CaptureStderr();
  const auto session = ann.get("/session");
  EXPECT_EQ(session.status(), 503);
  for (const auto* path : {"/list", "/end"}) {
    const auto answer = ann.get(path);
    EXPECT_EQ(answer.status(), 503) << path;
    EXPECT_EQ(answer.get("Retry-After"), session.get("Retry-After")) << path;
    EXPECT_EQ(answer.get("Retry-After"), "1") << path;
    EXPECT_EQ(answer.get("Cache-Control"), "no-store") << path;
    EXPECT_EQ(answer.body(), session.body()) << path;
  }
  const auto lines = testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find("GET /list: faulty store: the connection is lost"), std::string::npos)
      << lines;
}

TEST_F(NoResult, IsA500WhereTryingAgainDoesNotHelp) {
  f.on_error([](const Context&, int status, std::string_view) {
    return html("<h1>" + std::to_string(status) + "</h1>");
  });
  TestClient client(f);
  testing::internal::CaptureStderr();
  const auto answer = client.get("/stopped");
  EXPECT_EQ(answer.status(), session::http_status(session::Errc::random_failed));
  EXPECT_EQ(answer.body(), "<h1>" + std::to_string(answer.status()) + "</h1>");
  client.get("/memory");
  const auto lines = testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find("GET /stopped: no luck"), std::string::npos) << lines;
  EXPECT_NE(lines.find("GET /memory: out of memory"), std::string::npos) << lines;
}

TEST(HttpError, SavesNothing) {
  Flame f;
  session::Options options;
  options.on_event = [](const session::Event&) {};
  f.use(session::sessioner(options));
  f.get("/set", [](Session& s) { s.set("a", 1); });
  f.get("/get", [](const Session& s) { return std::to_string(s.get_or<int>("a", 0)); });
  f.get("/throw", [](Session& s) -> std::string {
    s.set("a", 2);
    throw HttpError(403);
  });
  TestClient client(f);
  TestVisitor visitor(client);
  const auto refused = visitor.get("/throw");
  EXPECT_EQ(refused.status(), 403);
  EXPECT_TRUE(refused.get("Set-Cookie").empty());
  EXPECT_EQ(refused.get("Vary"), "Cookie");
  visitor.get("/set");
  EXPECT_EQ(visitor.get("/throw").status(), 403);
  EXPECT_EQ(visitor.get("/get").body(), "1");
}

Response page(const Context& context, int status, std::string_view text) {
  if (context.request().path() == "/broken") throw std::runtime_error("no page");
  auto made = html("<h1>" + std::to_string(status) + " " + std::string(text) + "</h1>");
  made.set("X-Page", "1");
  return made;
}

class ErrorPageTest : public testing::Test {
 protected:
  ErrorPageTest() {
    f.on_error(page);
    f.get("/throws", []() -> std::string { throw std::runtime_error("secret"); });
    f.get("/http", []() -> std::string { throw HttpError(409, "taken"); });
    f.get("/own", [] { return Response(404, "my own"); });
    f.get("/broken", []() -> std::string { throw HttpError(409, "taken"); });
  }
  Flame f{test::local()};
};

TEST_F(ErrorPageTest, IsForTheErrorsOfTheHost) {
  TestClient client(f);
  const auto missing = client.get("/none");
  EXPECT_EQ(missing.status(), 404);
  EXPECT_EQ(missing.body(), "<h1>404 Not Found</h1>");
  EXPECT_EQ(missing.get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(missing.get("X-Page"), "1");
  const auto method = client.post("/own", "");
  EXPECT_EQ(method.status(), 405);
  EXPECT_EQ(method.body(), "<h1>405 Method Not Allowed</h1>");
  EXPECT_NE(method.get("Allow"), "");
  EXPECT_EQ(client.get("/throws").body(), "<h1>500 Internal Server Error</h1>");
  EXPECT_EQ(client.get("/throws").get("Cache-Control"), "no-store");
  EXPECT_EQ(client.get("/http").body(), "<h1>409 taken</h1>");
  EXPECT_EQ(client.get("/http").status(), 409);
  EXPECT_EQ(client.get("/own").body(), "my own");
}

TEST_F(ErrorPageTest, ThatThrowsIsLeftOut) {
  TestClient client(f);
  EXPECT_EQ(client.get("/broken").status(), 409);
  EXPECT_EQ(client.get("/broken").body(), "taken\n");
}

TEST_F(ErrorPageTest, IsForAStoreThatIsDown) {
  session::Manager manager({});
  f.use(session::sessioner_on(manager));
  f.get("/session", [](Session&) { return "session"; });
  TestClient client(f);
  ASSERT_TRUE(manager.stop());
  const auto down = client.get("/session");
  EXPECT_GE(down.status(), 500);
  EXPECT_TRUE(down.body().starts_with("<h1>5")) << down.body();
}

TEST_F(ErrorPageTest, IsForABodyTooLargeAndNotForAMalformedRequest) {
  ASSERT_TRUE(f.start());
  test::Wire large(f.address());
  large.send("POST /own HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n");
  const auto refused = large.read_all();
  EXPECT_EQ(test::status_of(refused), "413");
  EXPECT_EQ(test::body_of(refused), "<h1>413 Content Too Large</h1>");
  test::Wire bad(f.address());
  bad.send("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n");
  EXPECT_EQ(test::body_of(bad.read_all()), "Bad Request\n");
}

}  // namespace
}  // namespace flame
