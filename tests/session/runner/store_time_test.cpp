#include "session/runner/store_time.hpp"

#include <gtest/gtest.h>

#include <flame/session/test_support/fake_clock.hpp>

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using test_support::FakeClock;

TEST(StoreTime, StartsAtTheWallClockAndPassesWithTheSteadyOne) {
  FakeClock clock;
  const StoreTime time(clock);
  const auto start = time.now();
  EXPECT_EQ(start, FakeClock::default_wall);
  clock.step_wall(24h);
  clock.step_wall(-72h);
  EXPECT_EQ(time.now(), start);
  clock.advance_steady(1500ms);
  EXPECT_EQ(time.now(), start + 1500ms);
}

TEST(StoreTime, TheBackendsClockReplacesTheWallClock) {
  FakeClock clock;
  StoreTime time(clock);
  time.set(FakeClock::default_wall - 1h);
  EXPECT_EQ(time.now(), FakeClock::default_wall - 1h);
}

TEST(StoreTime, TheBackendMovesItForwardsOnly) {
  FakeClock clock;
  StoreTime time(clock);
  const auto start = time.now();
  time.set(start);
  time.set(start - 1h);
  EXPECT_EQ(time.now(), start);
  time.set(start + 10s);
  EXPECT_EQ(time.now(), start + 10s);
  time.set(start + 9s);
  EXPECT_EQ(time.now(), start + 10s);
  clock.advance_steady(1s);
  EXPECT_EQ(time.now(), start + 11s);
}

TEST(StoreTime, AWallClockBeforeTheEpochIsStillAClock) {
  FakeClock clock(TimePoint(-5h));
  EXPECT_EQ(StoreTime(clock).now(), TimePoint(-5h));
}

}  // namespace
}  // namespace flame::session
