#include "jobs/gate_fixture.hpp"

// A manager and a store that blocks, stepped by hand: who waits for whom, what is told to whom, and
// when.

namespace flame::session_tests {
namespace {

void add_one(Session& session) {
  session.update<int>("n", 0, [](int n) { return n + 1; });
}
const auto set = [](const char* key) { return [key](Session& session) { session.set(key, 1); }; };

TEST_F(GateTest, WhatComesDuringAWriteGoesTogetherAsTheNext) {
  commit(id_, add_one);
  for (int i = 0; i < 9; ++i) commit(id_, add_one);
  EXPECT_EQ(pending(), Texts{"replace"});
  store_->step(0);
  EXPECT_EQ(pending(), Texts{"replace"});
  store_->step(0);
  EXPECT_EQ(pending(), Texts{});
  for (const auto& request : requests_) EXPECT_TRUE(request.commit.result->has_value());
  EXPECT_EQ(look(id_).get<int>("n"), 10);
}

TEST_F(GateTest, SessionsDoNotWaitForEachOther) {
  auto& other = commit({}, set("other"));
  store_->step_all();
  commit(id_, add_one);
  commit(other.new_id(), add_one);
  EXPECT_EQ(pending(), (Texts{"replace", "replace"}));
}

TEST_F(GateTest, ThousandsThatWaitForOneSessionAreAnsweredOnTime) {
  auto& hung = commit(id_, set("hung"), 30s);
  std::vector<Request*> waiting;
  for (int i = 0; i < 9'998; ++i) waiting.push_back(&commit(id_, add_one, 2s));
  store_->advance(2s);
  for (const auto* each : waiting) {
    ASSERT_TRUE(each->answered);
    EXPECT_NE(each->error().find("nothing was done"), std::string::npos);
  }
  store_->step_all();
  EXPECT_TRUE(hung.answered);
  EXPECT_EQ(look(id_).get<int>("n"), std::nullopt) << "what was given up is not applied";
}

TEST_F(GateTest, WhatIsAppliedAfterItsDeadlineIsWhatTheNextStandsOn) {
  auto& late = commit(id_, set("late"), 2s);
  auto& next = commit(id_, set("next"), 30s);
  store_->advance(2s);
  EXPECT_TRUE(late.answered);
  EXPECT_NE(late.error().find("unknown"), std::string::npos);
  store_->step(0);
  ASSERT_EQ(pending(), Texts{"replace"});
  store_->step(0);
  EXPECT_TRUE(next.answered) << "without a conflict: the record that was written is known";
  EXPECT_EQ(look(id_).get<int>("late"), 1);
}

TEST_F(GateTest, NothingIsSentThatNobodyWaitsFor) {
  auto& late = commit(id_, set("a"), 2s);
  store_->advance(2s);
  EXPECT_TRUE(late.answered);
  store_->lose_reply(0);
  EXPECT_EQ(pending(), Texts{}) << "neither settled nor sent again";
}

TEST_F(GateTest, AClaimIsSettledThoughNobodyWaits) {
  auto& late = load(id_, Need::flash, 2s);
  ASSERT_EQ(pending(), Texts{"replace"});
  store_->advance(2s);
  EXPECT_TRUE(late.answered);
  store_->lose_reply(0);
  store_->step_all();
  auto& next = load(id_, Need::flash);
  store_->step_all();
  EXPECT_TRUE(next.load.flash) << "and goes back";
}

TEST_F(GateTest, ACommitBehindAHungOneEndsAtItsOwnDeadlineAndSurelyIsNotApplied) {
  auto& hung = commit(id_, set("hung"), 4s);
  auto& waiting = commit(id_, set("waiting"), 2s);
  auto& patient = commit(id_, set("patient"), 30s);
  store_->advance(1999ms);
  EXPECT_FALSE(waiting.answered);
  store_->advance(1ms);
  EXPECT_TRUE(waiting.answered);
  EXPECT_EQ(waiting.commit.result->error().code, Errc::deadline);
  EXPECT_NE(waiting.error().find("nothing was done"), std::string::npos);
  EXPECT_FALSE(hung.answered);
  store_->advance(2s);
  EXPECT_EQ(hung.commit.result->error().code, Errc::deadline);
  EXPECT_NE(hung.error().find("unknown"), std::string::npos);
  EXPECT_FALSE(patient.answered);

  store_->step_all();  // it comes back
  EXPECT_TRUE(patient.commit.result->has_value());
  EXPECT_EQ(look(id_).keys(), (Texts{"begun", "hung", "patient"}));
  EXPECT_EQ(waiting.answers, 2);  // its load, its commit
  EXPECT_EQ(hung.answers, 2);
}

TEST_F(GateTest, ASessionThatIsBegunEndsAtItsOwnDeadline) {
  auto& first = commit({}, set("first"), 1s);
  auto& second = commit({}, set("second"), 30s);
  EXPECT_EQ(store_->deadline(store_->pending() - 2), clock_.steady() + 1s)
      << "it is not sent later";
  store_->advance(1s);
  EXPECT_EQ(first.commit.result->error().code, Errc::deadline);
  EXPECT_NE(first.error().find("unknown"), std::string::npos);
  store_->step_all();
  EXPECT_EQ(first.answers, 2);
  EXPECT_EQ(look(second.new_id()).keys(), Texts{"second"});
}

TEST_F(GateTest, AnUnknownOutcomeIsSettledBeforeTheNextWrite) {
  auto& lost = commit(id_, add_one);
  auto& waiting = commit(id_, add_one);
  store_->lose_reply(0);
  EXPECT_EQ(pending(), Texts{"load"});
  EXPECT_FALSE(lost.answered);
  store_->step(0);
  EXPECT_TRUE(lost.commit.result->has_value());
  EXPECT_FALSE(waiting.answered);
  store_->step_all();
  EXPECT_EQ(look(id_).get<int>("n"), 2);
}

TEST_F(GateTest, ALateStatementIsNotAppliedTwice) {
  auto& lost = commit(id_, add_one);
  store_->lose_and_apply_later(0);
  store_->step(1);  // the settling load: not there
  ASSERT_EQ(pending(), (Texts{"late replace", "replace"}));
  store_->step(0);
  EXPECT_FALSE(lost.answered);
  store_->step(0);  // conflict: the first one's token is found
  EXPECT_TRUE(lost.commit.result->has_value());
  EXPECT_EQ(pending(), Texts{});
  EXPECT_EQ(look(id_).get<int>("n"), 1);
}

TEST_F(GateTest, ALateStatementAfterTheNextWriteIsNotApplied) {
  commit(id_, add_one);
  store_->lose_and_apply_later(0);
  store_->step(1);
  store_->step(1);
  EXPECT_EQ(pending(), Texts{"late replace"});
  store_->step(0);
  EXPECT_EQ(look(id_).get<int>("n"), 1);
}

TEST_F(GateTest, TooManyWritesOfOthersLeaveItUnknown) {
  auto& lost = commit(id_, add_one);
  store_->lose_reply(0);
  Manager other(Options{.store = memory_}, Environment{&clock_, &random_});
  ASSERT_TRUE(other.open().has_value());
  for (int i = 0; i < 9; ++i) {
    const std::string cookie = "__Host-session=" + id_;
    const std::string_view line = cookie;
    RequestView view;
    view.cookie_lines = {&line, 1};
    view.method = "GET";
    auto session = other.load(view, Need::write);
    add_one(*session);
    ASSERT_TRUE(other.commit(*session).has_value());
  }
  store_->step_all();
  ASSERT_FALSE(lost.commit.result->has_value());
  EXPECT_NE(lost.error().find("unknown"), std::string::npos);
  EXPECT_EQ(look(id_).get<int>("n"), 10);
}

TEST_F(GateTest, ACreateWhoseReplyIsLostIsTriedAgainUnderAnotherId) {
  auto& request = commit({}, set("key"));
  const auto first = store_->op(0).record.key;
  store_->lose_and_apply_later(0);
  ASSERT_EQ(pending(), (Texts{"late create", "create"}));
  EXPECT_NE(store_->op(1).record.key, first);
  store_->step(0);
  store_->step(0);
  EXPECT_EQ(look(request.new_id()).keys(), Texts{"key"});
}

TEST_F(GateTest, AnIdThatIsDrawnTwiceIsNotGivenTwice) {
  auto& one = commit({}, set("one"));
  store_->step_all();
  random_.repeat();
  auto& other = commit({}, set("other"));
  store_->step_all();
  EXPECT_NE(one.new_id(), other.new_id());
  EXPECT_EQ(look(one.new_id()).keys(), Texts{"one"});
  EXPECT_EQ(look(other.new_id()).keys(), Texts{"other"});
}

TEST_F(GateTest, WhatChangesNothingIsDecidedOnTheNewestRecord) {
  auto& request = load(id_);
  commit(id_, set("key"));
  store_->step_all();
  begin_commit(request, [](Session& session) { session.erase("key"); });
  store_->step_all();
  EXPECT_TRUE(request.commit.result->has_value());
  EXPECT_EQ(look(id_).keys(), Texts{"begun"});
}

TEST_F(GateTest, WhatChangesNothingIsNotAcknowledgedUnread) {
  auto& request = commit(id_, [](Session& session) { session.erase("key"); });
  ASSERT_EQ(pending(), Texts{"load"});
  for (int i = 0; i < 3; ++i) store_->fail(0);
  EXPECT_FALSE(request.commit.result->has_value());
}

TEST_F(GateTest, AFailedWriteFailsWhatWasDecidedOnIt) {
  auto& first = commit(id_, set("first"));
  auto& renews = commit(id_, [](Session& session) { session.regenerate(); });
  auto& after = commit(id_, set("after"));  // by the old ID: dropped, if the new one had been saved
  store_->step(0);
  EXPECT_TRUE(first.commit.result->has_value());
  for (int i = 0; i < 3; ++i) store_->fail(0);
  EXPECT_EQ(pending(), Texts{});
  EXPECT_FALSE(renews.commit.result->has_value());
  EXPECT_FALSE(after.commit.result->has_value());
  EXPECT_EQ(after.error().find("unknown"), std::string::npos);
  EXPECT_EQ(count(event::dropped), 0u);
  EXPECT_TRUE(look(id_).exists());
}

TEST_F(GateTest, WhatWaitsBehindAFailedWriteIsNotPlannedOnIt) {
  auto& renews = commit(id_, [](Session& session) { session.regenerate(); });
  auto& waiting = commit(id_, set("waiting"));
  for (int i = 0; i < 3; ++i) store_->fail(0);
  EXPECT_FALSE(renews.commit.result->has_value());
  store_->step(0);
  EXPECT_EQ(pending(), Texts{});
  EXPECT_TRUE(waiting.commit.result->has_value());
  EXPECT_EQ(look(id_).keys(), (Texts{"begun", "waiting"}));
}

TEST_F(GateTest, DestroyDoesNotWaitAndAnswersThoseWhoDo) {
  auto& writing = commit(id_, set("writing"));
  auto& waiting = commit(id_, set("waiting"));
  auto& destroying = commit(id_, [](Session& session) { session.destroy(); });
  auto& coming = commit(id_, set("coming"));
  ASSERT_EQ(pending(), (Texts{"replace", "erase"}));
  EXPECT_FALSE(waiting.answered || coming.answered);
  store_->step(1);
  EXPECT_EQ(destroying.new_id(), "");
  EXPECT_TRUE(waiting.answered && coming.answered);
  EXPECT_EQ(waiting.new_id(), "none");
  EXPECT_EQ(pending(), Texts{"replace"});
  store_->step(0);
  EXPECT_EQ(writing.new_id(), "none");
  EXPECT_EQ(count(event::dropped), 3u);
  EXPECT_FALSE(look(id_).exists());
}

TEST_F(GateTest, ADestroyThatFailsEndsNobody) {
  auto& destroying = commit(id_, [](Session& session) { session.destroy(); });
  auto& first = commit(id_, set("first"));
  auto& second = commit(id_, set("second"));
  EXPECT_EQ(pending(), Texts{"erase"});
  store_->fail(0);
  ASSERT_FALSE(destroying.commit.result->has_value());
  EXPECT_EQ(destroying.error().find("unknown"), std::string::npos);
  store_->step_all();
  EXPECT_TRUE(first.commit.result->has_value() && second.commit.result->has_value());
  EXPECT_EQ(look(id_).keys(), (Texts{"begun", "first", "second"}));
}

TEST_F(GateTest, ADestroyOfUnknownOutcomeSaysSo) {
  auto& destroying = commit(id_, [](Session& session) { session.destroy(); });
  store_->lose_reply(0);
  EXPECT_NE(destroying.error().find("unknown"), std::string::npos);
}

TEST_F(GateTest, AFlashClaimedForNobodyGoesBack) {
  auto& gone = load(id_, Need::write | Need::flash, 2s);
  ASSERT_EQ(pending(), Texts{"replace"});
  store_->advance(2s);
  EXPECT_TRUE(gone.answered);
  EXPECT_FALSE(gone.load.result->has_value());
  store_->step(0);
  EXPECT_EQ(pending(), Texts{"replace"});
  store_->step(0);
  auto& next = load(id_, Need::flash);
  store_->step_all();
  EXPECT_EQ(next.load.flash.get<std::string>(), "hello");
  EXPECT_EQ(count(event::flash_lost), 0u);
}

TEST_F(GateTest, AFlashOfACommitThatFailedGoesBack) {
  auto& request = load(id_, Need::write | Need::flash);
  store_->step_all();
  begin_commit(request, set("key"), 2s);
  for (int i = 0; i < 3; ++i) store_->fail(0);
  EXPECT_FALSE(request.answered);  // first the message goes back
  store_->step_all();
  EXPECT_FALSE(request.commit.result->has_value());
  auto& next = load(id_, Need::flash);
  store_->step_all();
  EXPECT_EQ(next.load.flash.get<std::string>(), "hello");
}

TEST_F(GateTest, AFlashOnItsWayBackIsNotTakenOutByADeadline) {
  auto& request = load(id_, Need::write | Need::flash);
  store_->step_all();
  begin_commit(request, set("key"), 2s);
  commit(id_, set("other"), 30s);
  store_->lose_reply(0);
  for (int i = 0; i < 2; ++i) store_->fail(0);
  ASSERT_EQ(pending(), Texts{"replace"});  // of the other, and the message waits behind it
  store_->advance(2s);
  EXPECT_NE(request.error().find("unknown"), std::string::npos);
  store_->step_all();
  EXPECT_EQ(look(id_).keys(), (Texts{"begun", "key", "other"}));
  auto& next = load(id_, Need::flash);
  store_->step_all();
  EXPECT_EQ(next.load.flash.get<std::string>(), "hello");
}

TEST_F(GateTest, AFlashOfACommitThatLandsAfterItsDeadlineGoesBack) {
  auto& request = load(id_, Need::write | Need::flash);
  store_->step_all();
  begin_commit(request, set("key"), 2s);
  store_->advance(2s);
  EXPECT_FALSE(request.commit.result->has_value());
  store_->step_all();
  EXPECT_EQ(look(id_).keys(), (Texts{"begun", "key"}));
  auto& next = load(id_, Need::flash);
  store_->step_all();
  EXPECT_EQ(next.load.flash.get<std::string>(), "hello");
}

class GateAtALimit : public GateTest {
 protected:
  GateAtALimit() : GateTest(1) {}
};

TEST_F(GateAtALimit, ALoginThatWasSavedHoldsThoughNobodyCanCount) {
  auto& request = commit(id_, [](Session& session) { session.set_owner("alice"); });
  store_->step(0);
  ASSERT_EQ(store_->describe(0), "list");
  store_->fail(0);
  ASSERT_TRUE(request.commit.result->has_value());
  EXPECT_EQ(look(request.new_id()).owner(), "alice");
  EXPECT_EQ(count(event::failed), 1u);
}

TEST_F(GateAtALimit, ALoginThatWasSavedIsNotToldAsNothingDone) {
  auto& request = commit(
      id_, [](Session& session) { session.set_owner("alice"); }, 2s);
  store_->step(0);
  ASSERT_EQ(store_->describe(0), "list");
  store_->advance(2s);
  EXPECT_NE(request.error().find("unknown"), std::string::npos) << request.error();
}

TEST_F(GateTest, AFlashOfASessionThatWasDestroyedDoesNotGoBack) {
  auto& request = load(id_, Need::write | Need::flash);
  store_->step_all();
  begin_commit(
      request, [](Session& session) { session.destroy(); }, 2s);
  store_->advance(2s);
  store_->step(0);
  EXPECT_EQ(pending(), Texts{});
  EXPECT_EQ(count(event::flash_lost), 0u);
}

TEST_F(GateTest, OfTwoClaimsOneGetsItAndBothGetTheSession) {
  auto& one = load(id_, Need::flash);
  auto& other = load(id_, Need::flash);
  store_->step_all();
  EXPECT_TRUE(one.load.flash);
  EXPECT_FALSE(other.load.flash);
  EXPECT_TRUE(other.load.result->value().exists());
}

TEST_F(GateTest, ATouchIsNotWaitedFor) {
  store_->advance(100s);
  auto& request = commit(id_, [](Session&) {});
  EXPECT_TRUE(request.answered);
  EXPECT_EQ(pending(), Texts{"touch"});
  store_->fail(0);
  commit(id_, [](Session&) {});
  store_->step_all();
  store_->advance(1750s);
  EXPECT_TRUE(look(id_).exists());
}

TEST_F(GateTest, OneThatIsUnderWayIsNotSentAgainForLessThanAStep) {
  store_->advance(100s);
  commit(id_, [](Session&) {});
  store_->advance(1s);
  commit(id_, [](Session&) {});
  EXPECT_EQ(pending(), Texts{"touch"});
  store_->step(0);
  EXPECT_EQ(pending(), Texts{});
}

TEST_F(GateTest, OneThatWasUnderWayForAStepIsFollowedByTheLatest) {
  store_->advance(100s);
  commit(id_, [](Session&) {});
  store_->advance(90s);
  commit(id_, [](Session&) {});
  store_->step(0);
  ASSERT_EQ(pending(), Texts{"touch"});
  store_->step(0);
  store_->advance(1750s);
  EXPECT_TRUE(look(id_).exists());
}

TEST_F(GateTest, NorIsOneAfterAChangeThatCameToNothing) {
  store_->advance(100s);
  auto& request = commit(id_, [](Session& session) { session.erase("key"); });
  ASSERT_EQ(pending(), Texts{"load"});
  EXPECT_FALSE(request.answered);
  store_->step(0);
  EXPECT_TRUE(request.answered);
  EXPECT_EQ(pending(), Texts{"touch"});
  store_->advance(10s);  // nor does its deadline matter any more
  EXPECT_EQ(request.answers, 2);
  EXPECT_TRUE(request.commit.result->has_value());
}

TEST_F(GateTest, AnOperationWhoseDeadlineHasPassedIsAnsweredOnce) {
  clock_.advance(10s);
  auto& request = load(id_);
  begin_commit(request, set("key"), 1ms);
  store_->advance(5ms);
  EXPECT_TRUE(request.answered);
  store_->step_all();
  EXPECT_EQ(request.answers, 2);
}

TEST_F(GateTest, AfterStopEverythingIsAnsweredStopped) {
  store_->step_all();
  manager_.stop();
  auto& request = load(id_);
  EXPECT_TRUE(request.answered);
  EXPECT_EQ(request.load.result->error().code, Errc::stopped);
}

TEST_F(GateTest, TheStoreIsReportedDownAndUpByWrites) {
  commit(id_, set("key"));
  store_->fail(0);
  EXPECT_EQ(count(event::store_down), 1u);
  store_->step_all();
  EXPECT_EQ(count(event::store_up), 1u);
}

}  // namespace
}  // namespace flame::session_tests
