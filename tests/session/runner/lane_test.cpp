#include "runner/lane.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <thread>

#include <flame/session/test_support/fake_clock.hpp>

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;
using Pushed = Lane::Pushed;

class LaneTest : public testing::Test {
 protected:
  StoreCall& call(Deadline deadline = Deadline::max()) {
    calls.emplace_back().deadline = deadline;
    return calls.back();
  }
  StoreCall* push(Deadline deadline = Deadline::max()) {
    StoreCall& made = call(deadline);
    EXPECT_EQ(lane().push(made), Pushed::waits);
    return &made;
  }
  std::vector<StoreCall*> take() {
    std::vector<StoreCall*> out;
    Lane::Turn retries = 0;
    EXPECT_TRUE(lane().take(soon(), out, retries));
    return out;
  }
  Lane& lane() {
    if (!lane_) lane_.emplace(clock, limits);
    return *lane_;
  }
  /// Long enough for what must happen.
  static Deadline soon() { return std::chrono::steady_clock::now() + 60s; }

  test_support::FakeClock clock;
  Lane::Limits limits{.traits = {.workers = 2, .max_batch = 100}};
  std::deque<StoreCall> calls;

 private:
  std::optional<Lane> lane_{};
};

using Calls = std::vector<StoreCall*>;

TEST_F(LaneTest, GivesWhatWaitsInOrderOfArrival) {
  const Calls pushed{push(), push(), push()};
  EXPECT_EQ(take(), pushed);
  auto* const later = push();
  EXPECT_EQ(take(), Calls{later});
}

TEST_F(LaneTest, TakesNoMoreCallsThanABatchHolds) {
  limits.traits.max_batch = 2;
  const Calls pushed{push(), push(), push()};
  EXPECT_EQ(take(), (Calls{pushed[0], pushed[1]}));
  EXPECT_EQ(take(), Calls{pushed[2]});
}

TEST_F(LaneTest, WhatIsTooMuchStaysBeforeWhatComesLater) {
  limits.traits.max_batch = 2;
  const Calls pushed{push(), push(), push()};
  EXPECT_EQ(take(), (Calls{pushed[0], pushed[1]}));
  auto* const later = push();
  EXPECT_EQ(take(), (Calls{pushed[2], later}));
}

TEST_F(LaneTest, WhatIsTooMuchForOneWakesAnother) {
  limits.traits.max_batch = 1;
  lane();
  Calls both[2];
  std::atomic<int> begins{0};
  std::vector<std::thread> workers;
  for (Calls& out : both)
    workers.emplace_back([this, &begins, &out] {
      ++begins;
      Lane::Turn retries = 0;
      EXPECT_TRUE(lane().take(soon(), out, retries));
    });
  while (begins < 2) std::this_thread::yield();
  for (int i = 0; i < 500; ++i) std::this_thread::yield();  // most of the times both sleep by then
  Calls pushed{push(), push()};
  for (auto& worker : workers) worker.join();
  EXPECT_TRUE((both[0] == Calls{pushed[0]} && both[1] == Calls{pushed[1]}) ||
              (both[0] == Calls{pushed[1]} && both[1] == Calls{pushed[0]}));
}

TEST_F(LaneTest, TakesNoMoreBytesThanABatchHoldsButAlwaysOneCall) {
  limits.traits.max_batch_bytes = 5'000;
  Calls pushed;
  for (const std::size_t size : {10'000U, 0U, 10'000U}) {
    call().op.record.blob.assign(size, 'x');
    EXPECT_EQ(lane().push(calls.back()), Pushed::waits);
    pushed.push_back(&calls.back());
  }
  EXPECT_EQ(take(), Calls{pushed[0]});
  EXPECT_EQ(take(), Calls{pushed[1]});
  EXPECT_EQ(take(), Calls{pushed[2]});
}

TEST_F(LaneTest, RefusesWhatIsTooMuch) {
  limits.traits.max_batch = 1;
  for (std::size_t i = 0; i < Lane::max_waiting; ++i) push();
  EXPECT_EQ(lane().push(call()), Pushed::full);
  EXPECT_EQ(lane().counters.read().refused, 1U);
  EXPECT_EQ(take().size(), 1U);
  push();
  EXPECT_EQ(lane().push(call()), Pushed::full);
}

