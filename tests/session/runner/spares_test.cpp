#include "runner/spares.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace flame::session::tests {
namespace {

constexpr std::size_t size = 48;

TEST(Spares, GiveBackWhatCameBack) {
  Spares spares;
  void* const a = spares.allocate(size);
  void* const b = spares.allocate(size);
  EXPECT_NE(a, b);
  spares.deallocate(a);
  EXPECT_EQ(spares.allocate(size), a);
  spares.deallocate(b);
  spares.deallocate(a);
  EXPECT_EQ(spares.allocate(size), a);
  EXPECT_EQ(spares.allocate(size), b);
  spares.deallocate(a);
  spares.deallocate(b);
}

TEST(Spares, KeepNoMoreThanTheirBound) {
  Spares spares;
  std::vector<void*> taken;
  for (std::size_t i = 0; i < 2 * Spares::most_kept; ++i) taken.push_back(spares.allocate(size));
  for (void* const each : taken) spares.deallocate(each);
  const std::set<void*> before(taken.begin(), taken.begin() + Spares::most_kept);
  for (std::size_t i = 0; i < Spares::most_kept; ++i) {
    taken[i] = spares.allocate(size);
    EXPECT_TRUE(before.contains(taken[i]));
  }
  EXPECT_EQ(spares.kept(), 0U);
  for (std::size_t i = 0; i < Spares::most_kept; ++i) spares.deallocate(taken[i]);
  EXPECT_EQ(spares.kept(), Spares::most_kept);
}

TEST(Spares, HoldObjects) {
  Spares spares;
  const void* first = nullptr;
  {
    const auto made =
        std::allocate_shared<std::vector<int>>(SpareAllocator<std::vector<int>>(spares), 3, 7);
    EXPECT_EQ(*made, (std::vector{7, 7, 7}));
    first = made.get();
  }
  const auto again =
      std::allocate_shared<std::vector<int>>(SpareAllocator<std::vector<int>>(spares));
  EXPECT_EQ(again.get(), first);
}

TEST(Spares, WaitUntilAllHasComeBackFromOtherThreads) {
  std::atomic<int> ended{0};
  {
    Spares spares;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&ended, &spares, first = spares.allocate(size)] {
        spares.deallocate(first);
        for (int round = 0; round < 2'000; ++round) {
          void* const memory = spares.allocate(size);
          *static_cast<int*>(memory) = round;
          spares.deallocate(memory);
        }
        ++ended;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(spares.wait_for_all(Deadline::max()));
  }
  EXPECT_EQ(ended, 4);

  Spares spares;
  std::atomic<bool> gave_back{false};
  std::thread gives_back([&, memory = spares.allocate(size)] {
    std::this_thread::yield();
    gave_back = true;
    spares.deallocate(memory);
  });
  EXPECT_TRUE(spares.wait_for_all(Deadline::max()));
  EXPECT_TRUE(gave_back);
  gives_back.join();
}

}  // namespace
}  // namespace flame::session::tests
