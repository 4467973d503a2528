#include "runner/lane.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

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
    EXPECT_EQ(lane.push(made), Pushed::waits);
    return &made;
  }
  std::vector<StoreCall*> take(std::size_t max_calls = 100, std::size_t max_bytes = 1 << 20) {
    std::vector<StoreCall*> out;
    EXPECT_TRUE(lane.take(max_calls, max_bytes, soon(), out));
    return out;
  }
  /// Long enough for what must happen.
  static Deadline soon() { return std::chrono::steady_clock::now() + 60s; }

  Lane lane;
  std::deque<StoreCall> calls;
};

using Calls = std::vector<StoreCall*>;

TEST_F(LaneTest, GivesWhatWaitsInOrderOfArrival) {
  const Calls pushed{push(), push(), push()};
  EXPECT_EQ(take(), pushed);
  auto* const later = push();
  EXPECT_EQ(take(), Calls{later});
}

TEST_F(LaneTest, TakesNoMoreCallsThanAsked) {
  const Calls pushed{push(), push(), push()};
  EXPECT_EQ(take(2), (Calls{pushed[0], pushed[1]}));
  EXPECT_EQ(take(2), Calls{pushed[2]});
}

TEST_F(LaneTest, WhatIsTooMuchStaysBeforeWhatComesLater) {
  const Calls pushed{push(), push(), push(), push()};
  EXPECT_EQ(take(2), (Calls{pushed[0], pushed[1]}));
  auto* const later = push();
  EXPECT_EQ(take(1), Calls{pushed[2]});
  EXPECT_EQ(take(), (Calls{pushed[3], later}));
}

TEST_F(LaneTest, WhatIsTooMuchForOneWakesAnother) {
  Calls both[2];
  std::atomic<int> begins{0};
  std::vector<std::thread> workers;
  for (Calls& out : both)
    workers.emplace_back([this, &begins, &out] {
      ++begins;
      EXPECT_TRUE(lane.take(1, 1 << 20, soon(), out));
    });
  while (begins < 2) std::this_thread::yield();
  for (int i = 0; i < 500; ++i) std::this_thread::yield();  // most of the times both sleep by then
  Calls pushed{push(), push()};
  for (auto& worker : workers) worker.join();
  EXPECT_TRUE((both[0] == Calls{pushed[0]} && both[1] == Calls{pushed[1]}) ||
              (both[0] == Calls{pushed[1]} && both[1] == Calls{pushed[0]}));
}

TEST_F(LaneTest, TakesNoMoreBytesThanAskedButAlwaysOneCall) {
  const Calls pushed{push(), push(), push()};
  pushed[0]->op.record.blob.assign(10'000, 'x');
  pushed[2]->op.record.blob.assign(10'000, 'x');
  EXPECT_EQ(take(100, 5'000), Calls{pushed[0]});
  EXPECT_EQ(take(100, 5'000), Calls{pushed[1]});
  EXPECT_EQ(take(100, 5'000), Calls{pushed[2]});
}

TEST_F(LaneTest, RefusesWhatIsTooMuch) {
  for (std::size_t i = 0; i < Lane::max_waiting; ++i) push();
  EXPECT_EQ(lane.push(call()), Pushed::full);
  EXPECT_EQ(lane.counters.read().refused, 1U);
  EXPECT_EQ(take(1).size(), 1U);
  push();
  EXPECT_EQ(lane.push(call()), Pushed::full);
}

TEST_F(LaneTest, AfterCloseGivesWhatWaitsAndTakesNothingIn) {
  auto* const waits = push();
  lane.close();
  EXPECT_EQ(lane.push(call()), Pushed::closed);
  EXPECT_EQ(take(), Calls{waits});
  Calls out;
  EXPECT_FALSE(lane.take(1, 1, soon(), out));
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(lane.closed());
}

TEST_F(LaneTest, TakeComesBackWithNothingWhenItsTimeIsOver) {
  Calls out;
  EXPECT_TRUE(lane.take(1, 1, std::chrono::steady_clock::now(), out));
  EXPECT_TRUE(out.empty());
}

TEST_F(LaneTest, TakesOutWhatIsLate) {
  const Deadline now{1h};
  const Calls pushed{push(now), push(now + 1ms), push(now - 1ms), push(now + 1ms), push(now)};
  Calls late;
  auto taken = lane.take_late(now);
  while (auto* const each = taken.pop()) late.push_back(each);
  EXPECT_EQ(late, (Calls{pushed[0], pushed[2], pushed[4]}));
  auto* const later = push();
  EXPECT_EQ(take(), (Calls{pushed[1], pushed[3], later}));
}

TEST_F(LaneTest, TakesOutAllWhereAllAreLate) {
  push(Deadline{});
  push(Deadline{});
  EXPECT_FALSE(lane.take_late(Deadline{1h}).empty());
  EXPECT_TRUE(lane.take_late(Deadline{1h}).empty());
  auto* const later = push();
  EXPECT_EQ(take(), Calls{later});
}

TEST_F(LaneTest, WakesTheIdleWorkerAndNotThoseThatPause) {
  std::vector<std::thread> pausing;
  for (int i = 0; i < 4; ++i) pausing.emplace_back([this] { lane.pause(soon()); });
  for (int round = 0; round < 20 && !HasFailure(); ++round) {
    std::atomic<bool> begins{false};
    std::thread takes([&] {
      const auto until = std::chrono::steady_clock::now() + 10s;
      Calls out;
      begins = true;
      EXPECT_TRUE(lane.take(1, 1, until, out));
      EXPECT_LT(std::chrono::steady_clock::now(), until) << "nobody woke it";
    });
    // Most of the times it waits by then; where it does not, there is nothing to be seen.
    while (!begins) std::this_thread::yield();
    for (int i = 0; i < 500; ++i) std::this_thread::yield();
    push();
    takes.join();
  }
  lane.close();
  for (auto& each : pausing) each.join();
}

TEST_F(LaneTest, EveryCallIsTakenByOneOfManyWorkers) {
  std::atomic<std::size_t> taken{0};
  const auto work = [&] {
    Calls out;
    while (lane.take(1, 1, soon(), out)) {
      taken += out.size();
      out.clear();
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) workers.emplace_back(work);
  for (int i = 0; i < 2'000; ++i) push();
  while (taken < 2'000) std::this_thread::yield();
  lane.close();
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(taken, 2'000U);
}

TEST_F(LaneTest, CloseEndsAPause) {
  std::thread pauses([this] { lane.pause(soon()); });
  lane.close();
  pauses.join();
}

}  // namespace
}  // namespace flame::session::tests
