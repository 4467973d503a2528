#include "runner/batch.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace flame::session::tests {
namespace {

using namespace std::chrono_literals;
using Calls = std::vector<StoreCall*>;
using Part = Batch::Part;

class BatchTest : public testing::Test {
 protected:
  static constexpr Deadline now{1000h};

  StoreCall* call(Verb verb, unsigned k, std::string blob = {}) {
    StoreCall& made = calls.emplace_back();
    made.op.verb = verb;
    made.op.record.key.bytes[0] = static_cast<std::byte>(k);
    made.op.record.blob = std::move(blob);
    made.op.outcome = Outcome::done;  // of an earlier use
    made.deadline = now + 1h;
    made.context = this;
    made.done = [](StoreCall& self) noexcept {
      static_cast<BatchTest*>(self.context)->answered.push_back(&self);
    };
    return &made;
  }
  /// What the batch would send now, as "verb key" pairs.
  std::vector<std::pair<Verb, unsigned>> sent() { return sent(batch.all()); }
  std::vector<std::pair<Verb, unsigned>> sent(const Part& part) {
    std::vector<std::pair<Verb, unsigned>> out;
    Batch::Run run(batch, part);
    for (const StoreOp& op : run.ops()) out.emplace_back(op.verb, number(op));
    return out;
  }
  static unsigned number(const StoreOp& op) {
    return std::to_integer<unsigned>(op.record.key.bytes[0]);
  }
  void run(const Part& part, Outcome outcome) {
    Batch::Run run(batch, part);
    for (StoreOp& op : run.ops()) op.outcome = outcome;
  }

  void fill(Calls& in) {
    Fifo<StoreCall> given_up;
    batch.fill(in, given_up);
    while (auto* const each = given_up.pop()) left.push_back(each);
  }
  /// What is still open is done by then.
  void answer() {
    run(batch.unanswered(batch.all()), Outcome::done);
    auto put_off = batch.answer();
    while (auto* const each = put_off.pop()) later.push_back(each);
    batch.clear();
  }

