#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using test::error_of;

using namespace std::chrono_literals;

struct Ticket {
  int number = 0;
};
struct Stamp {};

/// Hands out tickets; says what it was told.
class Tickets final : public Provider {
 public:
  std::vector<Offer> offers() const override { return {offer<Ticket>(), offer<const Stamp>()}; }
  session::Result<void> open() override {
    ++opened;
    if (broken) return tl::unexpected(session::Error{session::Errc::invalid_option, "no tickets"});
    return {};
  }
  void close() noexcept override { ++closed; }
  Task<> around(Context& context, std::span<const Wanted> wanted, Next next) override {
    ++requests;
    last.assign(wanted.begin(), wanted.end());
    if (sold_out && wanted[0].required) {
      context.answer(Response(503, "sold out"));
      co_return;
    }
    Ticket ticket{requests};
    const Stamp stamp;
    if (!sold_out) wanted[0].give(context, &ticket);
    wanted[1].give(context, &stamp);
    if (waits) co_await sleep_for(context, 1ms);
    co_await next();
    used = ticket.number;
  }

  bool broken = false, sold_out = false, waits = false;
  int opened = 0, closed = 0, requests = 0, used = 0;
  std::vector<Wanted> last{};
};

Task<> around(std::string& log, std::string name, Next next) {
  log += "(" + name + " ";
  co_await next();
  log += " " + name + ")";
}

TEST(Middleware, RunsInOrderAroundWhatFollows) {
  Flame f;
  std::string log;
  f.use([&](Context&, Next next) { return around(log, "a", next); });
  f.use([&] { log += "before "; });
  f.get(
      "/", [&](Next next) { return around(log, "b", next); }, [&] { log += "handler"; });
  f.use([&](Context&, Next next) {
    return around(log, "c", next);
  });  // after the route: all the same
  TestClient client(f);
  client.get("/");
  EXPECT_EQ(std::exchange(log, {}), "(a before (c (b handler b) c) a)");
  EXPECT_EQ(client.get("/none").status(), 404);
  EXPECT_EQ(log, "(a before (c  c) a)");
}

TEST(Middleware, MayAnswerInsteadOfGoingOn) {
  Flame f;
  bool ran = false;
  f.use([](Context& c, Next next) -> Task<> {
    if (c.query("stop")) {
      c.answer("stopped");
    } else {
      co_await next();
    }
  });
  f.get("/", [&] { ran = true; });
  TestClient client(f);
  EXPECT_EQ(client.get("/?stop").body(), "stopped");
  EXPECT_FALSE(ran);
  client.get("/");
  EXPECT_TRUE(ran);
}

TEST(Middleware, SeesAndCatchesWhatHandlersThrow) {
  Flame f;
  f.use([](Context& c, Next next) -> Task<> {
    std::string text;
    try {
      co_await next();
    } catch (const std::exception& error) {
      text = error.what();
    }
    if (!text.empty()) c.answer("caught " + text);
  });
  f.get("/now", []() -> std::string { throw std::runtime_error("now"); });
  f.get("/later", [](Context& c) -> Task<std::string> {
    co_await sleep_for(c, 1ms);
    throw std::runtime_error("later");
  });
  TestClient client(f);
  EXPECT_EQ(client.get("/now").body(), "caught now");
  EXPECT_EQ(client.get("/later").body(), "caught later");
}

TEST(Middleware, AwaitingNextTwiceIsAnError) {
  Flame f;
  int runs = 0;
  f.use([](Next next) -> Task<> {
    co_await next();
    co_await next();
  });
  f.get("/", [&] {
    ++runs;
    return "done";
  });
  TestClient client(f);
  testing::internal::CaptureStderr();
  EXPECT_EQ(client.get("/").status(), 500);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("awaited next() twice"), std::string::npos);
  EXPECT_EQ(runs, 1);
}

TEST(Middleware, OneThatAnsweredLetsNobodyIn) {
  Flame f;
  int runs = 0;
  f.get(
      "/",
      [](Context& c, Next next) -> Task<> {
        c.redirect("/login");  // and no co_return
        co_await next();
      },
      [&] { ++runs; });
  TestClient client(f);
  testing::internal::CaptureStderr();
  EXPECT_EQ(client.get("/").status(), 500);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("co_return where it has answered"),
            std::string::npos);
  EXPECT_EQ(runs, 0);
}

