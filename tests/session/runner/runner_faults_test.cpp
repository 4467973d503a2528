#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <flame/session/manager.hpp>

#include "runner/breaker.hpp"
#include "runner/fork.hpp"
#include "runner/prepare_once.hpp"
#include "runner/runner.hpp"
#include "runner_support.hpp"

namespace flame::session::tests {
namespace {

using RunnerFaultsTest = RunnerTest;

TEST_F(RunnerFaultsTest, AnExchangeIsAbortedAtItsLimitAndItsConnectionClosed) {
  run(Verb::load, 1);
  store->hold(Verb::create);
  Asked& hangs = ask(Verb::create, 1);
  store->wait_until_held(1);
  clock.advance(deadline * exchange_deadlines - 1ms);
  let_watchdog_look();
  EXPECT_EQ(store->aborts(), 0U);
  clock.advance(1ms);
  EXPECT_EQ(answers.wait(hangs).error(), Errc::store_unavailable);
  EXPECT_TRUE(hangs.maybe_applied());
  EXPECT_EQ(store->aborts(), 1U);
  store->release(Verb::create);
  ask(Verb::create, 2), ask(Verb::create, 3);
  answers.wait_all();
  EXPECT_EQ(runner().counters().writes.aborted, 1U);
  const auto exchanges = store->exchanges();
  for (std::size_t i = 2; i < exchanges.size(); ++i)
    EXPECT_NE(exchanges[i].connection, exchanges[1].connection);
}

TEST_F(RunnerFaultsTest, AnAbortedConnectionIsClosedEvenWhereItAnswered) {
  store->answer_aborted();
  store->hold(Verb::create);
  Asked& slow = ask(Verb::create, 1);
  store->wait_until_held(1);
  clock.advance(deadline * exchange_deadlines);
  EXPECT_TRUE(answers.wait(slow).done());
  store->release(Verb::create);
  for (unsigned k = 2; k < 10; ++k) run(Verb::create, k);
  const auto exchanges = store->exchanges();
  EXPECT_EQ(std::ranges::count(exchanges, exchanges[0].connection, &Exchanged::connection), 1);
}

TEST_F(RunnerFaultsTest, NoWorkersButTheStuckOnesAreHeldUp) {
  store->ignore_aborts();
  occupy(Verb::create);
  clock.advance(deadline * exchange_deadlines);
  let_watchdog_look();
  store->wait_until_aborted(2);
  let_watchdog_look();
  EXPECT_EQ(store->aborts(), 2U) << "once for each exchange";
  EXPECT_EQ(run(Verb::load, 1).call.op.outcome, Outcome::missing);
  Asked& waits = ask(Verb::create, 1);
  clock.advance(deadline);
  store->release(Verb::create);
  EXPECT_EQ(answers.wait(waits).error(), Errc::deadline);
  EXPECT_EQ(store->sent(Verb::create, key(1)), 0U);
}

TEST_F(RunnerFaultsTest, OneItemThatTheStoreRefusesFailsAlone) {
  store->on_run = [](std::span<StoreOp> ops) {
    for (const auto& op : ops)
      if (op.record.key == key(5)) throw BlockingStore::refused("too large");
  };
  occupy(Verb::create);
  for (unsigned k = 0; k < 16; ++k) ask(Verb::create, k);
  store->release(Verb::create);
  answers.wait_all();
  for (const auto& each : answers.all()) {
    if (each.call.op.record.key == key(5)) {
      EXPECT_EQ(each.call.failure.value().error.text, "too large");
      EXPECT_FALSE(each.maybe_applied()) << "refused means that nothing was done";
    } else {
      EXPECT_TRUE(each.done());
    }
  }
  EXPECT_EQ(store->exchanges().size(), 2U + 1U + 2U * 4U);
  EXPECT_LE(store->connects(), 3U) << "a refusal is an answer";
}

TEST_F(RunnerFaultsTest, WhatWasAnsweredBeforeARefusalStaysAnswered) {
  store->on_run = [](std::span<StoreOp> ops) {
    if (ops.size() < 3) return;
    ops[0].outcome = Outcome::missing;
    throw BlockingStore::refused("half of it");
  };
  occupy(Verb::load);
  Asked& first = ask(Verb::load, 0);
  ask(Verb::load, 1);
  ask(Verb::load, 2);
  store->release(Verb::load);
  answers.wait_all();
  EXPECT_EQ(first.call.op.outcome, Outcome::missing);
  EXPECT_EQ(store->sent(Verb::load, key(0)), 1U);
  EXPECT_EQ(store->sent(Verb::load, key(1)), 2U);
}

TEST_F(RunnerFaultsTest, ALostLoadIsRepeatedOnceAndNobodyHearsOfIt) {
  int times = 0;
  store->on_run = [&](std::span<StoreOp>) {
    if (++times == 1) throw BlockingStore::lost("reset");
  };
  EXPECT_EQ(run(Verb::load, 1).call.op.outcome, Outcome::missing);
  EXPECT_FALSE(answers.all()[0].call.failure);
  EXPECT_EQ(store->connects(), 3U);
  EXPECT_EQ(runner().counters().reads.repeated, 1U);
}

TEST_F(RunnerFaultsTest, ALoadThatIsLostTwiceFails) {
  int times = 0;
  store->on_run = [&](std::span<StoreOp>) {
    if (++times <= 2) throw BlockingStore::lost("reset");
  };
  Asked& asked = run(Verb::load, 1);
  EXPECT_EQ(asked.call.failure.value().error.text, "reset");
  EXPECT_EQ(store->sent(Verb::load, key(1)), 2U);
}

TEST_F(RunnerFaultsTest, ALostReplaceIsNotRepeated) {
  run(Verb::create, 1);
  store->on_run = [](std::span<StoreOp>) { throw BlockingStore::lost("reset"); };
  Asked& asked = run(Verb::replace, 1);
  EXPECT_EQ(asked.error(), Errc::store_unavailable);
  EXPECT_TRUE(asked.maybe_applied());
  EXPECT_EQ(store->sent(Verb::replace, key(1)), 1U);
}

TEST_F(RunnerFaultsTest, OfALostBatchOnlyWhatIsSafeIsRepeated) {
  int times = 0;
  store->on_run = [&](std::span<StoreOp> ops) {
    if (ops.size() == 3 && ++times == 1) throw BlockingStore::lost("reset");
  };
  occupy(Verb::create);
  Asked& created = ask(Verb::create, 1);
  Asked& replaced = ask(Verb::replace, 2);
  Asked& erased = ask(Verb::erase, 3);
  store->release(Verb::create);
  answers.wait_all();
  EXPECT_TRUE(created.maybe_applied());
  EXPECT_TRUE(replaced.maybe_applied());
  EXPECT_TRUE(erased.done());
}

TEST_F(RunnerFaultsTest, AForeignExceptionIsALostConnection) {
  run(Verb::create, 1);
  store->on_run = [](std::span<StoreOp>) { throw 42; };
  Asked& asked = run(Verb::replace, 1);
  EXPECT_TRUE(asked.maybe_applied());
  EXPECT_LT(store->connected(), store->connects());
}

TEST_F(RunnerFaultsTest, WhatTheStoreForgotIsUnknown) {
  struct Forgetful final : Store {
    struct Connection final : StoreConnection {
      void run(std::span<StoreOp>, const Call&) override {}
      std::size_t sweep(std::size_t, const Call&) override { return 0; }
      OwnerPage list(std::string_view, std::string_view, std::size_t, const Call&) override {
        return {};
      }
      KeyPage scan(std::string_view, std::size_t, const Call&) override { return {}; }
    };
    std::unique_ptr<StoreConnection> make_connection() override {
      return std::make_unique<Connection>();
    }
    [[nodiscard]] StoreTraits traits() const noexcept override { return {}; }
  };
  const auto runner = store_runner(std::make_shared<Forgetful>(), time, clock, deadline);
  Asked& asked = answers.wait(answers.ask(*runner, Verb::create, 1, Deadline::max()));
  EXPECT_TRUE(asked.maybe_applied());
}

TEST_F(RunnerFaultsTest, AStoreThatIsDownRefusesAtOnceUntilTheNextTryIsDue) {
  run(Verb::load, 1);
  store->down();
  EXPECT_EQ(run(Verb::load, 1).error(), Errc::store_unavailable);
  clock.advance(Breaker::longest_pause);
  EXPECT_EQ(run(Verb::load, 1).error(), Errc::store_unavailable);
  const auto tried = store->connects();
  for (unsigned k = 0; k < 100; ++k) {
    EXPECT_EQ(run(Verb::load, k).error(), Errc::store_unavailable);
    EXPECT_EQ(run(Verb::create, k).error(), Errc::store_unavailable);
    EXPECT_FALSE(answers.all().back().maybe_applied());
  }
  EXPECT_EQ(store->connects(), tried);
  store->down(false);
  EXPECT_EQ(run(Verb::load, 1).error(), Errc::store_unavailable);
  clock.advance(Breaker::longest_pause);
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
  EXPECT_TRUE(run(Verb::create, 1).done());
}

TEST_F(RunnerFaultsTest, WhileOneTriesAStoreThatIsDownTheOthersAreRefused) {
  runner();
  store->down();
  EXPECT_EQ(run(Verb::load, 1).error(), Errc::store_unavailable);
  clock.advance(Breaker::longest_pause);
  store->hold_connects();
  Asked& tries = ask(Verb::load, 1);
  store->wait_until_held(1);
  EXPECT_EQ(run(Verb::load, 2).error(), Errc::store_unavailable);
  EXPECT_EQ(run(Verb::create, 2).error(), Errc::store_unavailable);
  EXPECT_FALSE(answers.is_answered(tries));
  store->down(false);
  store->release_connects();
  EXPECT_FALSE(answers.wait(tries).call.failure);
  EXPECT_TRUE(run(Verb::create, 1).done());
}

TEST_F(RunnerFaultsTest, AStoreThatRefusesIsUp) {
  runner();
  store->down();
  EXPECT_EQ(run(Verb::load, 1).error(), Errc::store_unavailable);
  store->down(false);
  store->on_run = [](std::span<StoreOp> ops) {
    if (ops.front().verb == Verb::load) throw BlockingStore::refused("no right to read");
  };
  clock.advance(Breaker::longest_pause);
  EXPECT_EQ(run(Verb::load, 1).call.failure.value().error.text, "no right to read");
  EXPECT_TRUE(run(Verb::create, 1).done()) << "refused as if the store were down";
}

TEST_F(RunnerFaultsTest, WhoCannotConnectLeavesTheCallsToWhoIsConnected) {
  run(Verb::load, 1);
  store->hold(Verb::load);
  store->hold_connects();
  ask(Verb::load, 1);
  store->wait_until_held(1);
  Asked& other = ask(Verb::load, 2);  // wakes the worker that has no connection yet
  store->wait_until_held(2);          // an exchange, and a connect
  store->release(Verb::load);
  EXPECT_FALSE(answers.wait(other).call.failure);
}

TEST_F(RunnerFaultsTest, AStoreThatWasDownAtTheStartIsPreparedLater) {
  store->down();
  const auto runner = store_runner(store, time, clock, deadline);
  const auto failure = runner->open();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->error.text, "the store is away");
  store->down(false);
  EXPECT_TRUE(answers.wait(answers.ask(*runner, Verb::create, 1, Deadline::max())).done());
}

TEST(PrepareOnce, WhoHangsHasItsTurnForAsLongAsItMayTake) {
  PrepareOnce once(false);
  EXPECT_TRUE(once.begin(std::chrono::steady_clock::now()));
  EXPECT_TRUE(once.begin(soon())) << "its time is over";
  EXPECT_THROW(static_cast<void>(once.begin(std::chrono::steady_clock::now())), StoreError);
  once.ended(false);
  EXPECT_TRUE(once.begin(soon()));
  once.ended(true);
  EXPECT_FALSE(once.begin(soon()));
}

TEST(PrepareOnce, AfterCloseNobodyWaits) {
  PrepareOnce once(false);
  EXPECT_TRUE(once.begin(soon()));
  once.close();
  EXPECT_THROW(static_cast<void>(once.begin(soon())), StoreError);
}

TEST_F(RunnerFaultsTest, StopDoesNotWaitForAStoreThatIsDown) {
  occupy(Verb::create);
  for (unsigned k = 0; k < 1000; ++k) ask(Verb::create, k);
  store->down();
  store->release(Verb::create);
  static_cast<void>(runner().stop(soon()));
  for (const auto& each : answers.all()) EXPECT_TRUE(each.answered == 1 && each.call.failure);
}

#ifndef __SANITIZE_THREAD__  // it starts no threads in a child of several
/// A thread that runs may hold a lock of the sanitizer's allocator, which then stays locked in a
/// child.
void wait_until_others_sleep() {
  namespace fs = std::filesystem;
  const auto others_run = [self = std::to_string(getpid())] {
    for (const auto& task : fs::directory_iterator("/proc/self/task")) {
      if (task.path().filename() == self) continue;
      std::string stat;
      std::getline(std::ifstream(task.path() / "stat"), stat);
      if (stat.find(") S ") == std::string::npos) return true;
    }
    return false;
  };
  while (others_run()) std::this_thread::yield();
}

TEST_F(RunnerFaultsTest, AChildProcessWorksOnConnectionsOfItsOwn) {
  run(Verb::create, 1);
  const auto connects = store->connects();
  wait_until_others_sleep();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool answered = run(Verb::create, 2).done() && run(Verb::load, 1).done();
    const bool own = store->exchanges().back().connection > connects;
    static_cast<void>(runner().stop(soon()));
    _exit(answered && own ? 0 : 1);
  }
  EXPECT_TRUE(run(Verb::load, 1).done());
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

/// What began and ended, and whose deadline is still to come, is no matter of the child's.
TEST_F(RunnerFaultsTest, AManagerServesParentChildAndGrandchild) {
  Options options;
  options.store = store;
  options.on_event = [](const Event&) {};
  Manager manager(std::move(options));
  ASSERT_TRUE(manager.open());
  const auto serves = [&] {
    auto session = manager.load({}, Need::write);
    if (!session) return false;
    session->set("n", 1);
    return manager.commit(*session).has_value();
  };
  ASSERT_TRUE(serves());
  wait_until_others_sleep();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    bool good = serves();
    wait_until_others_sleep();
    const pid_t grandchild = fork();
    if (grandchild == 0) _exit(serves() && serves() && manager.stop() ? 0 : 1);
    int status = -1;
    good = good && waitpid(grandchild, &status, 0) == grandchild && status == 0 && serves();
    _exit(good && manager.stop() ? 0 : 1);
  }
  EXPECT_TRUE(serves());
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(serves());
}

