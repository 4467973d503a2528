// Outcomes that a verb may not answer are failures of that operation, whatever the verb: nobody is
// signed out, or in, or told that a change was saved, by what a store should not have said.
#include <algorithm>

#include "manager_fixture.hpp"
#include "runner/failure.hpp"

namespace flame::session {
namespace {

using namespace tests;

constexpr Outcome surely_not[] = {Outcome::refused, Outcome::later};
constexpr Outcome nobody_knows[] = {Outcome::unknown, Outcome::unanswered, Outcome::exists};

class ManagerOutcomes : public ManagerTest {
 protected:
  template <class Test>
  void for_all(Test test) {
    for (const auto outcome : surely_not) test(outcome);
    for (const auto outcome : nobody_knows) test(outcome);
  }
  void expect_503(const Result<ResponseFields>& result, Outcome outcome) {
    ASSERT_FALSE(result) << static_cast<int>(outcome);
    EXPECT_EQ(http_status(result.error().code), 503) << static_cast<int>(outcome);
  }
};

TEST_F(ManagerOutcomes, ALogoutThatIsNotDoneIsNone) {
  for_all([this](Outcome outcome) {
    const auto cookie = visitor();
    store->next(Verb::erase, outcome);
    expect_503(request(cookie, [](Session& s) { s.destroy(); }).result, outcome);
    EXPECT_EQ(n_of(cookie), 1) << "the cookie stays, and so does what it opens";
  });
  EXPECT_EQ(count(event::destroyed), 0U);
}

TEST_F(ManagerOutcomes, ALoadThatIsNotDoneIsNoVisitorWithoutASession) {
  for_all([this](Outcome outcome) {
    const auto cookie = visitor();
    store->next(Verb::load, outcome);
    const auto loaded = try_load(cookie);
    ASSERT_FALSE(loaded) << static_cast<int>(outcome);
    EXPECT_EQ(http_status(loaded.error().code), 503);
  });
  EXPECT_EQ(count(event::id_rejected), 0U);
}

TEST_F(ManagerOutcomes, AReplaceThatIsNotDoneSavesNothing) {
  for (const auto outcome : surely_not) {
    const auto cookie = visitor();
    store->next(Verb::replace, outcome);
    expect_503(request(cookie, [](Session& s) { s.set("n", 2); }).result, outcome);
    EXPECT_EQ(n_of(cookie), 1);
  }
  EXPECT_EQ(count(event::dropped), 0U);
}

TEST_F(ManagerOutcomes, AReplaceOfUnknownOutcomeIsSettled) {
  for (const auto outcome : nobody_knows) {
    const auto cookie = visitor();
    store->next(Verb::replace, outcome);
    EXPECT_TRUE(request(cookie, [](Session& s) { s.set("n", 2); }).result);
    EXPECT_EQ(n_of(cookie), 2);
  }
}

TEST_F(ManagerOutcomes, WhatIsSettledIsNoMatterOfTheOperators) {
  const auto cookie = visitor();
  store->next(Verb::replace, Outcome::unknown);
  EXPECT_TRUE(request(cookie, [](Session& s) { s.set("n", 2); }).result);
  EXPECT_EQ(count(event::store_refused) + count(event::store_down) + count(event::failed), 0U);
}

TEST_F(ManagerOutcomes, AReplaceThatIsAppliedThoughNobodyKnowsIsSeenOnce) {
  const auto cookie = visitor();
  store->next(Verb::replace, Fault::doubt);
  EXPECT_TRUE(request(cookie, [](Session& s) {
                s.update<int>("n", 0, [](int n) { return n + 1; });
              }).result);
  EXPECT_EQ(n_of(cookie), 2);
}

TEST_F(ManagerOutcomes, ASettlingReadThatIsRefusedSaysNothing) {
  for_all([this](Outcome outcome) {
    const auto cookie = visitor();
    auto session = load(cookie);
    session.set("n", 2);
    store->next(Verb::replace, Fault::lose_reply);
    store->next(Verb::load, outcome);
    const auto saved = commit(session);
    if (saved.result) {  // unknown is asked again
      EXPECT_EQ(n_of(cookie), 2) << static_cast<int>(outcome);
    } else {
      EXPECT_NE(saved.result.error().text.find("unknown"), std::string::npos);
    }
  });
  EXPECT_EQ(count(event::dropped), 0U);
}

TEST_F(ManagerOutcomes, ALoginThatMayHaveBegunIsInNoList) {
  manager();
  for (const auto fault : {Fault::unconfirm, Fault::lose_reply, Fault::doubt}) {
    store->next(Verb::create, fault);
    const auto answer = request({}, [](Session& s) { s.set_owner("ada"); });
    EXPECT_EQ(manager().end_all("ada").value(), answer.result ? 1U : 0U) << static_cast<int>(fault);
  }
}

TEST_F(ManagerOutcomes, ACreateThatIsRefusedIsAskedOnce) {
  manager();
  store->next(Verb::create, Outcome::refused);
  expect_503(request({}, [](Session& s) { s.set("n", 1); }).result, Outcome::refused);
  EXPECT_EQ(store->count(Verb::create), 1U);
  EXPECT_EQ(count(event::store_full), 1U);
}

TEST_F(ManagerOutcomes, AwayIsNotDoneAndNotUnknown) {
  manager();
  store->next(Verb::create, Fault::leave);
  const auto saved = request({}, [](Session& s) { s.set("n", 1); });
  EXPECT_TRUE(saved.result) << "it is tried again";
  EXPECT_EQ(store->count(Verb::create), 2U);
}

TEST(FailureIn, KnowsWhatEachVerbMayAnswer) {
  using Allowed = std::vector<Outcome>;
  const std::pair<Verb, Allowed> verbs[] = {
      {Verb::load, {Outcome::done, Outcome::missing, Outcome::unreadable}},
      {Verb::create, {Outcome::done, Outcome::exists}},
      {Verb::replace, {Outcome::done, Outcome::missing, Outcome::conflict}},
      {Verb::touch, {Outcome::done, Outcome::missing}},
      {Verb::erase, {Outcome::done}}};
  for (const auto& [verb, allowed] : verbs) {
    for (int each = 0; each <= static_cast<int>(Outcome::unknown) + 1; ++each) {
      const auto outcome = static_cast<Outcome>(each);
      const auto failure = failure_in({.verb = verb, .outcome = outcome});
      const bool may = std::ranges::find(allowed, outcome) != allowed.end();
      EXPECT_EQ(failure.has_value(), !may) << static_cast<int>(verb) << " " << each;
      if (may) continue;
      const bool applied = outcome != Outcome::refused && outcome != Outcome::later;
      EXPECT_EQ(failure->maybe_applied, applied) << each;
      EXPECT_FALSE(failure->error.text.empty());
    }
  }
}

}  // namespace
}  // namespace flame::session