TEST_F(LaneTest, WhatIsLateKeepsNobodyOut) {
  limits.traits.max_batch = 1;
  auto* const first = push(clock.steady() + 1ms);
  for (std::size_t i = 1; i < Lane::max_waiting; ++i) push(clock.steady() + 100ms);
  clock.advance(100ms);
  auto* const fresh = push(clock.steady() + 1h);
  EXPECT_EQ(take(), Calls{first}) << "and is still there to be told";
  Calls out;
  while (out.empty() || out.back() != fresh) out = take();
}

TEST_F(LaneTest, RefusesWhatIsTooManyBytes) {
  constexpr std::size_t size = Lane::max_waiting_bytes / 8;
  const auto offer = [&] {
    call().op.record.blob.assign(size, 'x');
    return lane().push(calls.back());
  };
  for (int i = 0; i < 7; ++i) EXPECT_EQ(offer(), Pushed::waits);
  EXPECT_EQ(offer(), Pushed::full);
  EXPECT_EQ(lane().push(call()), Pushed::waits) << "a small one still fits";
  EXPECT_FALSE(take().empty());
  EXPECT_EQ(offer(), Pushed::waits);
}

TEST_F(LaneTest, WhatWasPutOffComesWhenItsTimeHasCome) {
  StoreCall& later = call();
  later.not_before = clock.steady() + 10ms;
  EXPECT_TRUE(lane().put_off(later));
  auto* const fresh = push();
  EXPECT_EQ(take(), Calls{fresh});
  clock.advance(10ms);
  EXPECT_EQ(take(), Calls{&later});
  EXPECT_EQ(lane().counters.read().later, 1U);
}

TEST_F(LaneTest, WhatWasPutOffIsNeverTakenWithTheRest) {
  for (int i = 0; i < 3; ++i) {
    call().not_before = clock.steady() + std::chrono::milliseconds(3 - i);
    EXPECT_TRUE(lane().put_off(calls.back()));
  }
  auto* const fresh = push();
  clock.advance(3ms);
  Lane::Turn retries = 0, others = 0;
  Calls out;
  EXPECT_TRUE(lane().take(soon(), out, retries));
  EXPECT_EQ(out, (Calls{&calls[2], &calls[1], &calls[0]})) << "the first due first";
  EXPECT_TRUE(retries);
  call().not_before = clock.steady();
  EXPECT_TRUE(lane().put_off(calls.back()));
  EXPECT_EQ(take(), Calls{fresh}) << "one worker is busy with such already";
  out.clear();
  EXPECT_TRUE(lane().take(std::chrono::steady_clock::now(), out, others));
  EXPECT_TRUE(out.empty());
  lane().end(retries);
  EXPECT_TRUE(lane().take(soon(), out, retries)) << "and comes back for more";
  EXPECT_EQ(out, Calls{&calls.back()});
}

TEST_F(LaneTest, WhoTriesAgainAndHangsIsPassedOver) {
  limits.deadline = 800ms;
  const auto put_off = [&] {
    call().not_before = clock.steady();
    EXPECT_TRUE(lane().put_off(calls.back()));
  };
  Lane::Turn hanging = 0, other = 0;
  Calls out, others;
  put_off();
  EXPECT_TRUE(lane().take(soon(), out, hanging));
  put_off();
  clock.advance(99ms);
  EXPECT_TRUE(lane().take(std::chrono::steady_clock::now(), others, other));
  EXPECT_TRUE(others.empty());
  clock.advance(1ms);
  EXPECT_TRUE(lane().take(soon(), others, other));
  EXPECT_EQ(others, Calls{&calls.back()});
  lane().end(hanging);
  put_off();
  out.clear();
  EXPECT_TRUE(lane().take(std::chrono::steady_clock::now(), out, hanging));
  EXPECT_TRUE(out.empty()) << "the other one is still at it";
}

TEST_F(LaneTest, NothingIsPutOffBeyondItsDeadlineOrItsPlaces) {
  limits.max_put_off = 2;
  const auto offer = [&](Deadline deadline) {
    call(deadline).not_before = clock.steady() + 10ms;
    return lane().put_off(calls.back());
  };
  EXPECT_FALSE(offer(clock.steady() + 10ms));
  EXPECT_TRUE(offer(clock.steady() + 11ms));
  EXPECT_TRUE(offer(clock.steady() + 11ms));
  EXPECT_FALSE(offer(clock.steady() + 11ms));
  push();
  lane().close();
  EXPECT_FALSE(offer(clock.steady() + 11ms));
}

