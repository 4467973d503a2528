// A Flame is started once, until it was stopped.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using test::body_of;
using test::Wire;

const std::string running = "this Flame is running already: stop() it before it starts again";

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
}

TEST(Start, ASecondOneIsRefusedAndTheFirstGoesOn) {
  Flame f(test::local());
  f.get("/", [] { return "here"; });
  ASSERT_TRUE(f.start());
  const auto address = f.address();
  const auto again = f.start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, session::Errc::invalid_option);
  EXPECT_EQ(again.error().text, running);
  EXPECT_THROW(const TestClient client(f), std::runtime_error);
  EXPECT_EQ(f.address(), address);
  {
    Wire wire(address);
    wire.send(get("/"));
    EXPECT_EQ(body_of(wire.read_all()), "here");
  }
  f.stop();
  EXPECT_TRUE(f.start());
}

TEST(Start, AHandlerCannotWaitForItsOwnServer) {
  Flame f(test::local());
  const auto outcome = [&] {
    const auto again = f.start();
    return again ? std::string("started") : again.error().text;
  };
  f.get("/start", [&] { return outcome(); });
  f.get("/stop", [&] {
    f.stop();
    return outcome();
  });
  ASSERT_TRUE(f.start());
  for (const char* path : {"/start", "/stop"}) {
    Wire wire(f.address());
    wire.send(get(path));
    EXPECT_EQ(body_of(wire.read_all()), running) << path;
  }
  EXPECT_TRUE(f.start()) << "it was stopped";
}

/// While one lives, no thread can be started: there is no room for its stack.
class NoThreads {
 public:
  NoThreads() {
    EXPECT_EQ(::pthread_getattr_default_np(&before_), 0);
    pthread_attr_t now;
    EXPECT_EQ(::pthread_attr_init(&now), 0);
    EXPECT_EQ(::pthread_attr_setstacksize(&now, std::size_t{1} << 47), 0);
    EXPECT_EQ(::pthread_setattr_default_np(&now), 0);
    ::pthread_attr_destroy(&now);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
  ~NoThreads() {
    EXPECT_EQ(::pthread_setattr_default_np(&before_), 0);
    ::pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_{};
};

TEST(Start, ThreadsThatCannotBeStartedAreAnError) {
  Flame f(test::local());
  f.get("/", [] { return "here"; });
  {
    const NoThreads none;
    const auto started = f.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().text.find("the host cannot start: no thread could be started"), 0U)
        << started.error().text;
  }
  EXPECT_TRUE(f.start());
}

TEST(StartDeath, WhatIsNoLogIsNothingElseEither) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        for (const int closed : {STDIN_FILENO, STDOUT_FILENO}) ::close(closed);
        Flame f(test::local());
        f.get("/", [] { return "here"; });
        if (!f.start()) ::_exit(9);
        struct stat null {};
        if (::stat("/dev/null", &null) != 0) ::_exit(8);
        for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO}) {
          struct stat found {};
          if (::fstat(descriptor, &found) != 0 || found.st_rdev != null.st_rdev) ::_exit(7);
        }
        f.stop();
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "");
}

#ifndef __SANITIZE_ADDRESS__  // UBSan looks at what is thrown through a pipe: two descriptors

/// All descriptors of this process but so many are taken, up to a hard limit.
class Descriptors {
 public:
  explicit Descriptors(std::size_t left) {
    const rlimit now{64, 64};
    if (::setrlimit(RLIMIT_NOFILE, &now) != 0) ::_exit(9);
    for (int taken = ::dup(0); taken >= 0; taken = ::dup(0)) taken_.push_back(taken);
    leave(left);
  }
  void leave(std::size_t more) {
    for (; more > 0 && !taken_.empty(); --more) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  std::vector<int> taken_{};
};

TEST(StartDeath, TooFewDescriptorsAreAnErrorUntilThereAreEnough) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        HostOptions options;
        options.threads = 2;
        Flame f(test::local(options));
        f.get("/", [] { return "here"; });
        Descriptors few(0);
        std::size_t more = 0;
        for (auto started = f.start(); !started; started = f.start(), ++more) {
          if (started.error().text.find("Too many open files") == std::string::npos) ::_exit(8);
          if (!f.address().empty()) ::_exit(7);
          few.leave(1);
        }
        if (more == 0) ::_exit(6);
        few.leave(2);
        Wire wire(f.address());
        wire.send(get("/"));
        if (body_of(wire.read_all()) != "here") ::_exit(5);
        f.stop();
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StartDeath, OfTooFewDescriptorsIsOneLineAndExitCodeOne) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Flame f(test::local());
        f.get("/", [] {});
        const Descriptors few(1);
        f.run();
      },
      testing::ExitedWithCode(1), "^flame: the host cannot start: Too many open files.*\n$");
}

#endif

TEST(StartDeath, ASecondRunIsOneLineAndExitCodeOne) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Flame f(test::local());
        f.get("/", [] {});
        if (f.start()) f.run();
      },
      testing::ExitedWithCode(1), "^flame: " + running.substr(0, 29) + ".*\n$");
}

TEST(Start, NothingIsAddedToWhatRuns) {
  Flame f({.address = "127.0.0.1:0", .threads = 1});
  f.get("/", [] { return "x"; });
  ASSERT_TRUE(f.start());
  EXPECT_THROW(f.get("/late", [] { return "x"; }), std::logic_error);
  EXPECT_THROW(f.use([] {}), std::logic_error);
  EXPECT_THROW(f.not_found([] {}), std::logic_error);
  EXPECT_THROW(f.group("/g", [] {}), std::logic_error);
  f.stop();
  f.get("/late", [] { return "x"; });
  EXPECT_TRUE(f.start());
}

}  // namespace
}  // namespace flame
