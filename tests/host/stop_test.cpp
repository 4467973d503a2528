// How a host stops: what has arrived is answered, and what takes too long is cut, and told.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/access.hpp"
#include "host/text.hpp"
#include "stop_support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::brief;
using test::get;
using test::provide;
using test::run_with;
using test::sleep_for_ever;
using test::status_of;
using test::Wire;

/// Holds the loop until many clients have sent what they have.
class Held {
 public:
  explicit Held(Flame& f) {
    f.get("/hold", [this] {
      holds_.set_value();
      go_.get_future().wait();
      return "held";
    });
  }
  void wait() { holds_.get_future().wait(); }
  void go() { go_.set_value(); }

 private:
  std::promise<void> holds_{}, go_{};
};

bool closes(const std::string& response) {
  return response.find("Connection: close\r\n") != std::string::npos;
}

TEST(Stop, WhatHasArrivedIsAnsweredTheBacklogToo) {
  Flame f(brief(5s));
  Held held(f);
  f.get("/{n}", [](Context& c) { return c.param("n"); });
  ASSERT_TRUE(f.start());
  Wire holder(f.address()), kept(f.address()), piped(f.address());
  for (auto* wire : {&kept, &piped}) {
    wire->send(get("/first"));
    EXPECT_EQ(body_of(wire->read_response()), "first");
  }
  holder.send(get("/hold"));
  held.wait();
  kept.send(get("/kept"));
  piped.send(get("/a") + get("/b") + get("/c"));
  Wire waiting(f.address());
  waiting.send(get("/waiting"));
  std::thread stopping([&] { f.stop(); });
  std::this_thread::sleep_for(20ms);  // or not: all has arrived in any case
  held.go();
  EXPECT_EQ(body_of(holder.read_all()), "held");
  const auto last = kept.read_all();
  EXPECT_EQ(body_of(last), "kept");
  EXPECT_TRUE(closes(last));
  EXPECT_EQ(body_of(piped.read_response()), "a");
  EXPECT_EQ(body_of(piped.read_response()), "b");
  const auto third = piped.read_all();
  EXPECT_EQ(body_of(third), "c");
  EXPECT_TRUE(closes(third));
  const auto accepted = waiting.read_all();
  EXPECT_EQ(body_of(accepted), "waiting");
  EXPECT_TRUE(closes(accepted));
  stopping.join();
}

TEST(Stop, TheBacklogIsAnsweredThoughOneOfItTakesLongerThanItWaitsForMore) {
  Flame f(brief(5s));
  Held held(f);
  f.get("/late", [] {
    std::this_thread::sleep_for(70ms);
    return "late";
  });
  ASSERT_TRUE(f.start());
  Wire holder(f.address());
  holder.send(get("/hold"));
  held.wait();
  std::vector<std::unique_ptr<Wire>> backlog;
  for (int i = 0; i < 8; ++i)
    backlog.emplace_back(std::make_unique<Wire>(f.address()))->send(get("/late"));
  std::thread stopping([&] { f.stop(); });
  std::this_thread::sleep_for(20ms);  // or not: all has arrived in any case
  held.go();
  for (const auto& wire : backlog) EXPECT_EQ(body_of(wire->read_all()), "late");
  stopping.join();
}

TEST(Stop, HalfALineEndIsNoRequestToWaitFor) {
  Flame f(brief(1h));
  f.get("/", [] { return "x"; });
  ASSERT_TRUE(f.start());
  auto half = std::make_unique<Wire>(f.address());
  half->send(get("/") + "\r");
  EXPECT_EQ(body_of(half->read_response()), "x");
  auto stopped = std::async(std::launch::async, [&] { f.stop(); });
  EXPECT_EQ(stopped.wait_for(20s), std::future_status::ready);
  half.reset();
}

TEST(Stop, IsToldByTheToken) {
  Flame f(brief(30s));
  std::promise<void> started;
  f.get("/", [&](Context& c) -> Task<std::string> {
    started.set_value();
    while (!c.stop_token().stop_requested()) co_await sleep_for(c, 1ms);
    co_return "told";
  });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/"));
  started.get_future().wait();
  f.stop();
  EXPECT_EQ(body_of(wire.read_all()), "told");
}