  Batch batch{64};
  std::deque<StoreCall> calls;
  Calls answered, left, later;
};

using Sent = std::vector<std::pair<Verb, unsigned>>;

TEST_F(BatchTest, IsSortedByVerbThenKeyAndNothingIsAnsweredYet) {
  Calls in{call(Verb::erase, 1), call(Verb::load, 9), call(Verb::create, 3), call(Verb::load, 2)};
  fill(in);
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(sent(), (Sent{{Verb::load, 2}, {Verb::load, 9}, {Verb::create, 3}, {Verb::erase, 1}}));
  EXPECT_EQ(batch.unanswered(batch.all()), batch.all());
}

TEST_F(BatchTest, EqualLoadsAreOneAndEachCallHasTheRecord) {
  Calls in{call(Verb::load, 1), call(Verb::load, 2), call(Verb::load, 1), call(Verb::load, 1)};
  fill(in);
  EXPECT_EQ(sent(), (Sent{{Verb::load, 1}, {Verb::load, 2}}));
  {
    Batch::Run run(batch, batch.all());
    run.ops()[0].record.blob = "one";
    run.ops()[0].outcome = Outcome::done;
    run.ops()[1].outcome = Outcome::missing;
  }
  answer();
  EXPECT_EQ(answered.size(), 4U);
  for (const auto i : {0U, 2U, 3U}) {
    EXPECT_EQ(calls[i].op.record.blob, "one") << i;
    EXPECT_EQ(calls[i].op.outcome, Outcome::done) << i;
  }
  EXPECT_EQ(calls[1].op.outcome, Outcome::missing);
}

TEST_F(BatchTest, EqualTouchesAreTheLatestOfEach) {
  Calls in{call(Verb::touch, 1), call(Verb::touch, 1), call(Verb::touch, 1)};
  calls[0].op.record.expires_at = TimePoint(5s);
  calls[1].op.record.expires_at = TimePoint(7s);
  calls[2].op.record.last_seen = TimePoint(3s);
  fill(in);
  ASSERT_EQ(sent().size(), 1U);
  Batch::Run run(batch, batch.all());
  EXPECT_EQ(run.ops()[0].record.expires_at, TimePoint(7s));
  EXPECT_EQ(run.ops()[0].record.last_seen, TimePoint(3s));
}

TEST_F(BatchTest, EqualErasesAreOne) {
  Calls in{call(Verb::erase, 1), call(Verb::erase, 1)};
  fill(in);
  EXPECT_EQ(sent(), (Sent{{Verb::erase, 1}}));
  run(batch.all(), Outcome::done);
  answer();
  EXPECT_EQ(answered.size(), 2U);
}

TEST_F(BatchTest, ASecondReplaceOrCreateOfAKeyStaysForTheNext) {
  Calls in{call(Verb::replace, 1, "first"), call(Verb::create, 1), call(Verb::replace, 1, "second"),
           call(Verb::replace, 1, "third"), call(Verb::create, 1), call(Verb::erase, 1)};
  fill(in);
  EXPECT_EQ(sent(), (Sent{{Verb::create, 1}, {Verb::replace, 1}, {Verb::erase, 1}}));
  EXPECT_EQ(in, (Calls{&calls[4], &calls[2], &calls[3]}));
  run(batch.all(), Outcome::done);
  answer();
  EXPECT_EQ(answered, (Calls{&calls[1], &calls[0], &calls[5]}));
  EXPECT_EQ(calls[0].op.record.blob, "first");
  fill(in);
  EXPECT_EQ(in, (Calls{&calls[3]})) << "in order of arrival";
  answer();
}

TEST_F(BatchTest, APartIsRunAloneAndGoesBackToItsPlaces) {
  Calls in{call(Verb::load, 1), call(Verb::load, 2), call(Verb::load, 3), call(Verb::load, 4)};
  fill(in);
  EXPECT_EQ(sent({1, 3}), (Sent{{Verb::load, 2}, {Verb::load, 4}}));
  run({1, 3}, Outcome::missing);
  EXPECT_EQ(batch.unanswered(batch.all()), (Part{0, 2}));
  EXPECT_EQ(sent(), (Sent{{Verb::load, 1}, {Verb::load, 2}, {Verb::load, 3}, {Verb::load, 4}}));
  run({0, 2}, Outcome::done);
  answer();
  EXPECT_EQ(calls[0].op.outcome, Outcome::done);
  EXPECT_EQ(calls[1].op.outcome, Outcome::missing);
  EXPECT_EQ(number(calls[3].op), 4U);
}

TEST_F(BatchTest, AFailureIsOnlyOfWhatIsUnanswered) {
  Calls in{call(Verb::load, 1), call(Verb::load, 2), call(Verb::load, 2)};
  fill(in);
  run({0}, Outcome::done);
  batch.fail(batch.all(), {{Errc::store_unavailable, "gone"}, true});
  batch.fail(batch.all(), {{Errc::deadline, "later"}, false});
  EXPECT_TRUE(batch.unanswered(batch.all()).empty());
  answer();
  EXPECT_FALSE(calls[0].failure);
  for (const auto i : {1U, 2U}) {
    ASSERT_TRUE(calls[i].failure) << i;
    EXPECT_EQ(calls[i].failure->error.text, "gone");
    EXPECT_TRUE(calls[i].failure->maybe_applied);
  }
}

TEST_F(BatchTest, AFailureIsForgottenByTheNextBatch) {
  Calls in{call(Verb::load, 1)};
  fill(in);
  batch.fail(batch.all(), {{Errc::store_unavailable, "gone"}, true});
  answer();
  in = {&calls[0]};
  fill(in);
  run(batch.all(), Outcome::done);
  answer();
  EXPECT_FALSE(calls[0].failure);
  EXPECT_EQ(answered.size(), 2U);
}

TEST_F(BatchTest, CreatesAndReplacesAreNotSentTwice) {
  Calls in{call(Verb::load, 1), call(Verb::create, 2), call(Verb::replace, 3), call(Verb::touch, 4),
           call(Verb::erase, 5)};
  fill(in);
  Part part = batch.all();
  EXPECT_EQ(batch.take_repeatable(part, now), (Part{0, 3, 4}));
  EXPECT_EQ(part, (Part{1, 2}));
  answer();
}

TEST_F(BatchTest, WhatNobodyWaitsForIsNotSentTwice) {
  Calls in{call(Verb::load, 1), call(Verb::load, 2), call(Verb::load, 2), call(Verb::erase, 3)};
  in[0]->deadline = in[1]->deadline = in[3]->deadline = now;
  in[2]->deadline = now + 1ms;
  fill(in);
  Part part = batch.all();
  EXPECT_EQ(batch.take_repeatable(part, now), Part{1});
  EXPECT_EQ(part, (Part{0, 2}));
  answer();
}

TEST_F(BatchTest, WhatTheStorePutsOffIsNotAnswered) {
  Calls in{call(Verb::create, 1, "one"), call(Verb::load, 2), call(Verb::load, 2)};
  fill(in);
  run({0, 1}, Outcome::later);
  answer();
  EXPECT_TRUE(answered.empty());
  EXPECT_EQ(later.size(), 3U);
  EXPECT_EQ(calls[0].op.record.blob, "one");
  EXPECT_FALSE(calls[0].failure);
}

TEST_F(BatchTest, WhatHasAnAnswerGetsItBeforeTheRest) {
  Calls in{call(Verb::load, 1), call(Verb::load, 2), call(Verb::load, 3)};
  fill(in);
  run({0, 2}, Outcome::missing);
  EXPECT_TRUE(batch.answer().empty());
  EXPECT_EQ(answered, (Calls{&calls[0], &calls[2]}));
  EXPECT_EQ(batch.unanswered(batch.all()), Part{1});
  run({1}, Outcome::done);
  EXPECT_TRUE(batch.answer().empty());
  EXPECT_EQ(answered, (Calls{&calls[0], &calls[2], &calls[1]}));
}

TEST_F(BatchTest, WhatWasGivenUpIsNotSent) {
  Sending gone, waits;
  ASSERT_TRUE(gone.give_up());
  Calls in{call(Verb::create, 1), call(Verb::create, 2)};
  in[0]->sending = &gone;
  in[1]->sending = &waits;
  fill(in);
  EXPECT_EQ(sent(), (Sent{{Verb::create, 2}}));
  EXPECT_EQ(left, Calls{&calls[0]});
  EXPECT_FALSE(waits.give_up()) << "it was sent";
  waits.reopen();
  EXPECT_TRUE(waits.give_up());
  EXPECT_FALSE(waits.begin());
  answer();
}

TEST_F(BatchTest, AnEarlierTryOfUnknownOutcomeStaysUnknown) {
  Calls in{call(Verb::erase, 1), call(Verb::erase, 2)};
  fill(in);
  Part part{0};
  EXPECT_EQ(batch.take_repeatable(part, now), Part{0});
  batch.fail(batch.all(), {{Errc::store_unavailable, "down"}, false});
  answer();
  EXPECT_TRUE(calls[0].failure.value().maybe_applied);
  EXPECT_FALSE(calls[1].failure.value().maybe_applied);
}

TEST_F(BatchTest, VerbAndKeyAreNotTheStores) {
  Calls in{call(Verb::erase, 1), call(Verb::erase, 2)};
  fill(in);
  for (const Part& part : {Part{0}, Part{1}}) {
    Batch::Run run(batch, part);
    run.ops()[0] = {};
    run.ops()[0].outcome = Outcome::done;
  }
  answer();
  EXPECT_EQ(calls[1].op.verb, Verb::erase);
  EXPECT_EQ(number(calls[1].op), 2U);
}

TEST_F(BatchTest, TheCallsOfABatchThatTheStoreKeepsAreGivenBack) {
  Calls in{call(Verb::load, 1), call(Verb::erase, 2)};
  fill(in);
  auto abandoned = batch.abandon();
  EXPECT_EQ(abandoned.pop(), &calls[0]);
  EXPECT_EQ(abandoned.pop(), &calls[1]);
  EXPECT_TRUE(answered.empty());
}

TEST_F(BatchTest, CountsConflicts) {
  Calls in{call(Verb::replace, 1), call(Verb::replace, 2), call(Verb::replace, 3)};
  fill(in);
  run({0, 2}, Outcome::conflict);
  EXPECT_EQ(batch.conflicts(), 2U);
  answer();
  EXPECT_EQ(batch.conflicts(), 0U);
}

TEST_F(BatchTest, ACallMayGoWhileItIsAnswered) {
  auto* const mine = new StoreCall;
  mine->op.record.key.bytes[0] = std::byte{1};
  mine->done = [](StoreCall& self) noexcept { delete &self; };
  Calls in{mine, call(Verb::load, 1), call(Verb::load, 2)};
  fill(in);
  answer();
  EXPECT_EQ(answered.size(), 2U);
}

}  // namespace
}  // namespace flame::session::tests
