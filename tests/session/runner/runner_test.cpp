#include "runner/runner.hpp"

#include <sched.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "runner/completion.hpp"
#include "runner/lane.hpp"
#include "runner_support.hpp"

namespace flame::session::tests {
namespace {

TEST_F(RunnerTest, StartsNothingBeforeTheFirstOperation) {
  runner();
  EXPECT_EQ(store->connects(), 1U) << "open() had a look";
  EXPECT_EQ(store->connected(), 0U) << "and left nothing open";
  end_runner();
  EXPECT_EQ(store->connects(), 1U);
}

TEST_F(RunnerTest, AnswersWithTheOutcomeAndTheRecord) {
  EXPECT_TRUE(run(Verb::create, 1).done());
  EXPECT_EQ(run(Verb::create, 1).call.op.outcome, Outcome::exists);
  const auto& loaded = run(Verb::load, 1);
  EXPECT_TRUE(loaded.done());
  EXPECT_EQ(loaded.call.op.record.token, WriteToken{2});
  EXPECT_EQ(run(Verb::load, 2).call.op.outcome, Outcome::missing);
  EXPECT_TRUE(run(Verb::touch, 1).done());
  EXPECT_TRUE(run(Verb::erase, 1).done());
}

TEST_F(RunnerTest, WhatArrivesWhileABatchIsUnderWayGoesAsOne) {
  occupy(Verb::load);
  for (unsigned k = 0; k < 16; ++k) ask(Verb::load, 15 - k);
  store->release(Verb::load);
  answers.wait_all();
  const auto exchanges = store->exchanges();
  ASSERT_EQ(exchanges.size(), 3U);
  ASSERT_EQ(exchanges[2].ops.size(), 16U);
  EXPECT_TRUE(std::ranges::is_sorted(exchanges[2].ops));
}

TEST_F(RunnerTest, ABatchIsBoundedByWhatTheStoreTakes) {
  store->max_batch = 8;
  occupy(Verb::load);
  for (unsigned k = 0; k < 20; ++k) ask(Verb::load, k);
  store->release(Verb::load);
  answers.wait_all();
  const auto exchanges = store->exchanges();
  EXPECT_EQ(exchanges.size(), 5U);
  for (const auto& each : exchanges) EXPECT_LE(each.ops.size(), 8U);
}

TEST_F(RunnerTest, AStoreThatTakesNoBatchesGetsOneAtATime) {
  store->max_batch = 0;
  EXPECT_TRUE(run(Verb::create, 1).done());
}

TEST_F(RunnerTest, ASecondReplaceOfASessionGoesInTheNextBatch) {
  EXPECT_TRUE(run(Verb::create, 1).done());
  occupy(Verb::create);
  for (int i = 0; i < 3; ++i) {
    Asked& asked = answers.make(Verb::replace, 1, Deadline::max());
    asked.call.op.expected = WriteToken{2};
    asked.call.op.record.token = WriteToken{static_cast<std::uint64_t>(10 + i)};
    EXPECT_FALSE(runner().submit(asked.call));
  }
  store->release(Verb::create);
  answers.wait_all();
  const auto& all = answers.all();
  EXPECT_TRUE(all[3].done()) << "the first to come";
  EXPECT_EQ(all[4].call.op.outcome, Outcome::conflict);
  EXPECT_EQ(all[5].call.op.outcome, Outcome::conflict);
  EXPECT_EQ(all[5].call.op.record.token, WriteToken{10}) << "the newest record comes along";
  EXPECT_EQ(store->sent(Verb::replace, key(1)), 3U);
  EXPECT_EQ(runner().counters().writes.conflicts, 2U);
}

TEST_F(RunnerTest, ALoadDoesNotWaitBehindAWrite) {
  occupy(Verb::create);
  Asked& waits = ask(Verb::create, 1);
  EXPECT_EQ(run(Verb::load, 1).call.op.outcome, Outcome::missing);
  EXPECT_EQ(run(Verb::touch, 1).call.op.outcome, Outcome::missing);
  EXPECT_FALSE(answers.is_answered(waits));
  store->release(Verb::create);
  EXPECT_TRUE(answers.wait(waits).done());
}

TEST_F(RunnerTest, AWriteDoesNotWaitBehindALoad) {
  occupy(Verb::load);
  EXPECT_TRUE(run(Verb::create, 1).done());
  store->release(Verb::load);
}

TEST_F(RunnerTest, AFullQueueRefusesAtOnce) {
  deadline = 1h;
  occupy(Verb::load);
  for (unsigned k = 0; k < Lane::max_waiting; ++k) ask(Verb::load, k);
  Asked& refused = ask(Verb::load, 1);
  ASSERT_TRUE(answers.is_answered(refused));
  EXPECT_EQ(refused.error(), Errc::overloaded);
  EXPECT_FALSE(refused.maybe_applied());
  EXPECT_TRUE(run(Verb::create, 1).done()) << "the other lanes are their own";
  EXPECT_EQ(runner().counters().reads.refused, 1U);
  store->release(Verb::load);
  answers.wait_all();
}

TEST_F(RunnerTest, WhatIsLateWhenAWorkerComesToItIsNotSent) {
  deadline = 1h;  // the watchdog looks each half of it
  occupy(Verb::create);
  Asked& late = answers.ask(runner(), Verb::create, 1, clock.steady() + 10ms);
  Asked& in_time = answers.ask(runner(), Verb::create, 2, clock.steady() + 21ms);
  Asked& cannot = answers.ask(runner(), Verb::create, 3, clock.steady() + 20ms);
  clock.advance(10ms);
  store->release(Verb::create);
  answers.wait_all();
  EXPECT_EQ(late.error(), Errc::deadline);
  EXPECT_FALSE(late.maybe_applied());
  EXPECT_TRUE(in_time.done());
  EXPECT_EQ(store->sent(Verb::create, key(1)), 0U);
  EXPECT_EQ(cannot.error(), Errc::deadline) << "exchanges take 10 ms";
}

TEST_F(RunnerTest, WhoBecomesLateWhileItConnectsIsNotSent) {
  deadline = 1h;
  runner();
  store->hold_connects();
  Asked& late = answers.ask(runner(), Verb::create, 1, clock.steady() + 10ms);
  store->wait_until_held(1);
  clock.advance(10ms);
  store->release_connects();
  EXPECT_EQ(answers.wait(late).error(), Errc::deadline);
  EXPECT_TRUE(store->exchanges().empty());
}

/// One list for each batch.
struct Loop final : Executor {
  void post(Operation* list) noexcept override {
    const std::scoped_lock lock(mutex);
    std::size_t length = 0;
    for (; list; list = list->next) ++length;
    lengths.push_back(length);
    changed.notify_all();
  }
  std::vector<std::size_t> wait_for(std::size_t operations) {
    std::unique_lock lock(mutex);
    const auto sum = [&] { return std::accumulate(lengths.begin(), lengths.end(), 0U); };
    changed.wait(lock, [&] { return sum() >= operations; });
    return lengths;
  }
  std::mutex mutex{};
  std::condition_variable changed{};
  std::vector<std::size_t> lengths{};
};

TEST_F(RunnerTest, AnExecutorGetsOneListForABatch) {
  Loop loop;
  struct Finishing {
    StoreCall call{};
    Operation operation{};
  };
  std::deque<Finishing> all;
  occupy(Verb::load);
  for (unsigned k = 0; k < 10; ++k) {
    auto& each = all.emplace_back();
    each.operation.executor = &loop;
    each.call.op.record.key = key(k % 5);
    each.call.deadline = Deadline::max();
    each.call.context = &each.operation;
    each.call.done = [](StoreCall& call) noexcept {
      complete(*static_cast<Operation*>(call.context));
    };
    EXPECT_FALSE(runner().submit(each.call));
  }
  store->release(Verb::load);
  EXPECT_EQ(loop.wait_for(10), std::vector<std::size_t>{10});
}

TEST_F(RunnerTest, TheAnswersOfABatchDoNotWaitForTheNextOne) {
  Loop loop;
  struct Finishing {
    StoreCall call{};
    Operation operation{};
  };
  std::deque<Finishing> both(2);
  occupy(Verb::create);
  for (auto& each : both) {  // of one session: two batches of one worker
    each.operation.executor = &loop;
    each.call.op.verb = Verb::replace;
    each.call.deadline = Deadline::max();
    each.call.context = &each.operation;
    each.call.done = [](StoreCall& call) noexcept {
      complete(*static_cast<Operation*>(call.context));
    };
    EXPECT_FALSE(runner().submit(each.call));
  }
  int begun = 0;
  store->on_run = [&](std::span<StoreOp> ops) {
    if (ops.front().verb == Verb::replace && ++begun == 2) loop.wait_for(1);
  };
  store->release(Verb::create);
  EXPECT_EQ(loop.wait_for(2), (std::vector<std::size_t>{1, 1}));
}

TEST_F(RunnerTest, CountsWhatItDoes) {
  occupy(Verb::load);
  for (unsigned k = 0; k < 10; ++k) ask(Verb::load, k);
  clock.advance(1ms);
  store->release(Verb::load);
  answers.wait_all();
  const auto counters = runner().counters();
  EXPECT_EQ(counters.reads.operations, 12U);
  EXPECT_EQ(counters.reads.exchanges, 3U);
  EXPECT_EQ(counters.reads.queue_time, 10 * 1ms);
  EXPECT_EQ(counters.reads.exchange_time, 2 * 1ms);
  EXPECT_EQ(counters.writes.operations, 0U);
}

TEST_F(RunnerTest, TakesTheTimeFromAStoreThatHasAClock) {
  const auto its_time = test_support::FakeClock::default_wall + 90s;
  store->its_clock = [=] { return its_time; };
  run(Verb::load, 1);
  EXPECT_EQ(time.now(), its_time);
}

TEST_F(RunnerTest, SweepsNowAndThen) {
  run(Verb::touch, 1);
  clock.advance(29s);
  run(Verb::touch, 1);
  clock.advance(62s);
  run(Verb::touch, 1);
  store->wait_until_swept(1);
  run(Verb::touch, 1);  // and once more, to find nothing due
  run(Verb::touch, 1);
  EXPECT_EQ(store->sweeps(), 1U);
}

TEST_F(RunnerTest, SweepsOnWhileThereIsMore) {
  std::atomic<int> left{2};
  store->on_sweep = [&] { return left-- > 0 ? sweep_limit : 0; };
  run(Verb::touch, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    clock.advance(i == 0 ? std::chrono::milliseconds(91s) : 31ms);
    run(Verb::touch, 1);
    store->wait_until_swept(i + 1);
    run(Verb::touch, 1);  // comes after all that belongs to that sweep
  }
  clock.advance(31ms);
  run(Verb::touch, 1);
  run(Verb::touch, 1);
  EXPECT_EQ(store->sweeps(), 3U);
}

TEST_F(RunnerTest, SweepsAsOftenAsTheStoreSays) {
  store->sweep_every = 2s;
  run(Verb::touch, 1);
  for (std::size_t i = 1; i <= 3; ++i) {
    clock.advance(900ms);
    run(Verb::touch, 1);
    run(Verb::touch, 1);
    EXPECT_EQ(store->sweeps(), i - 1);
    clock.advance(2101ms);
    run(Verb::touch, 1);
    store->wait_until_swept(i);
    run(Verb::touch, 1);
  }
}

TEST_F(RunnerTest, ASweepThatFailedComesAgainAfterAMinute) {
  store->sweep_every = 2s;
  store->on_sweep = []() -> std::size_t { throw BlockingStore::refused("no right to delete"); };
  run(Verb::touch, 1);
  clock.advance(3001ms);
  run(Verb::touch, 1);
  store->wait_until_swept(1);
  run(Verb::touch, 1);
  clock.advance(29s);
  run(Verb::touch, 1);
  run(Verb::touch, 1);
  EXPECT_EQ(store->sweeps(), 1U);
  clock.advance(62s);
  run(Verb::touch, 1);
  store->wait_until_swept(2);
}

TEST_F(RunnerTest, ASweepThatFailsIsTold) {
  store->on_sweep = []() -> std::size_t { throw BlockingStore::refused("no right to delete"); };
  run(Verb::touch, 1);
  clock.advance(91s);
  run(Verb::touch, 1);
  EXPECT_EQ(wait_for_sweep_errors(1), std::vector<std::string>{"no right to delete"});
  run(Verb::touch, 1);
  EXPECT_EQ(store->connects(), 2U) << "nothing was wrong with the connection";
}

TEST_F(RunnerTest, ASweepThatLosesItsConnectionIsTold) {
  store->on_sweep = []() -> std::size_t { throw std::runtime_error("what is this"); };
  run(Verb::touch, 1);
  clock.advance(91s);
  run(Verb::touch, 1);
  EXPECT_EQ(wait_for_sweep_errors(1),
            std::vector<std::string>{"the store threw something else than a StoreError, whose text "
                                     "alone may be shown"});
  run(Verb::touch, 1);
  EXPECT_EQ(store->connects(), 3U);
}

TEST_F(RunnerTest, AListDoesNotWaitBehindASweep) {
  std::atomic<bool> goes_on{false};
  store->on_sweep = [&]() -> std::size_t {
    goes_on.wait(false);
    return 0;
  };
  run(Verb::touch, 1);
  clock.advance(91s);
  ask(Verb::touch, 1);
  store->wait_until_swept(1);
  Asked& asked = answers.make(Verb::load, 1, clock.steady() + deadline);
  ListRequest list{.owner = "ann", .limit = 10};
  asked.call.list = &list;
  EXPECT_FALSE(runner().submit(asked.call));
  EXPECT_FALSE(answers.wait(asked).call.failure);
  EXPECT_EQ(list.page.next, "of ann");
  goes_on = true;
  goes_on.notify_all();
  end_runner();  // before what the store waits for is gone
}

TEST_F(RunnerTest, EveryonesKeysComeAsAListDoes) {
  Asked& asked = answers.make(Verb::load, 1, clock.steady() + deadline);
  ListRequest list{.everyone = true, .limit = 10};
  asked.call.list = &list;
  EXPECT_FALSE(runner().submit(asked.call));
  EXPECT_FALSE(answers.wait(asked).call.failure);
  EXPECT_EQ(list.page.next, "of all");
  ASSERT_EQ(list.page.records.size(), 1U);
  EXPECT_EQ(list.page.records.front().key, SessionKey{});
}

TEST_F(RunnerTest, AListThatFailsIsAFailure) {
  run(Verb::load, 1);
  store->down();
  Asked& asked = answers.make(Verb::load, 1, clock.steady() + deadline);
  ListRequest list{.owner = "ann", .limit = 10};
  asked.call.list = &list;
  EXPECT_FALSE(runner().submit(asked.call));
  EXPECT_EQ(answers.wait(asked).error(), Errc::store_unavailable);
  EXPECT_FALSE(asked.maybe_applied());
}

TEST_F(RunnerTest, RingsWhenAsked) {
  let_watchdog_look();
  let_watchdog_look();
}

TEST_F(RunnerTest, StopDrains) {
  occupy(Verb::create);
  for (unsigned k = 0; k < 100; ++k) ask(Verb::create, k);
  std::thread stops([this] { static_cast<void>(runner().stop(soon())); });
  store->release(Verb::create);
  stops.join();
  for (const auto& each : answers.all()) {
    EXPECT_TRUE(each.answered);
    EXPECT_TRUE(each.done());
  }
  EXPECT_EQ(store->connected(), 0U);
}

TEST_F(RunnerTest, AfterStopNothingIsTakenIn) {
  run(Verb::load, 1);
  static_cast<void>(runner().stop(soon()));
  Asked& asked = ask(Verb::load, 1);
  ASSERT_TRUE(answers.is_answered(asked));
  EXPECT_EQ(asked.error(), Errc::stopped);
  EXPECT_FALSE(asked.maybe_applied());
  static_cast<void>(runner().stop(soon()));
}

TEST_F(RunnerTest, StopBeforeTheFirstOperation) {
  static_cast<void>(runner().stop(soon()));
  EXPECT_EQ(run(Verb::load, 1).error(), Errc::stopped);
  EXPECT_EQ(store->connects(), 1U);
}

TEST_F(RunnerTest, SubmitsThatMeetAStopAreAllAnswered) {
  for (int round = 0; round < 50; ++round) {
    const auto fresh = store_runner(store, time, clock, deadline);
    Answers theirs;
    std::thread submits([&] {
      for (unsigned k = 0; k < 50; ++k)
        theirs.ask(*fresh, Verb::load, k, clock.steady() + deadline);
    });
    static_cast<void>(fresh->stop(soon()));
    submits.join();
    theirs.wait_all();
    for (const auto& each : theirs.all())
      EXPECT_TRUE(!each.call.failure || each.error() == Errc::stopped);
  }
}

TEST_F(RunnerTest, ItsThreadsTakeNoProcessorFromWhoFeedsThem) {
  if (::sched_getscheduler(0) != SCHED_OTHER) GTEST_SKIP() << "another policy was chosen for us";
  std::atomic<int> policy{-1};
  store->on_run = [&](std::span<StoreOp>) { policy = ::sched_getscheduler(0); };
  run(Verb::load, 1);
  EXPECT_EQ(policy, SCHED_BATCH);
  for (const auto verb : {Verb::erase, Verb::touch}) {
    policy = -1;
    run(verb, 1);
    EXPECT_EQ(policy, SCHED_BATCH);
  }
}

TEST_F(RunnerTest, ItsThreadsKeepAPolicyThatWasChosen) {
  std::atomic<int> policy{-1};
  store->on_run = [&](std::span<StoreOp>) { policy = ::sched_getscheduler(0); };
  std::thread starts([&] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &none), 0);
    run(Verb::load, 1);
  });
  starts.join();
  EXPECT_EQ(policy, SCHED_IDLE);
}

TEST_F(RunnerTest, AThousandStartsAndStops) {
  for (int i = 0; i < 1000; ++i) {
    const auto fresh = store_runner(store, time, clock, deadline);
    Answers theirs;
    theirs.ask(*fresh, i % 2 ? Verb::load : Verb::create, 1, clock.steady() + deadline);
    theirs.ask(*fresh, Verb::touch, 1, clock.steady() + deadline);
    static_cast<void>(fresh->stop(soon()));
    theirs.wait_all();
  }
  EXPECT_EQ(store->connected(), 0U);
}

}  // namespace
}  // namespace flame::session::tests
