#include <string>
#include <thread>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerFaults : public ManagerTest {
 protected:
  void fail_all(Verb verb, Fault fault = Fault::fail) {
    for (std::size_t i = 0; i < 3; ++i) store->next(verb, fault, i);
  }
};

void expect_error(const Answer& answer, Errc code, int status) {
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().code, code) << answer.result.error().text;
  EXPECT_FALSE(answer.result.error().text.empty());
  EXPECT_EQ(http_status(code), status);
}

TEST_F(ManagerFaults, ACreateThatIsNotConfirmedIsAnErrorWithoutACookie) {
  for (const auto fault : {Fault::fail, Fault::refuse, Fault::lose_reply}) {
    fail_all(Verb::create, fault);
    expect_error(request({}, [](Session& s) { s.set("n", 1); }), Errc::store_unavailable, 503);
  }
}

TEST_F(ManagerFaults, AReplaceThatIsNotConfirmedIsAnErrorAndNotApplied) {
  for (const auto fault : {Fault::fail, Fault::refuse}) {
    const auto cookie = visitor();
    fail_all(Verb::replace, fault);
    expect_error(request(cookie, [](Session& s) { s.set("n", 2), s.regenerate(); }),
                 Errc::store_unavailable, 503);
    EXPECT_EQ(n_of(cookie), 1);
  }
}

TEST_F(ManagerFaults, AnEraseThatIsNotConfirmedIsAnErrorAndTheCookieStays) {
  const auto cookie = visitor();
  store->next(Verb::erase, Fault::fail);
  expect_error(request(cookie, [](Session& s) { s.destroy(); }), Errc::store_unavailable, 503);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(count(event::destroyed), 0U);
}

TEST_F(ManagerFaults, ALostReplyHasOneEffect) {
  auto cookie = visitor();
  for (int i = 2; i < 10; ++i) {
    store->next(Verb::replace, Fault::lose_reply);
    EXPECT_TRUE(
        request(cookie, [](Session& s) { s.update("n", 0, [](int n) { return n + 1; }); }).result);
    EXPECT_EQ(n_of(cookie), i);
  }
  store->next(Verb::replace, Fault::lose_reply);
  const auto renewed = request(cookie, [](Session& s) { s.regenerate(); });
  EXPECT_EQ(n_of(renewed.cookie()), 9);
  EXPECT_EQ(n_of(cookie), -1);
}

TEST_F(ManagerFaults, ALostReplyOfACreateLeavesNothingThatOpens) {
  store->next(Verb::create, Fault::lose_reply);
  const auto answer = request({}, [](Session& s) { s.set("n", 5); });
  EXPECT_EQ(n_of(answer.cookie()), 5);
  EXPECT_EQ(store->count(Verb::create), 2U) << "the second try has another ID";
  EXPECT_EQ(count(event::created), 1U);
}

TEST_F(ManagerFaults, AStoreThatIsDownIsUnavailableAndNeverAnonymous) {
  const auto cookie = visitor();
  store->down();
  const auto failed = try_load(cookie);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::store_unavailable);
  EXPECT_TRUE(try_load().has_value()) << "who brings no ID needs no store";
  for (int i = 0; i < 5; ++i) static_cast<void>(try_load(cookie));
  EXPECT_EQ(count(event::store_down), 1U) << "told at the change, not at each request";
  store->down(false);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(count(event::store_up), 1U);
  store->down();
  static_cast<void>(try_load(cookie));
  EXPECT_EQ(count(event::store_down), 2U);
}

TEST_F(ManagerFaults, AStoreThatRefusesAnOperationIsNotDown) {
  const auto cookie = visitor();
  fail_all(Verb::replace, Fault::refuse);
  expect_error(request(cookie, [](Session& s) { s.set("n", 2); }), Errc::store_unavailable, 503);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(count(event::store_refused), 1U) << "it is not asked again";
  EXPECT_EQ(store->count(Verb::replace), 1U);
  EXPECT_EQ(count(event::store_down) + count(event::store_up), 0U);
}

