#include "plan/creation_limit.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint now{1'800'000'000s};

std::size_t admitted(CreationLimit& limit, TimePoint at, std::size_t tries) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < tries; ++i) out += limit.admit(at) ? 1U : 0U;
  return out;
}

TEST(CreationLimit, AdmitsASecondsWorthAtOnceAndThenAtItsRate) {
  CreationLimit limit;
  limit.set(1000);
  EXPECT_EQ(admitted(limit, now, 5000), 1000U);
  EXPECT_EQ(admitted(limit, now + 1ms, 10), 1U);
  EXPECT_EQ(admitted(limit, now + 11ms, 100), 10U);
  EXPECT_EQ(admitted(limit, now + 1h, 5000), 1000U) << "no more is saved up";
}

TEST(CreationLimit, KeepsCountingWhereTimeGoesBack) {
  CreationLimit limit;
  limit.set(10);
  EXPECT_EQ(admitted(limit, now, 100), 10U);
  EXPECT_EQ(admitted(limit, now - 1s, 100), 0U);
}

TEST(CreationLimit, ZeroIsAnyNumber) {
  CreationLimit limit;
  EXPECT_EQ(admitted(limit, now, 100'000), 100'000U);
}

TEST(CreationLimit, IsOneForAllThreads) {
  CreationLimit limit;
  limit.set(10'000);
  std::vector<std::size_t> counts(4);
  std::vector<std::thread> threads;
  for (auto& count : counts) threads.emplace_back([&] { count = admitted(limit, now, 5'000); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counts[0] + counts[1] + counts[2] + counts[3], 10'000U);
}

}  // namespace
}  // namespace flame::session::tests
