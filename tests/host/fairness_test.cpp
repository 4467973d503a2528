// One client, one handler, or a log that nobody reads, does not hold others up.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::get;
using test::status_of;
using test::Wire;

TEST(Fairness, OneThatPipelinesTakesTurns) {
  Flame f(test::local());
  std::promise<void> holds, go;
  std::vector<char> order;
  f.get("/hold", [&] {
    holds.set_value();
    go.get_future().wait();
  });
  f.get("/many", [&] { order.push_back('m'); });
  f.get("/one", [&] { order.push_back('o'); });
  ASSERT_TRUE(f.start());
  Wire holder(f.address()), many(f.address()), one(f.address());
  for (auto* wire : {&many, &one}) {  // both are accepted
    wire->send(get("/none"));
    EXPECT_EQ(status_of(wire->read_response()), "404");
  }
  holder.send(get("/hold"));
  holds.get_future().wait();
  std::string requests;
  for (int i = 0; i < 64; ++i) requests += get("/many");
  many.send(requests);
  one.send(get("/one"));
  go.set_value();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(status_of(many.read_response()), "200");
  EXPECT_EQ(status_of(one.read_response()), "200");
  ASSERT_EQ(order.size(), 65U);
  EXPECT_LE(std::find(order.begin(), order.end(), 'o') - order.begin(), 8);
}

TEST(Fairness, ManyThatAreBusyKeepNobodysTimeFromEnding) {
  HostOptions options;
  options.head_time = 200ms;
  Flame f(test::local(options));
  f.get("/", [] {
    for (const auto until = std::chrono::steady_clock::now() + 100us;
         std::chrono::steady_clock::now() < until;) {
    }
    return "x";
  });
  ASSERT_TRUE(f.start());
  std::vector<std::unique_ptr<Wire>> busy;
  for (int i = 0; i < 400; ++i)
    busy.emplace_back(std::make_unique<Wire>(f.address()))->send(get("/"));
  std::atomic<bool> ends{false};
  std::thread client([&] {
    while (!ends)
      for (const auto& wire : busy) {
        wire->read_response();
        wire->send(get("/"));
      }
  });
  Wire slow(f.address());
  slow.send("GET / HTT");
  EXPECT_EQ(status_of(slow.read_all()), "408");
  ends = true;
  client.join();
}

TEST(Fairness, ALoopThatIsBlockedIsToldOnceWithTheRoute) {
  Flame f(test::local());
  std::promise<void> go;
  f.get("/blocks/{n}", [&] { go.get_future().wait(); });
  int errors[2];
  ASSERT_EQ(::pipe(errors), 0);
  const int before = ::dup(STDERR_FILENO);
  ::dup2(errors[1], STDERR_FILENO);
  const auto started = f.start();
  Wire wire(f.address());
  wire.send(get("/blocks/1"));
  std::string said(4'096, '\0');
  said.resize(static_cast<std::size_t>(::read(errors[0], said.data(), said.size())));
  std::this_thread::sleep_for(2'100ms);  // two more looks
  go.set_value();
  wire.read_response();
  f.stop();
  ::dup2(before, STDERR_FILENO);
  ::close(errors[1]);
  char more = 0;
  EXPECT_EQ(::read(errors[0], &more, 1), 0) << "once";
  ::close(errors[0]);
  ::close(before);
  EXPECT_TRUE(started);
  EXPECT_EQ(said.find("flame: GET /blocks/{n} has held its thread for longer than a second"), 0U)
      << said;
}

TEST(Log, ThatNobodyReadsHoldsNeitherLoopsNorAStopUp) {
  int out[2];
  ASSERT_EQ(::pipe(out), 0);
  Flame f = classic(test::local());
  f.get("/{n}", [] { return "x"; });
  const int before = ::dup(STDOUT_FILENO);
  ::dup2(out[1], STDOUT_FILENO);
  const auto started = f.start();
  constexpr int count = 10'000;
  int answered = 0;
  {
    Wire wire(f.address());
    for (int i = 0; i < count; i += 100) {
      std::string requests;
      for (int j = 0; j < 100; ++j) requests += get("/12345678");
      wire.send(requests);
      for (int j = 0; j < 100; ++j) answered += status_of(wire.read_response()) == "200" ? 1 : 0;
    }
  }
  testing::internal::CaptureStderr();
  f.stop();
  const auto said = testing::internal::GetCapturedStderr();
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  ::close(out[1]);
  std::string log;
  char buffer[4'096];
  for (auto got = ::read(out[0], buffer, sizeof buffer); got > 0;
       got = ::read(out[0], buffer, sizeof buffer))
    log.append(buffer, static_cast<std::size_t>(got));
  ::close(out[0]);
  EXPECT_TRUE(started);
  EXPECT_EQ(answered, count);
  const std::string text = "flame: lines dropped at the end of the log, since nobody read it: ";
  ASSERT_EQ(said.find(text), 0U) << said;
  EXPECT_EQ(std::stol(said.substr(text.size())) + std::count(log.begin(), log.end(), '\n'), count);
}

}  // namespace
}  // namespace flame
