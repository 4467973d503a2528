#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <flame/session/waiter.hpp>

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

class WaiterTest : public ::testing::Test {
 protected:
  WaiterTest() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0); }
  ~WaiterTest() override {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::string lost(short events, Deadline until) {
    try {
      static_cast<void>(waiter.wait(ends[0], events, until));
    } catch (const StoreError& error) {
      EXPECT_EQ(error.kind(), StoreError::Kind::connection_lost);
      return error.what();
    }
    return {};
  }

  std::array<int, 2> ends{};
  Waiter waiter{};
};

TEST_F(WaiterTest, SaysWhatIsReady) {
  EXPECT_EQ(waiter.wait(ends[0], POLLOUT, {}), POLLOUT);
  EXPECT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_EQ(waiter.wait(ends[0], POLLIN, steady_clock::now() + 1h), POLLIN);
}

TEST_F(WaiterTest, EndsAtItsDeadline) {
  const auto until = steady_clock::now() + 3ms;
  EXPECT_EQ(lost(POLLIN, until), "the store did not answer in time");
  EXPECT_GE(steady_clock::now(), until);
  EXPECT_EQ(lost(POLLOUT, until), "the store did not answer in time") << "though it is ready";
}

TEST_F(WaiterTest, EndsWhenItIsInterruptedAndEverAfter) {
  std::thread other([this] { waiter.interrupt(); });
  EXPECT_EQ(lost(POLLIN, {}), "the call was given up");
  other.join();
  EXPECT_EQ(lost(POLLOUT, {}), "the call was given up");
  waiter.interrupt();
  EXPECT_THROW(waiter.check({}), StoreError);
}

TEST(WaiterWithoutDescriptors, SaysSo) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto waiter = std::make_unique<Waiter>();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  try {
    waiter->check({});
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_NE(std::string(error.what()).find("ulimit -n"), std::string::npos);
  }
  waiter->interrupt();
}

}  // namespace
}  // namespace flame::session
