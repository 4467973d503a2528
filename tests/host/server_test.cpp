#include <gtest/gtest.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::get;
using test::status_of;
using test::Wire;

TEST(Server, ServesOnManyThreadsAtOnce) {
  HostOptions options;
  options.threads = 2;
  Flame f(test::local(options));
  f.get("/{n}", [](Context& c) -> Task<std::string> {
    co_await sleep_for(c, 1ms);
    co_return c.param("n");
  });
  ASSERT_TRUE(f.start());
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    clients.emplace_back([&, t] {
      Wire wire(f.address());
      for (int i = 0; i < 25; ++i) {
        const auto n = std::to_string(t * 1000 + i);
        wire.send(get("/" + n));
        if (body_of(wire.read_response()) == n) ++good;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(good, 200);
}

TEST(Server, ASleepingHandlerDoesNotHoldOthersUp) {
  Flame f(test::local());
  std::atomic<bool> go{false};
  f.get("/slow", [&](Context& c) -> Task<std::string> {
    while (!go) co_await sleep_for(c, 1ms);
    co_return "slow";
  });
  f.get("/quick", [&] {
    go = true;
    return "quick";
  });
  ASSERT_TRUE(f.start());
  Wire slow(f.address()), quick(f.address());
  slow.send(get("/slow"));
  quick.send(get("/quick"));
  EXPECT_EQ(body_of(quick.read_response()), "quick");
  EXPECT_EQ(body_of(slow.read_response()), "slow");
}

TEST(Server, AThrowingHandlerClosesNothing) {
  Flame f(test::local());
  f.get("/throw", []() -> std::string { throw 1; });
  f.get("/fine", [] { return "fine"; });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/throw") + get("/fine"));
  EXPECT_EQ(status_of(wire.read_response()), "500");
  EXPECT_EQ(body_of(wire.read_response()), "fine");
}

TEST(Server, AHandlerRunsToItsEndWhenTheClientIsGone) {
  Flame f(test::local());
  std::promise<void> started, ended;
  std::atomic<bool> gone{false};
  f.get("/", [&](Context& c) -> Task<std::string> {
    started.set_value();
    while (!gone) co_await sleep_for(c, 1ms);
    ended.set_value();
    co_return std::string(1'000'000, 'x');
  });
  ASSERT_TRUE(f.start());
  {
    Wire wire(f.address());
    wire.send(get("/"));
    started.get_future().wait();
    wire.reset_on_close();
  }
  gone = true;
  EXPECT_EQ(ended.get_future().wait_for(30s), std::future_status::ready);
  f.stop();
}

TEST(Server, LargeResponsesToSlowReaders) {
  Flame f(test::local());
  const std::string large(20'000'000, 'x');
  f.get("/", [&] { return large; });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/") + get("/"));
  EXPECT_TRUE(body_of(wire.read_response()) == large);
  EXPECT_TRUE(body_of(wire.read_response()) == large);
}

TEST(Server, StopFinishesWhatIsUnderWayAndThenRefuses) {
  Flame f(test::local());
  std::promise<void> started;
  std::atomic<bool> go{false};
  f.get("/slow", [&](Context& c) -> Task<std::string> {
    started.set_value();
    while (!go) co_await sleep_for(c, 1ms);
    co_return "done";
  });
  ASSERT_TRUE(f.start());
  const auto address = f.address();
  Wire idle(address), busy(address);
  busy.send(get("/slow"));
  started.get_future().wait();
  std::thread stopping([&] { f.stop(); });
  EXPECT_EQ(idle.read_all(), "");  // closed by the drain
  EXPECT_FALSE(Wire(address).connected());
  go = true;
  const auto answer = busy.read_all();
  EXPECT_EQ(body_of(answer), "done");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  stopping.join();
}

TEST(Server, StopDoesNotWaitForEver) {
  HostOptions options;
  options.drain_time = 10ms;
  Flame f(test::local(options));
  const auto token = std::make_shared<int>(1);
  std::promise<void> started;
  f.get("/", [&](Context& c) -> Task<> {
    const auto held = token;
    started.set_value();
    co_await sleep_for(c, std::chrono::hours(1));
  });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/"));
  started.get_future().wait();
  f.stop();
  EXPECT_EQ(wire.read_all(), "");
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Server, MayBeStoppedByAHandlerAndStartedAgain) {
  Flame f(test::local());
  f.get("/stop", [&] {
    f.stop();
    return "stopping";
  });
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(f.start());
    Wire wire(f.address());
    wire.send(get("/stop"));
    EXPECT_EQ(body_of(wire.read_all()), "stopping");
    f.stop();
  }
}

TEST(Server, BadAndUsedAddressesAreErrors) {
  for (const char* bad :
       {"nonsense", ":80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x", "1::2:3:x"}) {
    HostOptions options;
    options.address = bad;
    Flame f(options);
    const auto started = f.start();
    ASSERT_FALSE(started) << bad;
    EXPECT_EQ(started.error().text, "`" + std::string(bad) +
                                        "` is no address to listen on: give host:port, such as "
                                        "127.0.0.1:2830 (option address, or FLAME_ADDR)");
  }
  Flame first(test::local());
  ASSERT_TRUE(first.start());
  HostOptions same;
  same.address = first.address();
  Flame second(same);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text, "cannot listen on " + same.address +
                                      ": Address already in use: end what listens there, or choose "
                                      "another port (option address, or FLAME_ADDR)");
}

TEST(Server, TheEnvironmentsAddressCountsWhereTheProgramNamesNone) {
  ::setenv("FLAME_ADDR", "nowhere", 1);
  HostOptions options;
  options.threads = 1;
  Flame f(options);
  const auto started = f.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text.substr(0, 9), "`nowhere`");
  Flame named(test::local());
  EXPECT_TRUE(named.start());
  ::setenv("FLAME_ADDR", "127.0.0.1:0", 1);
  EXPECT_TRUE(f.start());
  EXPECT_NE(f.address(), "");
  ::unsetenv("FLAME_ADDR");
}