TEST_F(LaneTest, AfterCloseWhatWasPutOffComesAtOnce) {
  call().not_before = clock.steady() + 1h;
  EXPECT_TRUE(lane().put_off(calls.back()));
  lane().close();
  EXPECT_EQ(take(), Calls{&calls.back()});
}

TEST_F(LaneTest, WhatIsToPauseDoesSoFromTheFirst) {
  call().not_before = clock.steady() + 5ms;
  EXPECT_EQ(lane().push(calls.back()), Pushed::waits);
  auto* const fresh = push();
  EXPECT_EQ(take(), Calls{fresh});
  clock.advance(5ms);
  EXPECT_EQ(take(), Calls{&calls.front()});
}

TEST_F(LaneTest, AnIdleWorkerRisesForWhatWasPutOff) {
  call().not_before = clock.steady() + 1ms;
  lane();
  Calls out;
  std::thread takes([&] {
    Lane::Turn retries = 0;
    EXPECT_TRUE(lane().take(soon(), out, retries));
  });
  EXPECT_TRUE(lane().put_off(calls.back()));
  clock.advance(1ms);
  takes.join();
  EXPECT_EQ(out, Calls{&calls.back()});
}

TEST_F(LaneTest, GivesAllBackAtOnce) {
  call().not_before = clock.steady() + 1h;
  EXPECT_TRUE(lane().put_off(calls.back()));
  push();
  auto all = lane().take_all();
  std::size_t count = 0;
  while (all.pop()) ++count;
  EXPECT_EQ(count, 2U);
  EXPECT_TRUE(lane().take_all().empty());
}

TEST_F(LaneTest, AfterCloseGivesWhatWaitsAndTakesNothingIn) {
  auto* const waits = push();
  lane().close();
  EXPECT_EQ(lane().push(call()), Pushed::closed);
  EXPECT_EQ(take(), Calls{waits});
  Calls out;
  Lane::Turn retries = 0;
  EXPECT_FALSE(lane().take(soon(), out, retries));
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(lane().closed());
}

TEST_F(LaneTest, TakeComesBackWithNothingWhenItsTimeIsOver) {
  Calls out;
  Lane::Turn retries = 0;
  EXPECT_TRUE(lane().take(std::chrono::steady_clock::now(), out, retries));
  EXPECT_TRUE(out.empty());
}

TEST_F(LaneTest, WakesTheIdleWorkerAndNotThoseThatPause) {
  lane();
  std::vector<std::thread> pausing;
  for (int i = 0; i < 4; ++i) pausing.emplace_back([this] { lane().pause(soon()); });
  for (int round = 0; round < 20 && !HasFailure(); ++round) {
    std::atomic<bool> begins{false};
    std::thread takes([&] {
      const auto until = std::chrono::steady_clock::now() + 10s;
      Calls out;
      Lane::Turn retries = 0;
      begins = true;
      EXPECT_TRUE(lane().take(until, out, retries));
      EXPECT_LT(std::chrono::steady_clock::now(), until) << "nobody woke it";
    });
    // Most of the times it waits by then; where it does not, there is nothing to be seen.
    while (!begins) std::this_thread::yield();
    for (int i = 0; i < 500; ++i) std::this_thread::yield();
    push();
    takes.join();
  }
  lane().close();
  for (auto& each : pausing) each.join();
}

TEST_F(LaneTest, EveryCallIsTakenByOneOfManyWorkers) {
  limits.traits.max_batch = 1;
  lane();
  std::atomic<std::size_t> taken{0};
  const auto work = [&] {
    Calls out;
    Lane::Turn retries = 0;
    while (lane().take(soon(), out, retries)) {
      taken += out.size();
      out.clear();
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) workers.emplace_back(work);
  for (int i = 0; i < 2'000; ++i) push();
  while (taken < 2'000) std::this_thread::yield();
  lane().close();
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(taken, 2'000U);
}

TEST_F(LaneTest, CloseEndsAPause) {
  lane();
  std::thread pauses([this] { lane().pause(soon()); });
  lane().close();
  pauses.join();
}

}  // namespace
}  // namespace flame::session::tests