/// What is not the host's to wait for.
struct Elsewhere {
  std::promise<std::coroutine_handle<>>& waiting;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiting.set_value(handle); }
  void await_resume() const noexcept {}
};

TEST(Stop, WhoIsSuspendedElsewhereMayBeResumedAfterwards) {
  std::promise<std::coroutine_handle<>> waiting;
  bool ended = false;
  {
    Flame f(brief());
    f.get("/elsewhere/{n}", [&waiting, &ended](Context& c) -> Task<std::string> {
      Elsewhere elsewhere{waiting};
      co_await elsewhere;
      ended = c.param("n") == "7";
      co_return "nobody reads this";
    });
    ASSERT_TRUE(f.start());
    Wire wire(f.address());
    wire.send(get("/elsewhere/7"));
    auto suspended = waiting.get_future();
    suspended.wait();
    testing::internal::CaptureStderr();
    f.stop();
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "flame: GET /elsewhere/{n}: cut, since drain_time was over\n");
    EXPECT_EQ(wire.read_all(), "");
    ASSERT_TRUE(f.start()) << "what is left behind keeps nobody from going on";
    f.stop();
    waiting = {};
    suspended.get().resume();
  }
  EXPECT_TRUE(ended);
}

TEST(Stop, ASleepEndsWhenItIsCut) {
  Flame f(brief());
  std::promise<void> started;
  std::atomic<bool> thrown{false};
  f.get("/", [&](Context& c) -> Task<> {
    started.set_value();
    try {
      co_await sleep_for(c, 1h);
    } catch (const std::exception&) {
      thrown = true;
    }
    co_await sleep_for(c, 1h);
  });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/"));
  started.get_future().wait();
  testing::internal::CaptureStderr();
  f.stop();
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "flame: GET /: cut, since drain_time was over\n");
  EXPECT_TRUE(thrown);
}

TEST(Stop, AnAnswerThatNobodyReadsIsCutAndTold) {
  Flame f(brief());
  f.get("/large", [] { return std::string(30'000'000, 'x'); });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send(get("/large"));
  EXPECT_EQ(status_of(wire.read(64)), "200");
  testing::internal::CaptureStderr();
  f.stop();
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "flame: GET /large: cut, since drain_time was over\n");
}

