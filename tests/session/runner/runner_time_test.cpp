#include "runner_support.hpp"

namespace flame::session {
namespace {

using namespace tests;
using std::chrono::milliseconds;

/// A store whose clock is as far ahead of the right time as a test says.
class RunnerTime : public RunnerTest {
 protected:
  RunnerTime() {
    store = std::make_shared<BlockingStore>(inner);
    store->its_clock = [this] { return clock.wall() + ahead.load(); };
  }

  milliseconds off() const { return time.now() - clock.wall(); }
  /// The session of another process.
  void create(unsigned k, milliseconds lasts) {
    StoreOp op{Verb::create, {.key = key(k), .token = WriteToken{1}}, {}, {}};
    op.record.expires_at = clock.wall() + lasts;
    open_connection(*inner, {})->run({&op, 1}, {clock.wall(), {}});
  }
  /// Whether its record is there, expired or not.
  bool is_kept(unsigned k) {
    StoreOp op{Verb::load, {.key = key(k)}, {}, {}};
    open_connection(*inner, {})->run({&op, 1}, {TimePoint(1ms), {}});
    return op.outcome == Outcome::done;
  }
  bool opens(unsigned k) { return run(Verb::load, k).done(); }
  /// A touch wakes the worker that sweeps, and a second one comes when it has.
  void sweep_after(milliseconds pause) {
    run(Verb::touch, 99);  // starts it, where it had nothing to do yet
    run(Verb::touch, 99);  // a sweep that was due already is over
    const auto before = store->sweeps();
    clock.advance(pause);
    run(Verb::touch, 99);
    store->wait_until_swept(before + 1);
    run(Verb::touch, 99);
  }

  StorePtr inner = memory::store();
  std::atomic<milliseconds> ahead{0ms};
};

TEST_F(RunnerTime, OneWrongReadingEndsNothing) {
  create(1, 30min);
  sweep_after(91s);
  ahead = 1h;
  sweep_after(61s);
  EXPECT_EQ(off(), 0ms);
  EXPECT_TRUE(opens(1));
  ahead = 0ms;
  sweep_after(30s);
  EXPECT_TRUE(opens(1));
  sweep_after(30min);
  EXPECT_FALSE(opens(1));
  EXPECT_FALSE(is_kept(1)) << "its time is over, whatever was read once";
}

TEST_F(RunnerTime, AProcessThatBeganWithAWrongReadingDeletesNothingAndRecovers) {
  create(1, 30min);
  ahead = 1h;
  EXPECT_FALSE(opens(1)) << "the first reading is taken";
  ahead = 0ms;
  sweep_after(91s);  // a new connection read it before, so this is the second of three
  EXPECT_EQ(off(), 1h);
  EXPECT_TRUE(is_kept(1));
  sweep_after(30s);
  EXPECT_TRUE(is_kept(1));
  EXPECT_EQ(off(), 0ms);
  EXPECT_TRUE(opens(1)) << "it only seemed expired";
}

TEST_F(RunnerTime, AClockThatMovedIsTakenWhenThreeReadingsAgree) {
  sweep_after(91s);
  for (const milliseconds moved : {milliseconds(1h), milliseconds(-1h)}) {
    const auto before = off();
    ahead = moved;
    sweep_after(61s);
    sweep_after(30s);
    EXPECT_EQ(off(), before);
    sweep_after(30s);
    EXPECT_EQ(off(), moved);
  }
}

TEST_F(RunnerTime, ASweepLeavesAMarginAlone) {
  sweep_after(91s);
  create(1, 61s - 5s);
  create(2, 61s - 5s + 1ms);
  sweep_after(61s);
  EXPECT_FALSE(is_kept(1));
  EXPECT_TRUE(is_kept(2));
  EXPECT_FALSE(opens(2)) << "expired is missing, swept or not";
}

TEST_F(RunnerTime, TheWatchdogSlewsASmallDifference) {
  ahead = 0ms;
  run(Verb::touch, 99);
  ahead = 1s;
  sweep_after(91s);
  EXPECT_EQ(off(), 0ms);
  clock.advance(2s);
  let_watchdog_look();
  EXPECT_EQ(off(), 10ms);
}

}  // namespace
}  // namespace flame::session
