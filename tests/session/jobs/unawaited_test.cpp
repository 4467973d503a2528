#include "jobs/gate_fixture.hpp"

// What no request waits for, stepped by hand.

namespace flame::session_tests {
namespace {

using Unawaited = GateTest;

void log_in(Session& session) { session.set_owner("alice"); }

TEST_F(Unawaited, NoTouchHoldsUpTheEraseOfALoginThatCameTooLate) {
  store_->advance(100s);
  commit(id_, [](Session&) {});
  auto& late = commit(id_, log_in, 2s);
  ASSERT_EQ(pending(), (Texts{"touch", "replace"}));
  store_->advance(2s);
  EXPECT_FALSE(late.commit.result->has_value());
  store_->step(1);
  ASSERT_EQ(pending(), Texts{"touch"});
  store_->step(0);
  EXPECT_EQ(pending(), Texts{"erase"});
  store_->step_all();
}

class UnawaitedAtALimit : public GateTest {
 protected:
  UnawaitedAtALimit() : GateTest(2) {}
};

TEST_F(UnawaitedAtALimit, WhatIsToBeErasedCountsForNothing) {
  auto& one = commit({}, log_in);
  store_->step_all();
  auto& other = commit({}, log_in);
  store_->lose_reply(0);  // its next try is of another ID
  store_->step(0);
  while (store_->pending() > 0) store_->step(store_->pending() - 1);  // the erase comes last
  EXPECT_TRUE(look(one.new_id()).exists());
  EXPECT_TRUE(look(other.new_id()).exists());
}

}  // namespace
}  // namespace flame::session_tests