TEST_F(RunnerFaultsTest, AManagerOfStaticStorageEndsWell) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        static Manager manager([] {
          Options options;
          options.store = std::make_shared<BlockingStore>();
          return options;
        }());
        static_cast<void>(manager.open());
        auto session = manager.load({}, Need::write);
        session->set("n", 1);
        const bool saved = manager.commit(*session).has_value();
        std::thread([saved] { std::exit(saved ? 7 : 1); }).join();
      },
      testing::ExitedWithCode(7), "created");
}

TEST_F(RunnerFaultsTest, AManagerOfStaticStorageBearsAnExitInItsCallback) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        static Manager manager([] {
          Options options;
          options.store = std::make_shared<BlockingStore>();
          options.on_event = [](const Event&) { std::exit(7); };
          return options;
        }());
        static_cast<void>(manager.open());
        auto session = manager.load({}, Need::write);
        session->set("n", 1);
        static_cast<void>(manager.commit(*session));
        for (;;) ::pause();
      },
      testing::ExitedWithCode(7), "");
}

TEST(ForkMutex, AChildTakesOverWhatAThreadOfItsParentHeld) {
  ForkMutex mutex;
  mutex.lock();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);  // instead of waiting for ever
    mutex.lock();
    mutex.unlock();
    mutex.lock();
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  mutex.unlock();
}

TEST_F(RunnerFaultsTest, AChildProcessThatDoesNothingLeavesTheParentsThreadsAlone) {
  run(Verb::create, 1);
  wait_until_others_sleep();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto counters = runner().counters();
    end_runner();
    _exit(counters.writes.operations == 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(run(Verb::create, 2).done());
}
#endif

}  // namespace
}  // namespace flame::session::tests
