// How a host stops: what has arrived is answered, and what takes too long is cut, and told.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/access.hpp"
#include "host/text.hpp"
#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::get;
using test::status_of;
using test::Wire;

HostOptions brief(std::chrono::milliseconds drain_time = 50ms) {
  HostOptions options;
  options.drain_time = drain_time;
  return test::local(options);
}

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

/// In a death test: calls `then` with the address once run() listens, and run()s.
void run_with(Flame& f, const std::function<void(const std::string&)>& then) {
  int out[2];
  if (::pipe(out) != 0 || ::dup2(out[1], STDOUT_FILENO) < 0) ::_exit(9);
  std::thread([&, from = out[0]] {
    char line[64] = {};
    if (::read(from, line, sizeof line - 1) <= 0) ::_exit(8);
    then(std::string(line, std::string(line).find('\n')));
  }).detach();
  f.run();
  ::_exit(0);
}

class StopDeath : public testing::Test {
 protected:
  StopDeath() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

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

/// Closes as it is told to.
class Closing final : public Provider {
 public:
  explicit Closing(void (*closes)()) : closes_(closes) {}
  std::vector<Offer> offers() const override { return {offer<std::promise<void>>()}; }
  Task<> around(Context&, std::span<const Wanted>, Next next) override {
    return detail::NextAccess::run(next);
  }
  void close() noexcept override { closes_(); }

 private:
  void (*closes_)();
};

void provide(Flame& f, void (*closes)()) {
  f.use(Middleware(std::make_shared<Closing>(closes)));
  f.get("/", [](std::promise<void>*) { return "x"; });
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

TEST_F(StopDeath, ExitInAHandlerOfAStaticFlameEndsTheProcess) {
  EXPECT_EXIT(
      {
        static Flame f(brief(1h));
        f.get("/exit", []() -> std::string { std::exit(3); });
        if (!f.start()) ::_exit(9);
        Wire wire(f.address());
        wire.send(get("/exit"));
        sleep_for_ever();
      },
      testing::ExitedWithCode(3), "^$");
}

/// Says so when it is destroyed, and takes its time.
struct Used {
  ~Used() {
    is_gone = true;
    std::this_thread::sleep_for(200ms);
  }
  std::atomic<bool> is_gone{false};
};

/// Ends once it is told to, and looks whether `used` is there for so long.
auto uses(const Used& used, std::promise<void>& has_begun) {
  return [&used, &has_begun](Context& c) -> Task<> {
    has_begun.set_value();
    while (!c.stop_token().stop_requested()) {
      if (used.is_gone) ::_exit(7);
      co_await sleep_for(c, 1ms);
    }
  };
}

TEST_F(StopDeath, ExitOnAnyThreadIsItsStatusWhileAnotherIsInRun) {
  EXPECT_EXIT(
      {
        static const Used older;  // what run() would return to is on its way out for long
        static Flame f(brief(1h));
        f.get("/", [] { return "here"; });
        run_with(f, [](const std::string& address) {
          Wire wire(address);
          wire.send(get("/"));
          wire.read_response();
          std::exit(3);
        });
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(StopDeath, ExitDestroysNothingThatAHandlerUses) {
  EXPECT_EXIT(
      {
        static Flame f(brief(1h));
        static const Used used;
        static std::promise<void> has_begun;
        f.get("/", uses(used, has_begun));
        if (!f.start()) ::_exit(9);
        Wire wire(f.address());
        wire.send(get("/"));
        has_begun.get_future().wait();
        std::exit(3);
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(StopDeath, ExitInAHandlerWaitsForTheOthers) {
  EXPECT_EXIT(
      {
        static Flame f(brief(1h));
        static const Used used;
        static std::promise<void> has_begun;
        f.get("/", uses(used, has_begun));
        f.get("/exit", blocking([]() -> std::string { std::exit(3); }));
        if (!f.start()) ::_exit(9);
        Wire wire(f.address());
        Wire exiting(f.address());
        wire.send(get("/"));
        has_begun.get_future().wait();
        exiting.send(get("/exit"));
        sleep_for_ever();
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(StopDeath, OfTwoThreadsThatExitAtOnceOneDestroysNothingThatTheOtherWaitsFor) {
  EXPECT_EXIT(
      {
        static Flame f(brief(1h));
        static const Used used;
        static std::promise<void> has_begun;
        static std::atomic<int> exiting{0};
        f.get("/", [](Context& c) -> Task<> {
          has_begun.set_value();
          for (int left = 100; left > 0; left -= c.stop_token().stop_requested() ? 1 : 0) {
            if (used.is_gone) ::_exit(7);
            co_await sleep_for(c, 1ms);
          }
        });
        if (!f.start()) ::_exit(9);
        Wire wire(f.address());
        wire.send(get("/"));
        has_begun.get_future().wait();
        const auto exit_at_once = [] {
          ++exiting;
          while (exiting < 3) {
          }
          std::exit(3);
        };
        for (int i = 0; i < 2; ++i) std::thread(exit_at_once).detach();
        exit_at_once();
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(StopDeath, ExitInAHandlerTakesAsLongAsItLikes) {
  EXPECT_EXIT(
      {
        struct Slow {
          ~Slow() { std::this_thread::sleep_for(1s); }
        };
        static const Slow slow;
        static Flame f(brief(0ms));
        provide(f, [] { ::_exit(7); });  // of what may be destroyed by then
        f.get("/exit", []() -> std::string { std::exit(3); });
        if (!f.start()) ::_exit(9);
        Wire wire(f.address());
        wire.send(get("/exit"));
        sleep_for_ever();
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(StopDeath, AChildThatExitsWaitsForNoThreadOfItsParents) {
  EXPECT_EXIT(
      {
        // The last of what an exit runs, but for a sanitizer's own: its locks may have been held by
        // the parent's threads, which an answer shows to have come to rest.
        if (std::atexit([] { ::_exit(4); }) != 0) ::_exit(7);
        static Flame f(brief(1h));
        f.get("/", [] { return "here"; });
        if (!f.start()) ::_exit(9);
        Wire wire(f.address());
        wire.send(get("/"));
        if (wire.read(1).empty()) ::_exit(6);
        const auto child = ::fork();
        if (child == 0) std::exit(3);
        int status = 0;
        if (::waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 4) ::_exit(8);
        f.stop();
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "^$");
}

TEST_F(StopDeath, AChildsOwnServerIsEndedWhenTheChildExits) {
  EXPECT_EXIT(
      {
        {
          Flame f(brief());
          f.get("/", [] { return "here"; });
          if (!f.start()) ::_exit(9);
        }
        const auto child = ::fork();
        if (child == 0) {
          auto& own = *new Flame(brief());  // nobody destroys it
          provide(own, [] { ::_exit(4); });
          if (!own.start()) ::_exit(9);
          std::exit(3);
        }
        int status = 0;
        if (::waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 4) ::_exit(8);
        ::_exit(0);
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
