// What a store puts off, refuses, or is away for.
#include <thread>

#include "runner/breaker.hpp"
#include "runner/runner.hpp"
#include "runner_support.hpp"

namespace flame::session::tests {
namespace {

class RunnerLaterTest : public RunnerTest {
 protected:
  /// Time passes until it is answered: nobody knows when its pause begins.
  void let_pass_until(const Asked& asked) {
    while (!answers.is_answered(asked)) {
      clock.advance(1ms);
      std::this_thread::yield();
    }
  }

  /// How many connections are made for a write whose first one says this, and a load after it.
  std::size_t connects_after(StoreError::Kind said) {
    deadline = 1h;
    store->workers = 1;
    run(Verb::load, 2);
    const auto before = store->connects();
    std::atomic<int> times{0};
    store->on_run = [&times, said](std::span<StoreOp> batch) {
      if (batch.front().verb == Verb::create && ++times == 1) throw StoreError(said, "no more");
    };
    Asked& asked = ask(Verb::create, 1);
    let_pass_until(asked);
    EXPECT_TRUE(asked.done());
    EXPECT_EQ(store->sent(Verb::create, key(1)), 2U);
    run(Verb::load, 2);
    store->on_run = [](std::span<StoreOp>) {};
    return store->connects() - before;
  }
};

bool is_odd(const StoreOp& op) { return (op.record.key.bytes[1] & std::byte{1}) != std::byte{0}; }

TEST_F(RunnerLaterTest, WhatIsPutOffComesAgainAndTheRestIsNotHeldUp) {
  deadline = 1h;
  std::atomic<bool> away{true};
  store->answers = [&](StoreOp& op) {
    if (!away || !is_odd(op)) return false;
    op.outcome = Outcome::later;
    return true;
  };
  occupy(Verb::create);
  for (unsigned k = 0; k < 64; ++k) ask(Verb::create, k);
  store->release(Verb::create);
  for (std::size_t i = 2; i < 66; ++i) {
    auto& each = const_cast<Asked&>(answers.all()[i]);
    if (i % 2 != 0) continue;  // its key is, too
    EXPECT_TRUE(answers.wait(each).done());
  }
  for (unsigned k = 100; k < 120; k += 2) EXPECT_TRUE(run(Verb::create, k).done());
  EXPECT_EQ(runner().counters().writes.repeated, 0U);
  away = false;
  for (const auto& each : answers.all()) let_pass_until(each);
  for (const auto& each : answers.all()) EXPECT_TRUE(each.done()) << "the same create, sent again";
  EXPECT_GE(runner().counters().writes.later, 32U);
  EXPECT_EQ(store->connects(), 3U) << "and the open()'s: no connection was lost";
}

TEST_F(RunnerLaterTest, WhatIsPutOffForTooLongSurelyIsNotApplied) {
  store->answers = [](StoreOp& op) {
    op.outcome = Outcome::later;
    return true;
  };
  Asked& asked = ask(Verb::create, 1);
  let_pass_until(asked);
  if (!asked.call.failure) asked.call.failure = failure_in(asked.call.op);
  EXPECT_FALSE(asked.maybe_applied());
}

TEST_F(RunnerLaterTest, AwayIsTriedAgainOnAnotherConnection) {
  deadline = 1h;
  std::atomic<int> times{0};
  store->on_run = [&](std::span<StoreOp>) {
    if (++times == 1) throw StoreError(StoreError::Kind::away, "a standby");
  };
  Asked& asked = ask(Verb::create, 1);
  let_pass_until(asked);
  EXPECT_TRUE(asked.done());
  EXPECT_EQ(store->sent(Verb::create, key(1)), 2U);
  EXPECT_EQ(store->connects(), 3U);
}

TEST_F(RunnerLaterTest, WhatAWriteIsToldOfItsServerHoldsForEveryConnectionToIt) {
  EXPECT_EQ(connects_after(StoreError::Kind::away), 3U) << "the write's two, and the load's anew";
}

TEST_F(RunnerLaterTest, AConnectionThatHadEndedIsTheOnlyOneMadeAnew) {
  EXPECT_EQ(connects_after(StoreError::Kind::later), 2U) << "the write's";
}

TEST_F(RunnerLaterTest, WhoIsAwayForTooLongIsDownForAReasonThatIsTold) {
  std::atomic<int> times{0};
  store->on_run = [&](std::span<StoreOp>) {
    ++times;
    throw StoreError(StoreError::Kind::away, "it takes no writes");
  };
  Asked& asked = ask(Verb::create, 1);
  while (times == 0) std::this_thread::yield();
  let_pass_until(asked);
  ASSERT_TRUE(asked.call.failure);
  EXPECT_EQ(asked.call.failure->error.code, Errc::store_unavailable);
  EXPECT_EQ(asked.call.failure->error.text, "it takes no writes");
  EXPECT_FALSE(asked.call.failure->refused || asked.maybe_applied());
}

TEST_F(RunnerLaterTest, WhatIsTriedAgainAndLosesItsConnectionIsTriedOnceMore) {
  deadline = 1h;
  std::atomic<int> times{0};
  store->on_run = [&](std::span<StoreOp>) {
    if (++times == 2) throw StoreError(StoreError::Kind::away, "a standby");
  };
  store->answers = [&](StoreOp& op) {
    if (times == 1) op.outcome = Outcome::later;
    return times == 1;
  };
  Asked& asked = ask(Verb::create, 1);
  let_pass_until(asked);
  EXPECT_TRUE(asked.done());
  EXPECT_EQ(store->sent(Verb::create, key(1)), 3U);
}

TEST_F(RunnerLaterTest, OneThatHangsAtItsSecondTryHoldsUpNoOther) {
  deadline = 80s;
  std::array<std::atomic<int>, 8> tries{};
  std::atomic<bool> hangs{true};
  store->answers = [&](StoreOp& op) {
    const auto k = std::to_integer<std::size_t>(op.record.key.bytes[1]);
    if (k >= tries.size()) return false;
    if (k == 0 && tries[0] == 1)
      while (hangs) std::this_thread::yield();
    const bool first = tries[k]++ == 0;
    if (first) op.outcome = Outcome::later;
    return first;
  };
  Asked& hanging = ask(Verb::create, 0);
  while (tries[0] == 0) std::this_thread::yield();
  while (store->sent(Verb::create, key(0)) < 2) {
    clock.advance(1ms);
    std::this_thread::yield();
  }
  std::vector<Asked*> others;
  for (unsigned k = 1; k < 8; ++k) others.push_back(&ask(Verb::create, k));
  // The turn lapses after an eighth of the deadline; whoever comes for a call looks at the clock.
  for (unsigned n = 100; n < 200; ++n) {
    clock.advance(300ms);
    run(Verb::create, n);
  }
  for (Asked* each : others) {
    EXPECT_TRUE(answers.is_answered(*each));
    EXPECT_TRUE(each->done());
  }
  EXPECT_FALSE(answers.is_answered(hanging));
  hangs = false;
  let_pass_until(hanging);
}

TEST_F(RunnerLaterTest, AnUnknownOutcomeIsOneOperationsAlone) {
  store->answers = [](StoreOp& op) {
    if (op.record.key == key(3)) op.outcome = Outcome::unknown;
    return op.record.key == key(3);
  };
  occupy(Verb::create);
  for (unsigned k = 0; k < 8; ++k) ask(Verb::create, k);
  store->release(Verb::create);
  answers.wait_all();
  for (std::size_t i = 2; i < 10; ++i) {
    const auto& each = answers.all()[i];
    EXPECT_EQ(each.call.op.outcome,
              each.call.op.record.key == key(3) ? Outcome::unknown : Outcome::done);
  }
  EXPECT_EQ(store->connected(), 2U);
}

TEST_F(RunnerLaterTest, WhatWasAnsweredIsToldBeforeTheReconnect) {
  std::atomic<int> times{0};
  store->on_run = [&](std::span<StoreOp> ops) {
    if (ops.size() < 16 || ++times > 1) return;
    for (std::size_t i = 0; i < 8; ++i) ops[i].outcome = Outcome::missing;
    store->hold_connects();
    throw BlockingStore::lost("cut in the middle");
  };
  occupy(Verb::load);
  for (unsigned k = 0; k < 16; ++k) ask(Verb::load, k);
  store->release(Verb::load);
  for (std::size_t i = 2; i < 10; ++i) {
    auto& each = answers.wait(const_cast<Asked&>(answers.all()[i]));
    EXPECT_EQ(each.call.op.outcome, Outcome::missing);
    EXPECT_FALSE(each.call.failure);
  }
  EXPECT_FALSE(answers.is_answered(answers.all()[10])) << "these wait for the next connection";
  store->release_connects();
  answers.wait_all();
  for (const auto& each : answers.all()) EXPECT_FALSE(each.call.failure);
}

TEST_F(RunnerLaterTest, AStoreThatRefusesEverythingIsAskedAtMostTwiceAsOften) {
  deadline = 1h;
  std::atomic<bool> refuses{false};
  std::atomic<std::size_t> exchanges{0};
  store->on_run = [&](std::span<StoreOp>) {
    ++exchanges;
    if (refuses) throw BlockingStore::refused("no right to write");
  };
  const auto batches = [&] {
    exchanges = 0;
    for (unsigned round = 0; round < 60; ++round) {
      occupy(Verb::create);
      for (unsigned k = 0; k < 64; ++k) ask(Verb::create, 1000 * round + k);
      store->release(Verb::create);
      answers.wait_all();
    }
    return exchanges.load();
  };
  const auto accepting = batches();
  refuses = true;
  const auto refusing = batches();
  EXPECT_LE(refusing, 2 * accepting + 127) << "and once to find out who is refused";
  refuses = false;
  EXPECT_TRUE(run(Verb::create, 65'000).done());
  occupy(Verb::create);
  for (unsigned k = 0; k < 64; ++k) ask(Verb::create, 61'000 + k);
  store->release(Verb::create);
  answers.wait_all();
  EXPECT_TRUE(answers.all().back().done()) << "taken again, it takes all";
}

TEST_F(RunnerLaterTest, TwoPoisonItemsOfABatchFailAloneEachTime) {
  deadline = 1h;
  store->on_run = [](std::span<StoreOp> ops) {
    for (const auto& op : ops)
      if (op.record.key == key(5) || op.record.key == key(50))
        throw BlockingStore::refused("poison");
  };
  for (int round = 0; round < 3; ++round) {
    occupy(Verb::erase);
    for (unsigned k = 0; k < 64; ++k) ask(Verb::erase, k);
    store->release(Verb::erase);
    answers.wait_all();
  }
  for (const auto& each : answers.all()) {
    const bool poison = each.call.op.record.key == key(5) || each.call.op.record.key == key(50);
    EXPECT_EQ(each.call.failure.has_value(), poison);
  }
}

TEST_F(RunnerLaterTest, AVanishedPeerIsFoundByAPingBeforeAnybodyWaitsForIt) {
  store->ping_after = 30s;
  store->workers = 1;  // another one might have connected a moment ago
  run(Verb::load, 1);
  clock.advance(29s);
  run(Verb::load, 1);
  EXPECT_EQ(store->pings(), 0U);
  clock.advance(30s);
  store->hold_pings();  // nobody answers any more
  Asked& asked = ask(Verb::load, 1);
  store->wait_until_held(1);
  clock.advance(deadline / 4);
  EXPECT_FALSE(answers.wait(asked).call.failure);
  EXPECT_EQ(store->pings(), 1U);
  EXPECT_EQ(store->aborts(), 1U);
  EXPECT_EQ(store->sent(Verb::load, key(1)), 3U) << "it was not sent into nowhere";
}

TEST_F(RunnerLaterTest, WhereAllWorkersOfALaneHangTheOldestIsInterrupted) {
  runner();
  occupy(Verb::load);
  clock.advance(deadline - 1ms);
  let_watchdog_look();
  EXPECT_EQ(store->aborts(), 0U);
  clock.advance(1ms);
  store->wait_until_aborted(1);
  store->release(Verb::load);
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
}

TEST_F(RunnerLaterTest, AnAbortThatBlocksHoldsUpNoDeadline) {
  std::atomic<bool> goes_on{false};
  store->on_abort = [&] { goes_on.wait(false); };
  store->hold(Verb::create);
  Asked& hangs = ask(Verb::create, 1);
  store->wait_until_held(1);
  clock.advance(deadline * exchange_deadlines);
  for (int i = 0; i < 3; ++i) let_watchdog_look();
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
  goes_on = true;
  goes_on.notify_all();
  EXPECT_EQ(answers.wait(hangs).error(), Errc::store_unavailable);
  end_runner();  // before what abort() waits for is gone
}

TEST_F(RunnerLaterTest, VerbAndKeyAreTheLibrarysWhateverTheStoreDoes) {
  store->answers = [](StoreOp& op) {
    op = {};
    op.outcome = Outcome::done;
    return true;
  };
  const auto& asked = run(Verb::erase, 7);
  EXPECT_EQ(asked.call.op.verb, Verb::erase);
  EXPECT_EQ(asked.call.op.record.key, key(7));
}

}  // namespace
}  // namespace flame::session::tests
