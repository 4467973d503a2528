// A lane before a store of set capacity, on a clock that a test moves: what overload costs, and
// whom.
#include "runner/congestion.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include <flame/session/test_support/fake_clock.hpp>

#include "runner/lane.hpp"

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;
using Pushed = Lane::Pushed;

constexpr auto deadline = 2'000ms;
constexpr std::size_t workers = 2, batch = 64;

/// What an exchange takes, and how many operations a second two workers do so.
struct Cost {
  const char* name;
  std::chrono::microseconds trip, each;
  std::size_t capacity;
};
constexpr Cost trip_only{"trip", 50ms, 0us, 2560};

/// Two workers before a store of set capacity.
class OverloadOf : public testing::Test {
 protected:
  explicit OverloadOf(const Cost& cost) : cost_(cost) {}

  struct Asked {
    StoreCall call{};
    Deadline at{};
  };
  struct Second {
    std::size_t offered = 0, in_time = 0, late = 0, refused = 0;
    std::chrono::milliseconds longest{0};  ///< of those that were answered
  };

  /// One second of so many arrivals, spread evenly.
  Second second(std::size_t arrivals) {
    now_ = {};
    for (std::size_t ms = 0; ms < 1000; ++ms) {
      const auto due = arrivals * (ms + 1) / 1000;
      while (now_.offered < due) arrive();
      for (auto& each : workers_) work(each);
      clock_.advance(1ms);
    }
    return now_;
  }
  Second seconds(std::size_t count, std::size_t arrivals) {
    Second sum;
    for (std::size_t i = 0; i < count; ++i) {
      const auto each = second(arrivals);
      sum.offered += each.offered, sum.in_time += each.in_time, sum.late += each.late;
      sum.longest = std::max(sum.longest, each.longest);
    }
    return sum;
  }

 private:
  struct Busy {
    std::optional<Deadline> until{};
    Deadline began{};
    std::vector<StoreCall*> calls{};
    Lane::Turn retries = 0;
  };

  void arrive() {
    ++now_.offered;
    auto& asked = all_.emplace_back();
    asked.at = clock_.steady();
    asked.call.deadline = asked.at + deadline;
    asked.call.context = &asked;
    if (lane_.push(asked.call) != Pushed::waits) ++now_.refused;
  }
  void work(Busy& worker) {
    if (worker.until && *worker.until > clock_.steady()) return;
    if (worker.until) answer(worker);
    worker.until.reset();
    worker.calls.clear();
    EXPECT_TRUE(lane_.take(std::chrono::steady_clock::now(), worker.calls, worker.retries));
    const auto answered = lane_.answers_at(worker.calls.size(), clock_.steady());
    std::erase_if(worker.calls, [&](auto* call) { return call->deadline <= answered; });
    worker.began = clock_.steady();
    if (!worker.calls.empty())
      worker.until = worker.began + cost_.trip + cost_.each * worker.calls.size();
  }
  void answer(Busy& worker) {
    lane_.exchanged(worker.calls.size(), clock_.steady() - worker.began, true);
    for (StoreCall* call : worker.calls) {
      ++(call->deadline > clock_.steady() ? now_.in_time : now_.late);
      const auto took = clock_.steady() - static_cast<Asked*>(call->context)->at;
      now_.longest =
          std::max(now_.longest, std::chrono::duration_cast<std::chrono::milliseconds>(took));
    }
  }

  const Cost cost_;
  test_support::FakeClock clock_;
  Lane lane_{clock_, {.traits = {.workers = workers, .max_batch = batch}, .deadline = deadline}};
  std::deque<Asked> all_;
  std::array<Busy, workers> workers_;
  Second now_;
};

