// A Flame is started once, until it was stopped.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

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

}  // namespace
}  // namespace flame