TEST(Server, AnAddressMayBeAName) {
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo("localhost", nullptr, nullptr, &found); error != 0)
    GTEST_SKIP() << "this machine does not know localhost (" << ::gai_strerror(error)
                 << "): /etc/hosts should name it";
  ::freeaddrinfo(found);
  HostOptions options;
  options.address = "localhost:0";
  Flame f(options);
  EXPECT_TRUE(f.start());
  EXPECT_NE(f.address(), "");
}

TEST(Server, WrongOptionsAndRoutesAreReportedAtOnce) {
  HostOptions options;
  options.max_fields = 0;
  options.idle_time = 0ms;
  Flame f(test::local(options));
  const auto started = f.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text, "option max_fields is 0\noption idle_time is not above 0");
}

TEST(ServerDeath, RunPrintsOneLineEachAndExitsWithOne) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Flame f(test::local());
        f.get("x", [] {});
        f.get("y", [] {});
        f.run();
      },
      testing::ExitedWithCode(1),
      "^flame: GET x: a path starts with /\nflame: GET y: a path starts with /\n$");
}

TEST(ServerDeath, SigtermEndsRunInOrder) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        int out[2];
        if (::pipe(out) != 0 || ::dup2(out[1], STDOUT_FILENO) < 0) ::_exit(9);
        std::optional<Flame> f(test::local());
        f->get("/", [](Context& c) -> Task<std::string> {
          ::kill(::getpid(), SIGTERM);
          co_await sleep_for(c, 50ms);
          co_return "ended";
        });
        std::thread client([&] {
          char line[64] = {};
          if (::read(out[0], line, sizeof line - 1) <= 0) ::_exit(8);
          Wire wire(std::string(line, std::string(line).find('\n')));
          wire.send(get("/"));
          if (body_of(wire.read_all()) != "ended") ::_exit(7);
        });
        f->run();
        client.join();
        f.reset();  // or its threads are leaks
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Server, AnUnfinishedBodyEndsWithTheDrainTime) {
  HostOptions options;
  options.drain_time = 20ms;
  for (int i = 0; i < 20; ++i) {
    Flame f(test::local(options));
    f.post("/", [] { return "x"; });
    ASSERT_TRUE(f.start());
    Wire body(f.address());
    body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    f.stop();
    EXPECT_EQ(body.read_all(), "");
  }
}

