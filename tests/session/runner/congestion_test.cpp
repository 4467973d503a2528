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
constexpr auto trip = 50ms;
constexpr std::size_t workers = 2, batch = 64;
constexpr std::size_t capacity = workers * batch * 20;  // a second

/// Two workers, each with an exchange of 50 ms, whatever is in it.
class Overload : public testing::Test {
 protected:
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
    std::vector<StoreCall*> calls{};
    bool retries = false;
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
    std::erase_if(worker.calls,
                  [&](auto* call) { return call->deadline <= lane_.answers_at(clock_.steady()); });
    if (!worker.calls.empty()) worker.until = clock_.steady() + trip;
  }
  void answer(Busy& worker) {
    lane_.exchanged(trip);
    for (StoreCall* call : worker.calls) {
      ++(call->deadline > clock_.steady() ? now_.in_time : now_.late);
      const auto took = clock_.steady() - static_cast<Asked*>(call->context)->at;
      now_.longest =
          std::max(now_.longest, std::chrono::duration_cast<std::chrono::milliseconds>(took));
    }
  }

  test_support::FakeClock clock_;
  Lane lane_{clock_, {.traits = {.workers = workers, .max_batch = batch}, .deadline = deadline}};
  std::deque<Asked> all_;
  std::array<Busy, workers> workers_;
  Second now_;
};

TEST_F(Overload, AtTwiceTheCapacityMostOfItIsAnsweredInTime) {
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

TEST(Congestion, ABurstMayFillHalfADeadline) {
  Congestion lane(1, 10, 1000ms);
  const Deadline now{1h};
  lane.exchanged(100ms, now);
  EXPECT_TRUE(lane.admits(49, now, now + 1s));
  EXPECT_FALSE(lane.admits(50, now, now + 1s));
}

TEST(Congestion, AQueueThatStaysIsHeldShort) {
  Congestion lane(1, 10, 1000ms);
  Deadline now{1h};
  lane.exchanged(10ms, now);
  EXPECT_TRUE(lane.admits(60, now, now + 1s));
  now += 251ms;
  lane.exchanged(10ms, now);
  EXPECT_FALSE(lane.admits(60, now, now + 1s));
  EXPECT_TRUE(lane.admits(49, now, now + 1s));
  lane.taken(10, false);
  EXPECT_TRUE(lane.admits(60, now, now + 1s)) << "it was empty in between";
}

TEST(Congestion, WhatCannotMakeItsOwnDeadlineIsRefused) {
  Congestion lane(1, 10, 1000ms);
  const Deadline now{1h};
  lane.exchanged(100ms, now);
  EXPECT_FALSE(lane.admits(20, now, now + 200ms));
  EXPECT_TRUE(lane.admits(20, now, now + 201ms));
  EXPECT_EQ(lane.answers_at(now), now + 100ms);
}

TEST(Congestion, OneRoundOfEveryWorkerMayAlwaysWait) {
  Congestion lane(2, 10, 1000ms);
  const Deadline now{1h};
  lane.exchanged(10s, now);
  EXPECT_TRUE(lane.admits(19, now, now + 1ms));
  EXPECT_FALSE(lane.admits(20, now, now + 1s));
}

TEST(Congestion, ASlowExchangeIsForgottenWhereNothingIsMeasured) {
  Congestion lane(1, 10, 1000ms);
  Deadline now{1h};
  lane.exchanged(10s, now);
  EXPECT_EQ(lane.answers_at(now), now + 250ms) << "a quarter of a deadline at most";
  now += 1001ms;
  EXPECT_EQ(lane.answers_at(now), now);
}

}  // namespace
}  // namespace flame::session::tests