TEST_F(ManagerFaults, WhatMayNotLastIsNotAcknowledgedThoughItCanBeRead) {
  const auto cookie = visitor();
  store->reset_counts();
  store->next(Verb::replace, Fault::unconfirm);
  const auto saved = request(cookie, [](Session& s) { s.set("n", 2); });
  expect_error(saved, Errc::store_unavailable, 503);
  EXPECT_NE(saved.result.error().text.find("unknown"), std::string::npos);
  EXPECT_EQ(store->count(Verb::replace), 1U) << "a second try would prove nothing";
  EXPECT_EQ(store->count(Verb::load), 1U) << "nor would reading";
  EXPECT_EQ(n_of(cookie), 2);
  store->next(Verb::erase, Fault::unconfirm);
  expect_error(request(cookie, [](Session& s) { s.destroy(); }), Errc::store_unavailable, 503);
  EXPECT_EQ(store->count(Verb::erase), 1U);
  store->next(Verb::create, Fault::unconfirm);
  expect_error(request({}, [](Session& s) { s.set("n", 1); }), Errc::store_unavailable, 503);
  EXPECT_EQ(store->count(Verb::create), 1U);
  EXPECT_EQ(count(event::store_refused), 3U);
  EXPECT_EQ(count(event::store_down) + count(event::store_up), 0U);
}

TEST_F(ManagerFaults, AStoreThatRefusesIsUpAgain) {
  const auto cookie = visitor();
  store->next(Verb::load, Fault::fail);
  EXPECT_FALSE(try_load(cookie));
  store->next(Verb::load, Fault::refuse);
  EXPECT_FALSE(try_load(cookie));
  EXPECT_EQ(count(event::store_refused), 1U);
  EXPECT_EQ(count(event::store_up), 1U);
  EXPECT_EQ(names().back(), event::failed);
}

TEST_F(ManagerFaults, AStoreThatIsDownAtTheStartIsServedOnceItIsUp) {
  store->down();
  auto session = load();
  session.set("n", 1);
  expect_error(commit(session), Errc::store_unavailable, 503);
  EXPECT_EQ(count(event::store_down), 1U);
  store->down(false);
  EXPECT_EQ(n_of(visitor()), 1);
  EXPECT_EQ(count(event::store_up), 1U);
}

TEST_F(ManagerFaults, AFullStoreTakesNoMore) {
  options.store = memory::store({.max_sessions = 1});
  const auto cookie = request({}, [](Session& s) { s.set_owner("ada"), s.set("n", 1); }).cookie();
  expect_error(request({}, [](Session& s) { s.set("n", 2); }), Errc::overloaded, 503);
  EXPECT_EQ(count(event::store_full), 1U);
  EXPECT_EQ(n_of(cookie), 1) << "an owner's session never goes for another";
}

TEST_F(ManagerFaults, AFloodOfNewSessionsIsSlowedAndTakesNothingFromOthers) {
  options.max_created_per_second = 100;
  const auto set = [](Session& s) { s.set("n", 1); };
  const auto cookie = visitor();
  for (int i = 0; i < 99; ++i) EXPECT_TRUE(request({}, set).result);
  store->reset_counts();
  for (int i = 0; i < 50; ++i) expect_error(request({}, set), Errc::overloaded, 503);
  EXPECT_EQ(store->count(), 0U);
  EXPECT_EQ(count(event::creation_refused), 50U);
  EXPECT_EQ(count(event::failed), 0U) << "it is told as what it is";
  EXPECT_TRUE(request({}, [](Session&) {}).result) << "who stores nothing begins nothing";
  EXPECT_TRUE(request(cookie, set).result);
  EXPECT_TRUE(request({}, [](Session& s) { s.set_owner("ada"); }).result);
  advance(10ms);
  EXPECT_TRUE(request({}, set).result);
  EXPECT_FALSE(request({}, set).result);
}

