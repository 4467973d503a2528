#include "session/runner/store_time.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <utility>
#include <vector>

#include <flame/session/test_support/fake_clock.hpp>

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test_support::FakeClock;

/// Store time whose backend says that it is `ahead` of the wall clock of the start.
class StoreTimeTest : public testing::Test {
 protected:
  TimePoint right() const {
    return FakeClock::default_wall + (std::chrono::floor<milliseconds>(clock.elapsed()) - start);
  }
  /// `late`: how long after the backend looked at its clock its answer came.
  void read(milliseconds ahead, milliseconds round_trip = 0ms, milliseconds late = 0ms) {
    const auto sent = clock.elapsed();
    clock.advance(round_trip - late);
    const auto told = right() + ahead;
    clock.advance(late);
    time.read(told, sent, clock.elapsed());
  }
  milliseconds off() const { return time.now() - right(); }
  /// By how much the sweep is behind, without the margin.
  milliseconds careful_off() const { return time.careful() + StoreTime::sweep_margin - right(); }
  void pass(milliseconds by, milliseconds tick = 1s) {
    for (; by > 0ms; by -= tick) {
      clock.advance(std::min(by, tick));
      time.tick();
    }
  }

  FakeClock clock{};
  const milliseconds start = std::chrono::floor<milliseconds>(clock.elapsed());
  StoreTime time{clock};
};

TEST_F(StoreTimeTest, StartsAtTheWallClockAndPassesWithoutIt) {
  EXPECT_EQ(time.now(), FakeClock::default_wall);
  clock.step_wall(24h);
  clock.step_wall(-72h);
  EXPECT_EQ(time.now(), FakeClock::default_wall);
  clock.advance_steady(1500ms);
  EXPECT_EQ(time.now(), FakeClock::default_wall + 1500ms);
  EXPECT_EQ(time.careful(), time.now() - StoreTime::sweep_margin);
}

TEST_F(StoreTimeTest, CountsTheTimeAsleep) {
  const auto before = time.now();
  clock.sleep(8h);
  EXPECT_EQ(time.now(), before + 8h);
}

TEST_F(StoreTimeTest, AWallClockBeforeTheEpochIsStillAClock) {
  FakeClock early(TimePoint(-5h));
  EXPECT_EQ(StoreTime(early).now(), TimePoint(-5h));
}

TEST_F(StoreTimeTest, TheFirstReadingIsTakenAtOnce) {
  EXPECT_FALSE(time.is_known());
  read(-1h);
  EXPECT_TRUE(time.is_known());
  EXPECT_EQ(off(), -1h);
}

TEST_F(StoreTimeTest, OneWrongReadingMovesNothingAndIsForgotten) {
  for (const milliseconds wrong : {milliseconds(1h), milliseconds(-1h)}) {
    read(0ms);
    clock.advance(1min);
    read(wrong);
    EXPECT_EQ(off(), 0ms);
    EXPECT_EQ(time.next_reading(), 30s);
    EXPECT_EQ(careful_off(), std::min(wrong, 0ms)) << "a sweep goes by the more careful of the two";
    clock.advance(30s);
    read(wrong);
    clock.advance(30s);
    read(0ms);  // agrees with what is believed: the doubt is over
    EXPECT_EQ(time.next_reading(), 60s);
    EXPECT_EQ(careful_off(), 0ms);
    clock.advance(30s);
    read(wrong);
    EXPECT_EQ(off(), 0ms) << "the two before count no more";
  }
}

TEST_F(StoreTimeTest, ALargeDifferenceIsTakenInOneStepWhenThreeReadingsOverAMinuteAgree) {
  milliseconds base = 0ms;
  read(base);
  for (const milliseconds step :
       {milliseconds(2s), milliseconds(1h), milliseconds(-2s), milliseconds(-24h)}) {
    clock.advance(1min);
    read(base + step);
    clock.advance(30s);
    read(base + step);
    clock.advance(30s - 1ms);
    read(base + step);
    EXPECT_EQ(off(), base) << "the third came too soon";
    clock.advance(1ms);
    read(base + step);
    EXPECT_EQ(off(), base + step);
    EXPECT_EQ(time.next_reading(), 60s);
    pass(10s);
    EXPECT_EQ(off(), base + step) << "nothing is left of it";
    base += step;
  }
}

TEST_F(StoreTimeTest, ManyReadingsAtOnceCountAsOne) {
  read(0ms);
  for (int i = 0; i < 100; ++i) read(1h), clock.advance(100ms);
  EXPECT_EQ(off(), 0ms);
}

