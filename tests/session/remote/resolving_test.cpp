#include "remote/resolving.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <thread>

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

std::atomic<bool> hangs{false};

std::atomic<int> hanging_now{0};
Resolved hanging(const std::string&) {
  ++hanging_now;
  hangs.wait(true);
  --hanging_now;
  return {{"192.0.2.1"}, {}};
}
/// The clock is not asked how long it took: it is over, and that is seen.
Deadline over() { return std::chrono::steady_clock::now(); }

std::string error_of(Resolver resolver, Waiter& waiter, Deadline until) {
  try {
    static_cast<void>(resolve_with(resolver, "db.example", waiter, until));
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::connection_lost);
    return error.what();
  }
  return {};
}
std::string error_of(Resolver resolver, Deadline until) {
  Waiter waiter;
  return error_of(resolver, waiter, until);
}

TEST(Resolve, ANumberIsItsOwnAddress) {
  Waiter waiter;
  EXPECT_EQ(resolve("127.0.0.1", waiter, over()), Texts{"127.0.0.1"});
  EXPECT_EQ(resolve("::1", waiter, over()), Texts{"::1"});
}

TEST(Resolve, GivesAllAddresses) {
  const auto two = [](const std::string&) { return Resolved{{"192.0.2.1", "192.0.2.2"}, {}}; };
  Waiter waiter;
  EXPECT_EQ(resolve_with(two, "db.example", waiter, {}), (Texts{"192.0.2.1", "192.0.2.2"}));
}

TEST(Resolve, SaysWhyANameIsNotKnown) {
  const auto none = [](const std::string&) { return Resolved{{}, "no such name"}; };
  const auto text = error_of(none, {});
  EXPECT_NE(text.find("db.example"), std::string::npos);
  EXPECT_NE(text.find("no such name"), std::string::npos);
}

TEST(Resolve, AResolverThatHangsIsLeftWaitingAndBounded) {
  hangs = true;
  Waiter waiter;
  {
    std::jthread other([&] { waiter.interrupt(); });
    EXPECT_EQ(error_of(hanging, waiter, {}), "the call was given up");
  }
  for (int i = 1; i < most_looking_up; ++i)
    EXPECT_NE(error_of(hanging, over()).find("not found in time"), std::string::npos);
  EXPECT_NE(error_of(hanging, {}).find("the resolver hangs"), std::string::npos);
  hangs = false;
  hangs.notify_all();
  while (!error_of(hanging, {}).empty()) std::this_thread::yield();  // until one has come back
}

#ifndef __SANITIZE_THREAD__  // it follows no threads that begin after a fork
// All at once: whichever comes first must not free a place that another has just taken.
TEST(Resolve, AChildProcessHasAllPlaces) {
  hangs = true;
  while (error_of(hanging, over()).find("the resolver hangs") == std::string::npos) {
  }
  // One that still begins may hold a lock, of a sanitizer's, for ever in the child.
  while (hanging_now < most_looking_up) std::this_thread::yield();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr int callers = 2 * most_looking_up;
    std::barrier together(callers);
    std::atomic<int> asked{0};
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < callers; ++i)
        threads.emplace_back([&] {
          together.arrive_and_wait();
          if (error_of(hanging, over()).find("not found in time") != std::string::npos) ++asked;
        });
    }
    _exit(asked);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), most_looking_up);
  hangs = false;
  hangs.notify_all();
  while (!error_of(hanging, {}).empty()) std::this_thread::yield();
}
#endif

}  // namespace
}  // namespace flame::session::tests
