// Handlers that block, on threads of their own.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <flame/session/memory.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::get;
using test::status_of;
using test::Wire;

/// Handlers that hold their threads until it lets them go.
class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    open_ = true;
    open_.notify_all();
  }
  std::string pass() {
    ++inside_;
    open_.wait(false);
    return "passed";
  }
  void wait_for(int many) const {
    while (inside_ < many) std::this_thread::yield();
  }

 private:
  std::atomic<bool> open_{false};
  std::atomic<int> inside_{0};
};

HostOptions with(std::size_t threads, std::size_t waiting,
                 std::chrono::milliseconds drain_time = 30s) {
  HostOptions options;
  options.blocking_threads = threads;
  options.blocking_waiting = waiting;
  options.drain_time = drain_time;
  return test::local(options);
}

TEST(Blocking, OthersOfItsLoopAreServedMeanwhile) {
  Gate gate;
  Flame f(with(4, 4));
  f.get("/slow", blocking([&] { return gate.pass(); }));
  f.get("/fast", [] { return "fast"; });
  ASSERT_TRUE(f.start());
  Wire slow(f.address()), other(f.address()), fast(f.address());
  slow.send(get("/slow"));
  other.send(get("/slow"));
  gate.wait_for(2);
  fast.send(get("/fast"));
  EXPECT_EQ(body_of(fast.read_response()), "fast");
  gate.open();
  EXPECT_EQ(body_of(slow.read_response()), "passed");
  EXPECT_EQ(body_of(other.read_response()), "passed");
}

TEST(Blocking, BeyondTheThreadsTheyWaitAndBeyondThatAreTurnedAway) {
  Gate gate;
  Flame f(with(1, 1));
  f.get("/slow", blocking([&] { return gate.pass(); }));
  ASSERT_TRUE(f.start());
  Wire runs(f.address()), one(f.address()), other(f.address());
  runs.send(get("/slow"));
  gate.wait_for(1);
  one.send(get("/slow"));
  other.send(get("/slow"));
  std::promise<std::string> turned_away;
  const auto read = [&](Wire& wire) {
    auto response = wire.read_response();
    if (status_of(response) != "503") return body_of(response);
    turned_away.set_value(response);
    return std::string("busy");
  };
  auto first = std::async(std::launch::async, read, std::ref(one));
  auto second = std::async(std::launch::async, read, std::ref(other));
  EXPECT_NE(turned_away.get_future().get().find("Retry-After: 1\r\n"), std::string::npos);
  gate.open();
  EXPECT_EQ(body_of(runs.read_response()), "passed");
  EXPECT_EQ((std::set{first.get(), second.get()}), (std::set<std::string>{"busy", "passed"}));
}

TEST(Blocking, TheChainGoesOnOnItsLoop) {
  std::thread::id guard, handler, loop;
  Flame f(with(1, 1));
  f.get("/loop", [&] {
    loop = std::this_thread::get_id();
    return "";
  });
  f.get("/{n}", blocking([&](Context& c) {
          guard = std::this_thread::get_id();
          if (c.param("n") == "no") c.answer(Response(403, "refused"));
        }),
        [&](Context& c) {
          handler = std::this_thread::get_id();
          return c.param("n");
        });
  f.get("/throws/{n}", blocking([]() -> std::string { throw std::runtime_error("no luck"); }));
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  for (const auto* path : {"/loop", "/yes", "/no", "/throws/1", "/yes"}) wire.send(get(path));
  EXPECT_EQ(status_of(wire.read_response()), "200");
  EXPECT_EQ(body_of(wire.read_response()), "yes");
  EXPECT_EQ(body_of(wire.read_response()), "refused");
  EXPECT_EQ(status_of(wire.read_response()), "500");
  EXPECT_EQ(body_of(wire.read_response()), "yes");
  EXPECT_EQ(handler, loop);
  EXPECT_NE(guard, loop);
}

TEST(Blocking, ASessionIsLoadedBeforeAndSavedAfter) {
  Flame f(with(2, 2));
  f.use(session::sessioner({.store = session::memory::store()}));
  f.get("/set", blocking([](session::Session& s) {
          s.set("n", 7);
          return "set";
        }));
  f.get("/get", blocking([](const session::Session& s) {
          return std::to_string(s.get<int>("n").value_or(0));
        }));
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/set"));
  const auto set = wire.read_response();
  const auto from = set.find("Set-Cookie: ") + 12;
  wire.send("GET /get HTTP/1.1\r\nHost: h\r\nCookie: " +
            set.substr(from, set.find(';', from) - from) + "\r\n\r\n");
  EXPECT_EQ(body_of(wire.read_response()), "7");
}

TEST(Blocking, OneThatDoesNotEndIsLeftBehindAndWhoWaitsIsCut) {
  static auto& kept = *new std::deque<Gate>;  // a thread that is left behind may use it later still
  Gate& gate = kept.emplace_back();
  std::atomic<int> ran{0}, unwound{0};
  struct Unwinding {
    std::atomic<int>& count;
    ~Unwinding() { ++count; }
  };
  {
    Flame f(with(1, 8, 50ms));
    f.use([&](Context&, Next next) -> Task<> {
      const Unwinding one{unwound};
      co_await next();
    });
    f.get("/slow", blocking([&] {
            ++ran;
            return gate.pass();
          }));
    ASSERT_TRUE(f.start());
    Wire runs(f.address()), waits(f.address());
    runs.send(get("/slow"));
    gate.wait_for(1);
    waits.send(get("/slow"));
    f.stop();
    EXPECT_EQ(runs.read_all(), "");
    EXPECT_EQ(waits.read_all(), "");
    EXPECT_EQ(unwound, 1) << "of the one that waited";
  }
  EXPECT_EQ(ran, 1);
  gate.open();  // what it still uses is there
}

TEST(Blocking, ItMayStopItsHost) {
  Flame f(with(1, 1));
  std::promise<void> stopped;
  f.get("/stop", blocking([&] {
          f.stop();
          stopped.set_value();
          return "stops";
        }));
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/stop"));
  stopped.get_future().wait();
  EXPECT_EQ(body_of(wire.read_all()), "stops");
}

TEST(Blocking, WhatWaitsItselfNeedsNoThread) {
  Flame f(with(1, 1));
  f.get("/", blocking([]() -> Task<std::string> { co_return "never"; }));
  const auto started = f.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text.find("GET /: flame::blocking(...) is for a handler that blocks"),
            std::string::npos)
      << started.error().text;
}

TEST(Blocking, WithoutAThreadTheHostDoesNotStart) {
  Flame f(with(0, 1));
  const auto started = f.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text,
            "option blocking_threads is 0: handlers in flame::blocking need one at least");
}

TEST(Blocking, ATestClientRunsItAtOnce) {
  Flame f;
  f.get("/", blocking([] { return "here"; }));
  f.get("/throws", blocking([]() -> std::string { throw std::runtime_error("no luck"); }));
  TestClient client(f);
  EXPECT_EQ(client.get("/").body(), "here");
  EXPECT_EQ(client.get("/throws").status(), 500);
}

}  // namespace
}  // namespace flame