TEST(Limits, SlowHeadsBodiesAndIdleOnesEnd) {
  HostOptions options;
  options.head_time = 50ms;
  options.body_time = 50ms;
  options.idle_time = 50ms;
  Flame f(test::local(options));
  f.any("/", [] { return "x"; });
  ASSERT_TRUE(f.start());
  Wire idle(f.address()), head(f.address()), body(f.address()), kept(f.address());
  head.send("GET / HTT");
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  kept.send(get("/"));
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(status_of(head.read_all()), "408");
  EXPECT_EQ(status_of(body.read_all()), "408");
  EXPECT_EQ(body_of(kept.read_all()), "x");
}

/// What it could not see to meanwhile is nobody else's fault.
TEST(Limits, ALoopThatAHandlerHeldIsNoTimeOfItsClients) {
  HostOptions options;
  options.head_time = options.idle_time = options.write_time = 1s;
  Flame f(test::local(options));
  std::promise<void> holds;
  const std::string large(8'000'000, 'x');
  f.get("/", [] { return "x"; });
  f.get("/hold", [&] {
    holds.set_value();
    std::this_thread::sleep_for(2s);
    return large;
  });
  ASSERT_TRUE(f.start());
  Wire head(f.address()), idle(f.address()), holder(f.address());
  head.send("GET / HTT");
  for (auto* wire : {&idle, &holder}) {
    wire->send(get("/"));
    EXPECT_EQ(body_of(wire->read_response()), "x");
  }
  holder.send(get("/hold"));
  holds.get_future().wait();
  std::this_thread::sleep_for(500ms);  // and so the tick is due first
  head.send("P/1.1\r\nHost: h\r\n\r\n");
  idle.send(get("/"));
  auto whole = holder.read(1'000);
  std::this_thread::sleep_for(200ms);  // nothing that takes longer than its time
  whole += holder.read(large.size() + whole.find("\r\n\r\n") + 4 - whole.size());
  EXPECT_TRUE(body_of(whole) == large);
  holder.send(get("/"));
  for (auto* wire : {&holder, &idle, &head}) EXPECT_EQ(body_of(wire->read_response()), "x");
}

TEST(Limits, ReadersThatDoNotReadEnd) {
  HostOptions options;
  options.write_time = 50ms;
  Flame f(test::local(options));
  const std::string large(30'000'000, 'x');
  f.get("/", [&] { return large; });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/"));
  f.stop();  // returns: the connection that would never be done is gone
  EXPECT_LT(wire.read_all().size(), large.size());
}

TEST(Limits, Connections) {
  HostOptions options;
  options.max_connections = 2;
  Flame f(test::local(options));
  std::atomic<int> under_way{0};
  std::atomic<bool> go{false};
  f.get("/", [&](Context& c) -> Task<std::string> {
    ++under_way;
    while (!go) co_await sleep_for(c, 1ms);
    co_return "x";
  });
  ASSERT_TRUE(f.start());
  Wire first(f.address()), second(f.address());
  first.send(get("/"));
  second.send(get("/"));
  while (under_way < 2) std::this_thread::yield();
  EXPECT_EQ(status_of(Wire(f.address()).read_all()), "503");
  go = true;
  EXPECT_EQ(status_of(first.read_response()), "200");
  EXPECT_EQ(status_of(second.read_response()), "200");
  first.finish_sending();
  first.read_all();
  for (;;) {  // the place is free again, as soon as the server has seen the end
    Wire third(f.address());
    third.send(get("/"));
    if (status_of(third.read_response()) == "200") break;
  }
}

}  // namespace
}  // namespace flame