class StopDeath : public testing::Test {
 protected:
  StopDeath() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(StopDeath, AHandlerThatHoldsItsThreadDoesNotHoldTheProcess) {
  EXPECT_EXIT(
      {
        Flame f(brief());
        f.get("/held/{n}", []() -> std::string {
          ::kill(::getpid(), SIGTERM);
          sleep_for_ever();
        });
        run_with(f, [](const std::string& address) {
          Wire wire(address);
          wire.send(get("/held/1"));
          wire.read_all();
          sleep_for_ever();
        });
      },
      testing::ExitedWithCode(1),
      "^flame: GET /held/\\{n\\}: cut, since it did not give its thread back in time\n$");
}

TEST_F(StopDeath, ASecondSignalEndsItAtOnce) {
  EXPECT_EXIT(
      {
        Flame f(brief(1h));
        f.get("/slow", [](Context& c) -> Task<> {
          const std::stop_token token = c.stop_token();
          ::kill(::getpid(), SIGTERM);
          while (!token.stop_requested()) co_await sleep_for(c, 1ms);
          ::kill(::getpid(), SIGTERM);
          co_await sleep_for(c, 1h);
        });
        run_with(f, [](const std::string& address) {
          Wire wire(address);
          wire.send(get("/slow"));
          wire.read_all();
          sleep_for_ever();
        });
      },
      testing::ExitedWithCode(1), "^flame: GET /slow: cut, since a second signal came\n$");
}

TEST_F(StopDeath, ASecondSignalWaitsForNothingThatHangs) {
  EXPECT_EXIT(
      {
        Flame f(brief(1h));
        provide(f, [] { sleep_for_ever(); });
        f.get("/slow", [](Context& c) -> Task<> {
          ::kill(::getpid(), SIGTERM);
          while (!c.stop_token().stop_requested()) co_await sleep_for(c, 1ms);
          ::kill(::getpid(), SIGTERM);
          co_await sleep_for(c, 1h);
        });
        run_with(f, [](const std::string& address) {
          Wire wire(address);
          wire.send(get("/slow"));
          wire.read_all();
          sleep_for_ever();
        });
      },
      testing::ExitedWithCode(1), "^flame: GET /slow: cut, since a second signal came\n$");
}

TEST_F(StopDeath, ACallbackOfTheStopTokenMayStopTheHost) {
  EXPECT_EXIT(
      {
        Flame f(brief(1h));
        f.get("/", [&f](Context& c) -> Task<> {
          const std::stop_callback stops(c.stop_token(), [&f] { f.stop(); });
          ::kill(::getpid(), SIGTERM);
          while (!c.stop_token().stop_requested()) co_await sleep_for(c, 1ms);
        });
        run_with(f, [](const std::string& address) {
          Wire wire(address);
          wire.send(get("/"));
          wire.read_all();
        });
      },
      testing::ExitedWithCode(0), "^$");
}

TEST_F(StopDeath, WithNothingUnderWayNothingIsCut) {
  EXPECT_EXIT(
      {
        Flame f(brief(0ms));
        f.get("/", [] { return "here"; });
        run_with(f, [](const std::string& address) {
          Wire wire(address);
          wire.send(get("/"));
          EXPECT_EQ(body_of(wire.read_response()), "here");
          ::kill(::getpid(), SIGTERM);
        });
      },
      testing::ExitedWithCode(0), "^$");
}

TEST_F(StopDeath, TwoSignalsAtOnceLetWhatIsProvidedCloseAllTheSame) {
  EXPECT_EXIT(
      {
        Flame f(brief(1h));
        provide(f, [] {
          std::this_thread::sleep_for(200ms);
          detail::log_error("closed");
        });
        sigset_t both;
        sigemptyset(&both);
        sigaddset(&both, SIGINT);
        sigaddset(&both, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &both, nullptr);  // until both are there
        run_with(f, [&](const std::string&) {
          ::kill(::getpid(), SIGINT);
          ::kill(::getpid(), SIGTERM);
          ::pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
        });
      },
      testing::ExitedWithCode(0), "^flame: closed\n$");
}

TEST_F(StopDeath, ASecondSignalEndsItWhileWhatIsProvidedCloses) {
  EXPECT_EXIT(
      {
        Flame f(brief(1h));
        provide(f, [] {
          ::kill(::getpid(), SIGTERM);
          sleep_for_ever();
        });
        run_with(f, [](const std::string&) { ::kill(::getpid(), SIGTERM); });
      },
      testing::KilledBySignal(SIGTERM), "^$");
}

/// Closes when it may.
class Hanging final : public Provider {
 public:
  explicit Hanging(std::shared_future<void> go) : go_(std::move(go)) {}
  std::vector<Offer> offers() const override { return {offer<std::promise<void>>()}; }
  Task<> around(Context&, std::span<const Wanted>, Next next) override {
    return detail::NextAccess::run(next);
  }
  void close() noexcept override { go_.wait(); }

 private:
  std::shared_future<void> go_;
};

TEST(Stop, WhatDoesNotCloseIsLeftBehindAndTold) {
  std::promise<void> go;
  testing::internal::CaptureStderr();
  {
    Flame f(brief());
    f.use(Middleware(std::make_shared<Hanging>(go.get_future().share())));
    f.get("/", [](std::promise<void>*) { return "x"; });
    ASSERT_TRUE(f.start());
    f.stop();  // returns
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("did not close in time"),
            std::string::npos);
  go.set_value();
}

}  // namespace
}  // namespace flame
