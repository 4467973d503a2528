#include "session/plan/creation_limit.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/seeded_random.hpp>

namespace flame::session {
namespace {

using namespace std::chrono_literals;

class CreationLimitTest : public testing::Test {
 protected:
  std::size_t admitted(std::size_t tries, std::uint64_t address = 0) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < tries; ++i) out += limit.admit(address) ? 1U : 0U;
    return out;
  }
  std::uint64_t of(const std::string& text) { return limit.address(text); }
  std::size_t admitted(std::size_t tries, const char* address) {
    return admitted(tries, of(address));
  }

  test_support::FakeClock clock{};
  test_support::SeededRandom random{};
  CreationLimit limit{clock};
};

TEST_F(CreationLimitTest, AdmitsASecondsWorthAtOnceAndThenAtItsRate) {
  limit.set(1000, random);
  EXPECT_EQ(admitted(5000), 1000U);
  clock.advance_steady(1ms);
  EXPECT_EQ(admitted(10), 1U);
  clock.advance_steady(10ms);
  EXPECT_EQ(admitted(100), 10U);
  clock.advance_steady(1h);
  EXPECT_EQ(admitted(5000), 1000U) << "no more is saved up";
}

TEST_F(CreationLimitTest, OnlyTheSteadyClockCounts) {
  limit.set(10, random);
  EXPECT_EQ(admitted(100), 10U);
  clock.sleep(1h);
  clock.step_wall(1h);
  EXPECT_EQ(admitted(100), 0U);
}

TEST_F(CreationLimitTest, ZeroIsAnyNumber) {
  limit.set(0, random);
  EXPECT_EQ(admitted(100'000, "203.0.113.7"), 100'000U);
}

TEST_F(CreationLimitTest, IsOneForAllThreads) {
  limit.set(10'000, random);
  std::vector<std::size_t> counts(4);
  std::vector<std::thread> threads;
  for (auto& count : counts) threads.emplace_back([&] { count = admitted(5'000); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counts[0] + counts[1] + counts[2] + counts[3], 10'000U);
}

TEST_F(CreationLimitTest, AnAddressHasATenthOfIt) {
  limit.set(1000, random);
  EXPECT_EQ(admitted(5000, "203.0.113.7"), 100U);
  EXPECT_EQ(admitted(5000, "203.0.113.8"), 100U);
  EXPECT_EQ(admitted(5000), 800U) << "what was asked for in vain took nothing from others";
  clock.advance_steady(10ms);
  EXPECT_EQ(admitted(100, "203.0.113.7"), 1U);
  clock.advance_steady(1s);
  EXPECT_EQ(admitted(5000, "203.0.113.7"), 100U);
}

TEST_F(CreationLimitTest, AnAddressHasAFewAtOnceAndOneEachSecondAtLeast) {
  limit.set(8, random);
  EXPECT_EQ(admitted(100, "203.0.113.7"), 5U);
  clock.advance_steady(1s);
  EXPECT_EQ(admitted(100, "203.0.113.7"), 1U);
}

TEST_F(CreationLimitTest, AnAddressIsItsClients) {
  limit.set(1000, random);
  const auto same = [this](const char* a, const char* b) { return of(a) == of(b); };
  EXPECT_EQ(limit.address({}), 0U);
  EXPECT_NE(of("203.0.113.7"), 0U);
  for (const auto* many : {"10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:192.168.0.1"})
    EXPECT_EQ(of(many), 0U) << many << " may be a proxy of all";
  EXPECT_FALSE(same("203.0.113.7", "203.0.113.8"));
  EXPECT_TRUE(same("203.0.113.7", "::ffff:203.0.113.7"));
  EXPECT_TRUE(same("2001:db8:1:2::1", "2001:DB8:1:2:ffff:ffff:ffff:ffff")) << "one network of 64";
  EXPECT_FALSE(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
}

TEST_F(CreationLimitTest, NobodyCanChooseTheirPlace) {
  limit.set(1000, random);
  const auto before = of("203.0.113.7");
  CreationLimit other(clock);
  other.set(1000, random);  // another process, another seed
  EXPECT_NE(other.address("203.0.113.7") % CreationLimit::places, before % CreationLimit::places);
}

TEST_F(CreationLimitTest, AddressesSpreadOverAllPlaces) {
  limit.set(1000, random);
  std::set<std::uint64_t> places;
  for (int i = 0; i < 256 * 256; ++i)
    places.insert(of("198.18." + std::to_string(i / 256) + "." + std::to_string(i % 256)) %
                  CreationLimit::places);
  EXPECT_EQ(places.size(), CreationLimit::places);
}

}  // namespace
}  // namespace flame::session