TEST_F(StoreTimeTest, ReadingsThatDisagreeBeginAnew) {
  read(0ms);
  for (const auto ahead : {3600'000ms, 3602'000ms, 3604'001ms, 3604'001ms}) {
    EXPECT_EQ(off(), 0ms);
    clock.advance(30s);
    read(ahead);
  }
  EXPECT_EQ(off(), 0ms) << "only the last two agree";
  clock.advance(30s);
  read(3604'001ms);
  EXPECT_EQ(off(), 3604'001ms);
}

TEST_F(StoreTimeTest, SmallDifferencesSlew) {
  read(0ms);
  for (const int sign : {1, -1}) {
    read(sign * 1999ms);
    EXPECT_EQ(off(), 0ms);
    pass(1s);
    EXPECT_EQ(off(), sign * 5ms);
    pass(99s);
    EXPECT_EQ(off(), sign * 500ms);
    read(sign * 1999ms);  // the same again, which is not added
    pass(400s, 50ms);     // and whatever the rhythm
    EXPECT_EQ(off(), sign * 1999ms);
    read(0ms);
    pass(400s, 30min);
    EXPECT_EQ(off(), 0ms) << "not beyond it either";
  }
}

TEST_F(StoreTimeTest, AnOldDifferenceGivesNoLeapToANewOne) {
  read(0ms);
  pass(1h);
  read(100ms);
  time.tick();
  EXPECT_EQ(off(), 0ms);
  pass(1s);
  EXPECT_EQ(off(), 5ms);
}

TEST_F(StoreTimeTest, OnlyWhatIsCertainIsCorrected) {
  read(0ms);
  read(0ms, 3s, 3s);  // as if 1.5 s behind
  read(0ms, 3s, 0ms);
  pass(10s);
  EXPECT_EQ(off(), 0ms);
  read(700ms, 1s, 0ms);  // 1.2 s ahead, 0.5 s of which may be the way
  pass(1000s);
  EXPECT_EQ(off(), 700ms);
}

TEST_F(StoreTimeTest, AReadingThatTookTooLongSaysLittle) {
  read(0ms);
  clock.advance(1min);
  read(1h);
  for (int i = 0; i < 3; ++i) clock.advance(30s), read(1h, 4s);
  EXPECT_EQ(off(), 0ms);
  EXPECT_EQ(time.next_reading(), 30s) << "the doubt stays";
  read(-1h, 4s, 2s);
  EXPECT_EQ(careful_off(), -1h - 2s) << "but a sweep heeds it";
}

TEST_F(StoreTimeTest, OfThreeThatAgreeTheMostExactIsTaken) {
  read(0ms);
  for (const auto& [ahead, round_trip] :
       {std::pair{milliseconds(1h) + 1s, 2000ms}, {milliseconds(1h), 2ms}, {1h + 900ms, 2000ms}}) {
    clock.advance(30s);
    read(ahead, round_trip, round_trip / 2);
  }
  EXPECT_EQ(off(), milliseconds(1h));
}

TEST_F(StoreTimeTest, TheTimeAsleepIsPartOfARoundTrip) {
  read(0ms);
  clock.advance(1min);
  const auto sent = clock.elapsed();
  const auto told = right();
  clock.sleep(8h);
  time.read(told, sent, clock.elapsed());
  pass(10s);
  EXPECT_EQ(off(), 0ms);
  EXPECT_EQ(time.next_reading(), 60s) << "it says nothing against what is believed";
}

TEST_F(StoreTimeTest, ABrokenClockOverflowsNothing) {
  read(0ms);
  for (const auto told : {TimePoint::max(), TimePoint::min()})
    time.read(told, clock.elapsed(), clock.elapsed());
  EXPECT_EQ(off(), 0ms);
  StoreTime first(clock);
  first.read(TimePoint::max(), clock.elapsed(), clock.elapsed());
  EXPECT_GT(first.now() + 24h * 36'500, first.now());
}

/// Forks where a test says so: within a call of StoreTime.
class ForkingClock final : public Clock {
 public:
  Deadline steady() const noexcept override { return Deadline(1h); }
  TimePoint wall() const noexcept override { return FakeClock::default_wall; }
  std::chrono::nanoseconds elapsed() const noexcept override {
    if (std::exchange(armed, false)) on_elapsed();
    return passed;
  }
  mutable bool armed = false;
  std::function<void()> on_elapsed{};
  std::chrono::nanoseconds passed{1h};
};

TEST(StoreTimeFork, AChildGoesOnThoughAThreadOfItsParentWasReading) {
  ForkingClock clock;
  StoreTime time(clock);
  time.read(clock.wall(), clock.elapsed(), clock.elapsed());
  time.read(clock.wall() + 1s, clock.elapsed(), clock.elapsed());
  clock.passed += 1s;
  pid_t child = -1;
  clock.on_elapsed = [&] {  // tick() holds the turn
    child = fork();
    if (child != 0) return;
    for (int i = 0; i < 3; ++i, clock.passed += 30s)
      time.read(clock.wall() + std::chrono::floor<milliseconds>(clock.passed), clock.passed,
                clock.passed);
    _exit(time.now() - clock.wall() > 1h ? 0 : 1);
  };
  clock.armed = true;
  time.tick();
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(time.now() - clock.wall(), 1s + 5ms) << "the parent's own goes on as it was";
}

}  // namespace
}  // namespace flame::session
