#include "runner/wait_list.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;

class WaitListTest : public testing::Test {
 protected:
  /// Long enough for what must happen.
  static Deadline soon() { return std::chrono::steady_clock::now() + 60s; }

  /// Until so many threads sleep: their place in the list is taken with the lock they wait under.
  void wait_until_asleep(int n) {
    for (;; std::this_thread::yield()) {
      const std::scoped_lock lock(mutex);
      if (asleep == n) return;
    }
  }
  std::thread sleeper(int number) {
    return std::thread([this, number] {
      std::unique_lock lock(mutex);
      ++asleep;
      EXPECT_TRUE(list.wait_until(lock, soon()));
      woken.push_back(number);
    });
  }
  void wake_one() {
    WaitList::Sleeper* taken = nullptr;
    {
      const std::scoped_lock lock(mutex);
      taken = list.take();
    }
    ASSERT_TRUE(taken);
    WaitList::wake(taken);
  }
  /// Until so many have woken up.
  void wait_until_woken(std::size_t n) {
    for (;; std::this_thread::yield()) {
      const std::scoped_lock lock(mutex);
      if (woken.size() == n) return;
    }
  }

  ShortMutex mutex;
  WaitList list;
  int asleep = 0;
  std::vector<int> woken;
};

TEST_F(WaitListTest, WakesOneAtATimeTheLastOneFirst) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.push_back(sleeper(i));
    wait_until_asleep(i + 1);
  }
  for (std::size_t i = 1; i <= 3; ++i) {
    wake_one();
    wait_until_woken(i);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(woken, (std::vector{2, 1, 0}));
  EXPECT_FALSE(list.take());
}

TEST_F(WaitListTest, WakesAll) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.push_back(sleeper(i));
  wait_until_asleep(3);
  {
    const std::scoped_lock lock(mutex);
    list.wake_all();
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(woken.size(), 3U);
}

TEST_F(WaitListTest, WhoseTimeIsOverIsInTheListNoMore) {
  std::unique_lock lock(mutex);
  EXPECT_FALSE(list.wait_until(lock, std::chrono::steady_clock::now()));
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_FALSE(list.wait_until(lock, Deadline{}));
  EXPECT_FALSE(list.take());
}

TEST_F(WaitListTest, OneOfSeveralCanLeave) {
  auto first = sleeper(0);
  wait_until_asleep(1);
  std::thread leaves([this] {
    std::unique_lock lock(mutex);
    ++asleep;
    EXPECT_FALSE(list.wait_until(lock, std::chrono::steady_clock::now() + 1ms));
  });
  auto last = sleeper(2);
  wait_until_asleep(3);
  leaves.join();
  wake_one();
  wake_one();
  EXPECT_FALSE(list.take());
  first.join();
  last.join();
}

// Who is taken out of the list when its time has run out waits for the wake that must come: it
// would come to a stack that is used for something else by then.
TEST_F(WaitListTest, WhoIsTakenOutAsItsTimeEndsIsWoken) {
  const auto until = std::chrono::steady_clock::now() + 20ms;
  bool told = false;
  std::thread sleeps([&] {
    std::unique_lock lock(mutex);
    ++asleep;
    told = list.wait_until(lock, until);
  });
  wait_until_asleep(1);
  WaitList::Sleeper* taken = nullptr;
  {
    const std::scoped_lock lock(mutex);
    while (std::chrono::steady_clock::now() < until + 20ms) std::this_thread::yield();
    taken = list.take();  // it wants the lock by now
  }
  WaitList::wake(taken);
  sleeps.join();
  EXPECT_EQ(told, taken != nullptr);
}

}  // namespace
}  // namespace flame::session::tests