TEST_F(ManagerFaults, TheLimitPassesWithTheSteadyClock) {
  options.max_created_per_second = 1;
  visitor();
  clock.sleep(1h);
  expect_error(request({}, [](Session& s) { s.set("n", 1); }), Errc::overloaded, 503);
  advance(1s);
  visitor();
}

TEST_F(ManagerFaults, AsManyBeginByDefaultAsTheStoreHoldsForAnIdleTimeout) {
  options.store = memory::store({.max_sessions = 5 * 1800});
  for (int i = 0; i < 5; ++i) visitor();
  expect_error(request({}, [](Session& s) { s.set("n", 1); }), Errc::overloaded, 503);
}

TEST_F(ManagerFaults, OneAddressTurnsNobodyElseAway) {
  options.max_created_per_second = 100;
  const auto set = [](Session& s) { s.set("n", 1); };
  peer = "203.0.113.7";
  for (int i = 0; i < 10; ++i) visitor();
  for (int i = 0; i < 200; ++i) expect_error(request({}, set), Errc::overloaded, 503);
  EXPECT_TRUE(request({}, [](Session& s) { s.set_owner("ada"); }).result) << "who signs in may";
  peer = "203.0.113.8";
  visitor();
  peer = "";
  for (int i = 0; i < 89; ++i) visitor();
  expect_error(request({}, set), Errc::overloaded, 503);
  advance(1s);
  peer = "2001:db8:1:2::1";
  for (int i = 0; i < 10; ++i) visitor();
  peer = "2001:db8:1:2:ffff:ffff:ffff:ffff";
  expect_error(request({}, set), Errc::overloaded, 503);
}

TEST_F(ManagerFaults, ARefusedReplaceKeepsTheOldRecord) {
  const auto cookie = visitor();
  store->next(Verb::replace, Outcome::refused);
  expect_error(request(cookie, [](Session& s) { s.set("n", 2); }), Errc::overloaded, 503);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(count(event::store_full), 1U);
}

TEST_F(ManagerFaults, ARecordThatTheStoreCannotReadIsThatSessionAbsentAndToldOnce) {
  const auto cookie = visitor();
  for (int i = 0; i < 3; ++i) {
    store->next(Verb::load, Outcome::unreadable);
    EXPECT_EQ(n_of(cookie), -1);
  }
  EXPECT_EQ(count(event::decode_failed), 1U);
  EXPECT_EQ(count(event::id_rejected), 0U);
  EXPECT_EQ(n_of(cookie), 1);
}

TEST_F(ManagerFaults, AStoreThatAnswersNothingIsFoundOut) {
  const auto cookie = visitor();
  store->next(Verb::load, Outcome::unanswered);
  const auto failed = try_load(cookie);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::store_unavailable);
}

TEST_F(ManagerFaults, AnEventHandlerThatThrowsBreaksNothing) {
  options.on_event = [](const Event&) { throw std::runtime_error("no"); };
  EXPECT_EQ(n_of(visitor()), 1);
}

TEST_F(ManagerFaults, EveryErrorHasItsStatus) {
  for (const auto code : {Errc::store_unavailable, Errc::deadline, Errc::overloaded, Errc::stopped})
    EXPECT_EQ(http_status(code), 503);
  for (const auto code :
       {Errc::invalid_option, Errc::too_large, Errc::update_failed, Errc::random_failed})
    EXPECT_EQ(http_status(code), 500);
}

TEST_F(ManagerFaults, ThreadsOnOneSessionLoseNothing) {
  const auto cookie = visitor();
  constexpr int threads = 4, each = 50;
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t)
      running.emplace_back([&, t] {
        for (int i = 0; i < each; ++i)
          EXPECT_TRUE(request(cookie, [&](Session& s) {
                        s.set("k" + std::to_string(t * each + i), i);
                        s.update("n", 0, [](int n) { return n + 1; });
                      }).result);
      });
  }
  EXPECT_EQ(n_of(cookie), 1 + threads * each);
  EXPECT_EQ(load(cookie).keys().size(), 1U + threads * each);
}

}  // namespace
}  // namespace flame::session
