#include "runner/breaker.hpp"

#include <gtest/gtest.h>

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;

constexpr Deadline start{std::chrono::hours(1)};
constexpr auto a_try = 2000ms;

/// So many failures in a row, each at `start`.
void fail(Breaker& breaker, int times, std::uint32_t random = 0) {
  for (int i = 0; i < times; ++i) breaker.failed(start, start, random);
}

/// The pause after so many failures, told by who asks as soon as it is over.
Deadline::duration pause_after(int failures, std::uint32_t random) {
  Breaker breaker;
  fail(breaker, failures, random);
  if (failures < Breaker::opens_after) return *breaker.next_try(start, a_try) - start;
  auto at = start;
  while (!breaker.next_try(at, a_try)) at += 1ms;
  return at - start;
}

TEST(Breaker, IsClosedAtFirst) {
  Breaker breaker;
  const auto due = breaker.next_try(start, a_try);
  ASSERT_TRUE(due);
  EXPECT_LE(*due, start);
}

TEST(Breaker, TriesAgainAtOnceAfterAFirstFailure) {
  Breaker breaker;
  fail(breaker, 1);
  const auto due = breaker.next_try(start, a_try);
  ASSERT_TRUE(due);
  EXPECT_LE(*due, start);
}

TEST(Breaker, PausesDoubleUpToTheLongest) {
  EXPECT_EQ(pause_after(2, 0), 25ms);
  EXPECT_EQ(pause_after(3, 0), 50ms);
  EXPECT_EQ(pause_after(4, 0), 100ms);
  EXPECT_EQ(pause_after(6, 0), 400ms);
  EXPECT_EQ(pause_after(7, 0), 500ms);
  EXPECT_EQ(pause_after(1000, 0), 500ms);
}

TEST(Breaker, JitterTakesAwayHalfOfAPauseAtMostAndNeverAdds) {
  for (std::uint32_t random : {0U, 1U, 511U, 1023U, 1024U, 0xffff'ffffU}) {
    EXPECT_GE(pause_after(7, random), Breaker::longest_pause / 2) << random;
    EXPECT_LE(pause_after(7, random), Breaker::longest_pause) << random;
  }
  EXPECT_GT(pause_after(7, 1023), pause_after(7, 100));
}

TEST(Breaker, KeepsWaitingBelowItsBoundAndRefusesFromThereOn) {
  Breaker breaker;
  fail(breaker, Breaker::opens_after - 1);
  EXPECT_TRUE(breaker.next_try(start, a_try));
  fail(breaker, 1);
  EXPECT_FALSE(breaker.next_try(start, a_try));
}

TEST(Breaker, LetsOneTryWhileItIsOpen) {
  Breaker breaker;
  fail(breaker, 3);
  EXPECT_FALSE(breaker.next_try(start + 49ms, a_try));
  EXPECT_EQ(breaker.next_try(start + 50ms, a_try), start + 50ms);
  EXPECT_FALSE(breaker.next_try(start + 50ms, a_try));
  EXPECT_FALSE(breaker.next_try(start + 50ms + a_try - 1ms, a_try));
  EXPECT_TRUE(breaker.next_try(start + 50ms + a_try, a_try)) << "whoever tried never came back";
}

TEST(Breaker, AnAnswerClosesIt) {
  Breaker breaker;
  fail(breaker, 10);
  breaker.succeeded();
  const auto due = breaker.next_try(start, a_try);
  ASSERT_TRUE(due);
  EXPECT_LE(*due, start);
  fail(breaker, Breaker::opens_after - 1);
  EXPECT_TRUE(breaker.next_try(start, a_try)) << "old failures were still counted";
}

TEST(Breaker, ConnectionsLostTogetherAreOneFailure) {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.failed(start + i * 1ms, start - 1h, 0);
  EXPECT_LE(breaker.next_try(start + 5ms, a_try).value(), start + 5ms);
  breaker.failed(start + 10ms, start + 5ms, 0);
  breaker.failed(start + 20ms, start + 15ms, 0);
  EXPECT_FALSE(breaker.next_try(start + 20ms, a_try));
}

}  // namespace
}  // namespace flame::session::tests