TEST(Middleware, NeitherGoingOnNorAnsweringIsAnErrorThatIsTold) {
  Flame f;
  f.use([](Context& c, Next next) -> Task<> {
    if (c.query("on")) co_await next();
    if (c.query("status")) c.status(204);
  });
  f.get("/", [] {});
  TestClient client(f);
  EXPECT_EQ(client.get("/?on").status(), 200);
  EXPECT_EQ(client.get("/?status").status(), 204);
  testing::internal::CaptureStderr();
  EXPECT_EQ(client.get("/").status(), 500);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("a middleware ended without an answer"),
            std::string::npos);
}

TEST(Provider, GivesWhatHandlersAskFor) {
  for (const bool waits : {false, true}) {
    const auto tickets = std::make_shared<Tickets>();
    tickets->waits = waits;
    Flame f;
    f.use(Middleware(tickets));
    f.get("/ticket", [](Ticket& t) { return std::to_string(t.number *= 10); });
    TestClient client(f);
    EXPECT_EQ(client.get("/ticket").body(), "10");
    EXPECT_EQ(tickets->used, 10);
    EXPECT_EQ(client.get("/ticket").body(), "20");
  }
}

TEST(Provider, IsToldWhatIsWantedAndIsLeftOutWhereNothingIs) {
  const auto tickets = std::make_shared<Tickets>();
  Flame f;
  f.use(Middleware(tickets));
  f.get("/none", [] { return "none"; });
  f.get("/read", [](const Ticket&) {});
  f.get("/optional", [](Ticket*) {});
  f.get(
      "/both", [](const Ticket*) {}, [](Ticket&, const Stamp&) {});
  TestClient client(f);
  client.get("/none");
  client.get("/nowhere");
  EXPECT_EQ(tickets->requests, 0);

  const auto wanted = [&](const char* path) {
    client.get(path);
    std::string text;
    for (const auto& each : tickets->last) {
      text += each.read ? 'r' : '-';
      text += each.write ? 'w' : '-';
      text += each.required ? "! " : "? ";
    }
    return text;
  };
  EXPECT_EQ(wanted("/read"), "r-! --? ");
  EXPECT_EQ(wanted("/optional"), "rw? --? ");
  EXPECT_EQ(wanted("/both"), "rw! r-! ");
}

TEST(Provider, WhatItHasNotIsNullForPointers) {
  const auto tickets = std::make_shared<Tickets>();
  tickets->sold_out = true;
  Flame f;
  f.use(Middleware(tickets));
  f.get("/optional", [](Ticket* t) { return t == nullptr ? "none" : "some"; });
  f.get("/required", [](Ticket&) { return "ran"; });
  TestClient client(f);
  EXPECT_EQ(client.get("/optional").body(), "none");
  EXPECT_EQ(client.get("/required").status(), 503);
}

TEST(Provider, TheNearestOneGives) {
  const auto far = std::make_shared<Tickets>(), near = std::make_shared<Tickets>();
  Flame f;
  f.use(Middleware(far));
  f.get("/", Middleware(near), [](Ticket&) {});
  f.get("/far", [](Ticket&) {});
  TestClient client(f);
  client.get("/");
  EXPECT_EQ(near->requests, 1);
  EXPECT_EQ(far->requests, 0);
  client.get("/far");
  EXPECT_EQ(far->requests, 1);
}

TEST(Provider, OpensOnceAndClosesOnce) {
  const auto tickets = std::make_shared<Tickets>();
  Flame f;
  f.use(Middleware(tickets));
  f.get("/a", Middleware(tickets), [] {});
  f.get("/b", [] {});
  { const TestClient client(f); }
  EXPECT_EQ(tickets->opened, 1);
  EXPECT_EQ(tickets->closed, 1);
}

TEST(Provider, ErrorsAtStart) {
  const auto tickets = std::make_shared<Tickets>();
  tickets->broken = true;
  Flame f;
  f.use(Middleware(tickets));
  f.get("/", [] {});
  EXPECT_EQ(error_of(f), "no tickets");
  EXPECT_EQ(tickets->closed, 0);

  Flame late;
  late.use([](const Ticket&) {});
  late.use(Middleware(std::make_shared<Tickets>()));
  late.get("/", [] {});
  EXPECT_EQ(
      error_of(late),
      "f.use(...) asks for `const flame::(anonymous namespace)::Ticket&`, which nothing before it "
      "provides: put that middleware first");

  Flame changing;
  changing.use(Middleware(std::make_shared<Tickets>()));
  changing.get("/", [](Stamp*) {});
  EXPECT_EQ(error_of(changing),
            "GET / asks for `flame::(anonymous namespace)::Stamp*`, which is provided as const "
            "only: take "
            "`const flame::(anonymous namespace)::Stamp*`");
}

}  // namespace
}  // namespace flame
