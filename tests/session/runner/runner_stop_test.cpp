// open() and stop() of a runner whose store does not come back.
#include <thread>

#include "runner/runner.hpp"
#include "runner_support.hpp"

namespace flame::session::tests {
namespace {

/// Its store may stay with threads that never end: it is left to them.
class RunnerStopTest : public RunnerTest {
 protected:
  /// Of a thread that hangs: nobody comes back from there.
  static std::shared_ptr<BlockingStore>& hung() {
    static std::shared_ptr<BlockingStore> kept;
    return kept;
  }
  static Deadline in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
  }
};

TEST_F(RunnerStopTest, WhatHangsIsInterruptedAndAnswered) {
  occupy(Verb::create);
  Asked& waits = ask(Verb::create, 1);
  EXPECT_EQ(runner().stop(in(200ms)), "");
  EXPECT_EQ(waits.error(), Errc::stopped);
  EXPECT_FALSE(waits.maybe_applied());
  EXPECT_TRUE(answers.all().front().maybe_applied());
  EXPECT_EQ(store->aborts(), 2U);
  EXPECT_EQ(store->connected(), 0U);
}

TEST_F(RunnerStopTest, AConnectThatHangsIsInterrupted) {
  runner();
  store->hold_connects();
  Asked& waits = ask(Verb::create, 1);
  store->wait_until_held(1);
  EXPECT_EQ(runner().stop(in(200ms)), "");
  EXPECT_FALSE(answers.wait(waits).maybe_applied());
}

TEST_F(RunnerStopTest, AConnectThatObeysNothingIsLeftBehindWithoutItsCalls) {
  hung() = store;
  runner();
  store->ignore_aborts();
  store->hold_connects();
  Asked& waits = ask(Verb::create, 1);
  store->wait_until_held(1);
  EXPECT_EQ(runner().stop(in(100ms)), "writes");
  EXPECT_EQ(answers.wait(waits).error(), Errc::stopped);
  EXPECT_FALSE(waits.maybe_applied()) << "it was never sent";
  end_runner();
}

TEST_F(RunnerStopTest, WhatObeysNothingIsLeftBehindAndNamed) {
  hung() = store;
  store->ignore_aborts();
  occupy(Verb::create);
  Asked& waits = ask(Verb::create, 1);
  EXPECT_EQ(runner().stop(in(100ms)), "writes, writes");
  EXPECT_EQ(waits.error(), Errc::stopped);
  EXPECT_FALSE(waits.maybe_applied());
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(answers.all()[i].error(), Errc::stopped);
    EXPECT_TRUE(answers.all()[i].maybe_applied());
  }
  end_runner();
  store->release_all();  // they come back, and find nothing of ours
}

TEST_F(RunnerStopTest, AnAbortThatNeverReturnsIsLeftBehindToo) {
  hung() = store;
  static std::atomic<bool> never{false};
  store->on_abort = [] { never.wait(false); };
  store->hold(Verb::create);
  ask(Verb::create, 1);
  store->wait_until_held(1);
  clock.advance(deadline * exchange_deadlines);
  let_watchdog_look();
  std::this_thread::sleep_for(deadline / 4);  // whoever interrupts comes by meanwhile
  const auto named = runner().stop(in(100ms));
  EXPECT_NE(named, "");
  end_runner();
}

TEST_F(RunnerStopTest, OpenInterruptsAConnectThatHangs) {
  store->hold_connects();
  const auto runner = store_runner(store, time, clock, deadline);
  const auto failure = runner->open();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->error.text, "aborted");
  EXPECT_EQ(store->aborts(), 1U);
  store->release_connects();
}

TEST_F(RunnerStopTest, OpenLeavesBehindAConnectThatObeysNothing) {
  hung() = store;
  store->ignore_aborts();
  store->hold_connects();
  const auto runner = store_runner(store, time, clock, deadline);
  const auto failure = runner->open();
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->error.text.find("interrupted"), std::string::npos);
  store->release_connects();
}

}  // namespace
}  // namespace flame::session::tests