class EveryStore : public OverloadOf, public testing::WithParamInterface<Cost> {
 protected:
  EveryStore() : OverloadOf(GetParam()) {}
  std::size_t capacity = GetParam().capacity;
};
INSTANTIATE_TEST_SUITE_P(, EveryStore,
                         testing::Values(trip_only, Cost{"long_trip", 500ms, 0us, 256},
                                         Cost{"each", 0us, 10ms, 200},
                                         Cost{"slow_each", 0us, 100ms, 20},
                                         Cost{"both", 20ms, 2ms, 864}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(EveryStore, AtTwiceTheCapacityMostOfItIsAnsweredInTime) {
  seconds(6, 2 * capacity);  // a trip of half a second tells of itself slowly
  for (int i = 0; i < 10; ++i) {
    const auto each = seconds(5, 2 * capacity);
    EXPECT_GE(each.in_time, 5 * capacity * 8 / 10) << "after " << 6 + 5 * i << " seconds";
    EXPECT_EQ(each.late, 0U) << "after " << 6 + 5 * i << " seconds";
  }
}

TEST_P(EveryStore, BelowItsCapacityAllOfItIsAnswered) {
  seconds(5, capacity * 8 / 10);
  const auto after = seconds(30, capacity * 8 / 10);
  EXPECT_GE(after.in_time + workers * batch, after.offered);
  EXPECT_EQ(after.refused, 0U);
}

TEST_P(EveryStore, TwoSecondsAfterAnOverloadAllOfItIsAnsweredAgain) {
  seconds(10, 2 * capacity);
  seconds(2, capacity * 8 / 10);
  const auto after = seconds(10, capacity * 8 / 10);
  EXPECT_GE(after.in_time + workers * batch, after.offered);
}

class Overload : public OverloadOf {
 protected:
  Overload() : OverloadOf(trip_only) {}
  static constexpr auto capacity = trip_only.capacity;
  static constexpr auto trip = 50ms;
};

TEST_F(Overload, AtTwiceTheCapacityNearlyAllOfItIsAnsweredInTime) {
  for (int i = 0; i < 60; ++i) {
    const auto each = second(2 * capacity);
    EXPECT_GE(each.in_time, capacity * (i == 0 ? 8 : 9) / 10) << "in second " << i;
    EXPECT_EQ(each.late, 0U) << "in second " << i;
  }
}

TEST_F(Overload, ALittleTooMuchDoesNotCollapseEither) {
  seconds(10, capacity * 117 / 100);
  const auto after = seconds(50, capacity * 117 / 100);
  EXPECT_GE(after.in_time, 50 * capacity * 95 / 100);
  EXPECT_EQ(after.late, 0U);
}

TEST_F(Overload, TwoSecondsAfterItHalvesTheLatencyIsNormal) {
  const auto normal = seconds(5, capacity * 9 / 10).longest;
  seconds(10, 2 * capacity * 9 / 10);
  seconds(2, capacity * 9 / 10);
  const auto after = seconds(5, capacity * 9 / 10);
  EXPECT_LE(after.longest, normal + trip);
  EXPECT_EQ(after.in_time + after.late, after.offered);
}

TEST_F(Overload, WhileItLastsNobodyWaitsLong) {
  seconds(3, 2 * capacity);
  EXPECT_LE(seconds(5, 2 * capacity).longest, 5 * trip);
}

TEST_F(Overload, ABurstAfterAQuietTimeIsTakenIn) {
  seconds(3, 100);
  const auto burst = second(100);
  EXPECT_EQ(burst.refused, 0U);
}

/// One worker, whose exchanges all take so long.
class Congested : public testing::Test {
 protected:
  void exchange(std::size_t operations, std::chrono::nanoseconds took, int times = 8) {
    for (int i = 0; i < times; ++i) lane.exchanged(operations, took, now);
  }

  Congestion lane{1, 10, 1000ms};
  Deadline now{1h};
};

TEST_F(Congested, ABurstMayFillHalfADeadline) {
  exchange(10, 100ms);
  EXPECT_TRUE(lane.admits(49, now, now + 1s));
  EXPECT_FALSE(lane.admits(50, now, now + 1s));
}

TEST_F(Congested, AQueueThatStaysIsHeldShort) {
  exchange(10, 10ms);
  EXPECT_TRUE(lane.admits(60, now, now + 1s));
  now += 251ms;
  exchange(10, 10ms);
  EXPECT_FALSE(lane.admits(60, now, now + 1s));
  EXPECT_TRUE(lane.admits(49, now, now + 1s));
  lane.taken(10, 10, false);
  EXPECT_TRUE(lane.admits(60, now, now + 1s)) << "it was empty in between";
}

TEST_F(Congested, WhatCannotMakeItsOwnDeadlineIsRefused) {
  exchange(10, 100ms);
  EXPECT_FALSE(lane.admits(20, now, now + 200ms));
  EXPECT_TRUE(lane.admits(20, now, now + 201ms));
  EXPECT_FALSE(lane.admits(20, now, Deadline::min()));
  EXPECT_TRUE(lane.admits(20, now, Deadline::max()));
  EXPECT_EQ(lane.answers_at(10, now), now + 100ms);
}

TEST_F(Congested, OneRoundOfEveryWorkerMayAlwaysWait) {
  Congestion two(2, 10, 1000ms);
  for (std::size_t n : {1, 10, 1, 10, 1, 10, 1, 10}) two.exchanged(n, 999ms, now);
  EXPECT_TRUE(two.admits(19, now, now + 1ms));
  EXPECT_FALSE(two.admits(20, now, now + 1s));
}

TEST_F(Congested, ASlowExchangeIsForgottenWhereNothingIsMeasured) {
  exchange(10, 10s);
  EXPECT_EQ(lane.answers_at(10, now), now + 1s) << "none is sent that nobody will wait for";
  now += 1001ms;
  EXPECT_EQ(lane.answers_at(10, now), now);
}

TEST_F(Congested, WhereBytesBoundABatchFewerMayWait) {
  for (std::size_t n : {10, 5, 10, 5}) exchange(n, 100ms);
  for (int i = 0; i < 40; ++i) lane.taken(5, 10, true);
  EXPECT_TRUE(lane.admits(24, now, now + 1s));
  EXPECT_FALSE(lane.admits(27, now, now + 1s));
  lane.taken(10, 10, false);
  EXPECT_TRUE(lane.admits(49, now, now + 1s));
}

TEST_F(Congested, OneThatTookLongSaysNothing) {
  exchange(1, 1s, 1);
  EXPECT_EQ(lane.answers_at(1, now), now);
  exchange(1, 1s, 1);
  EXPECT_EQ(lane.answers_at(1, now), now + 1s);
}

TEST_F(Congested, OfALongTripAQuarterOfADeadlineCounts) {
  exchange(10, 400ms);
  EXPECT_EQ(lane.answers_at(10, now), now + 250ms);
  exchange(2, 100ms);
  exchange(10, 500ms);  // it was 50 ms each
  EXPECT_GT(lane.answers_at(10, now), now + 350ms);
}

TEST_F(Congested, ABatchIsAsLargeAsAnEighthOfADeadlineAllows) {
  exchange(5, 100ms);  // 20 ms each
  exchange(6, 120ms);
  EXPECT_EQ(lane.next_batch(now), 6U);
  exchange(6, 30ms, 100);
  exchange(5, 25ms);
  EXPECT_EQ(lane.next_batch(now), 10U) << "5 ms each now";
}

TEST_F(Congested, ALongTripMakesNoBatchSmaller) {
  for (int i = 0; i < 4; ++i) {
    exchange(10, 400ms, 1);
    exchange(5, 400ms, 1);
  }
  EXPECT_EQ(lane.next_batch(now), 10U);
}

TEST_F(Congested, WhereABatchTakesLongEveryEighthIsOfAnotherSize) {
  for (std::size_t n : {10, 5, 10, 5, 10, 5}) exchange(n, 400ms, 1);
  std::size_t small = 0;
  for (int i = 0; i < 16; ++i) small += lane.next_batch(now) == 5 ? 1 : 0;
  EXPECT_EQ(small, 2U);
}

TEST_F(Congested, ItBeginsWithAFewAndDoubles) {
  Congestion large(1, 64, 1000ms);
  EXPECT_EQ(large.next_batch(now), 16U);
  large.exchanged(1, 1ms, now);
  EXPECT_EQ(large.next_batch(now), 32U);
  large.exchanged(1, 1ms, now);
  EXPECT_EQ(large.next_batch(now), 64U);
  now += 1001ms;
  EXPECT_EQ(large.next_batch(now), 16U) << "what it knew is old";
}

}  // namespace
}  // namespace flame::session::tests
