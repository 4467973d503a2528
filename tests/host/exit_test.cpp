// std::exit, by whomever, and fork(): nothing is destroyed that somebody uses, and nobody waits for
// ever.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <latch>
#include <optional>
#include <string>
#include <thread>

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
using test::Wire;

class ExitDeath : public testing::Test {
 protected:
  ExitDeath() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ExitDeath, ExitInAHandlerOfAStaticFlameEndsTheProcess) {
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

/// A request to `f`, which this starts, whose handler looks whether `used` is there until it is
/// told to end, and for some turns more.
class InUse {
 public:
  InUse(Flame& f, const Used& used) {
    f.get("/", [this, &used](Context& c) -> Task<> {
      has_begun_.set_value();
      for (int left = 100; left > 0; left -= c.stop_token().stop_requested() ? 1 : 0) {
        if (used.is_gone) ::_exit(7);
        co_await sleep_for(c, 1ms);
      }
    });
    if (!f.start()) ::_exit(9);
    wire_.emplace(f.address()).send(get("/"));
    has_begun_.get_future().wait();
  }

 private:
  std::promise<void> has_begun_{};
  std::optional<Wire> wire_{};
};

TEST_F(ExitDeath, ExitOnAnyThreadIsItsStatusWhileAnotherIsInRun) {
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

TEST_F(ExitDeath, ExitDestroysNothingThatAHandlerUses) {
  EXPECT_EXIT(
      {
        static Flame f(brief(1h));
        static const Used used;
        const InUse in_use(f, used);
        std::exit(3);
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(ExitDeath, ExitInAHandlerWaitsForTheOthers) {
  EXPECT_EXIT(
      {
        static Flame f(brief(1h));
        static const Used used;
        f.get("/exit", blocking([]() -> std::string { std::exit(3); }));
        const InUse in_use(f, used);
        Wire exiting(f.address());
        exiting.send(get("/exit"));
        sleep_for_ever();
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(ExitDeath, ASignalToAChildIsNotItsParents) {
  EXPECT_EXIT(
      {
        Flame f(brief(1h));
        std::atomic<pid_t> child{0};
        f.get("/fork", [&child] {
          const auto made = ::fork();
          if (made == 0) {
            ::alarm(20);  // for a child that takes no notice
            sleep_for_ever();
          }
          child = made;
        });
        f.get("/", [] { return "here"; });
        run_with(f, [&](const std::string& address) {
          Wire wire(address);
          wire.send(get("/fork"));
          wire.read_response();
          ::kill(child, SIGTERM);
          int status = 0;
          if (::waitpid(child, &status, 0) != child || WTERMSIG(status) != SIGTERM) ::_exit(8);
          wire.send(get("/"));
          if (body_of(wire.read_response()) != "here") ::_exit(7);
          ::_exit(4);
        });
      },
      testing::ExitedWithCode(4), "^$");
}

TEST_F(ExitDeath, OfThreadsThatExitAtOnceNoneDestroysWhatAnotherWaitsFor) {
  EXPECT_EXIT(
      {
        constexpr int threads = 16;
        static Flame f(brief(1h));
        static const Used used;
        static std::latch exiting(threads);
        const InUse in_use(f, used);
        const auto exit_at_once = [] {
          exiting.arrive_and_wait();
          std::exit(3);
        };
        for (int i = 1; i < threads; ++i) std::thread(exit_at_once).detach();
        exit_at_once();
      },
      testing::ExitedWithCode(3), "^$");
}

TEST_F(ExitDeath, ExitInAHandlerTakesAsLongAsItLikes) {
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

TEST_F(ExitDeath, AChildThatExitsWaitsForNoThreadOfItsParents) {
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

TEST_F(ExitDeath, AChildsOwnServerIsEndedWhenTheChildExits) {
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

}  // namespace
}  // namespace flame
