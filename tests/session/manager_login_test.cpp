#include <string>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerLogin : public ManagerTest {
 protected:
  /// A request that loads now and commits later, with n = 99 to save.
  Session slow(const std::string& cookie) {
    auto session = load(cookie);
    session.set("n", 99);
    return session;
  }
  void expect_dropped(Session& session) {
    const auto before = count(event::dropped);
    const auto answer = commit(session);
    EXPECT_TRUE(answer.result) << "it does not fail";
    EXPECT_TRUE(answer.all("Set-Cookie").empty()) << "nor does it get a cookie";
    EXPECT_EQ(count(event::dropped), before + 1);
  }
};

TEST_F(ManagerLogin, RegenerateKeepsTheDataAndEndsTheOldId) {
  const auto old = visitor();
  const auto answer = request(old, [](Session& s) { s.regenerate(); });
  const auto fresh = answer.cookie();
  ASSERT_EQ(answer.all("Set-Cookie").size(), 1U);
  EXPECT_NE(fresh, old);
  EXPECT_EQ(key_of(fresh), key_of(old)) << "the selector is the session's for life";
  EXPECT_EQ(n_of(fresh), 1);
  EXPECT_EQ(n_of(old), -1);
  EXPECT_EQ(names(), (Names{"created", "renewed", "id_rejected"}));
}

TEST_F(ManagerLogin, RegenerateRestartsNoClock) {
  const auto old = visitor();
  const auto created_at = stored(old).created_at;
  advance(10min);
  const auto fresh = request(old, [](Session& s) { s.regenerate(); }).cookie();
  EXPECT_EQ(stored(fresh).created_at, created_at);
}

TEST_F(ManagerLogin, WhatTheOldIdStillBringsIsDropped) {
  const auto old = visitor();
  auto in_flight = slow(old);
  const auto fresh = request(old, [](Session& s) { s.regenerate(); }).cookie();
  expect_dropped(in_flight);
  // Also what loads after it, while the old secret is known as superseded.
  auto late = slow(old);
  EXPECT_FALSE(late.exists());
  expect_dropped(late);
  EXPECT_EQ(n_of(fresh), 1);
}

TEST_F(ManagerLogin, ReadingWithASupersededIdIsNoDrop) {
  const auto old = visitor();
  request(old, [](Session& s) { s.regenerate(); });
  EXPECT_TRUE(read(old).all("Set-Cookie").empty());
  EXPECT_EQ(count(event::dropped), 0U);
}

TEST_F(ManagerLogin, TheSupersededWindowIsSixtySeconds) {
  const auto old = visitor();
  const auto fresh = request(old, [](Session& s) { s.regenerate(); }).cookie();
  advance(60s - 1ms);
  auto late = slow(old);
  expect_dropped(late);
  advance(1ms);
  const auto answer = request(old, [](Session& s) { s.set("n", 5); });
  EXPECT_EQ(n_of(answer.cookie()), 5) << "a stranger by now, with a session of its own";
  EXPECT_NE(key_of(answer.cookie()), key_of(old));
  EXPECT_EQ(n_of(fresh), 1);
}

TEST_F(ManagerLogin, EachOfSeveralOldIdsIsSupersededForItsTime) {
  const auto first = visitor();
  const auto second = request(first, [](Session& s) { s.set_owner("alice"); }).cookie();
  advance(30s);
  const auto third = request(second, [](Session& s) { s.regenerate(); }).cookie();
  for (const auto& old : {first, second}) {
    auto late = slow(old);
    expect_dropped(late);
  }
  advance(30s);
  EXPECT_TRUE(request(first, [](Session& s) { s.set("n", 2); }).all("Set-Cookie").size() == 1)
      << "forgotten: a stranger, who starts anew";
  auto late = slow(second);
  expect_dropped(late);
  EXPECT_EQ(n_of(third), 1);
}

TEST_F(ManagerLogin, TwoRenewalsHaveOneWinner) {
  const auto old = visitor();
  auto first = load(old), second = load(old);
  first.regenerate();
  second.regenerate();
  const auto fresh = commit(first).cookie();
  expect_dropped(second);
  EXPECT_EQ(n_of(fresh), 1);
}

TEST_F(ManagerLogin, SigningInChangesTheIdAndRestartsTheClock) {
  const auto old = visitor();
  advance(20min);
  const auto fresh = request(old, [](Session& s) {
                       s.set_owner("ada");
                       EXPECT_EQ(s.owner(), "ada");
                     }).cookie();
  ASSERT_FALSE(fresh.empty());
  const auto record = stored(fresh);
  EXPECT_EQ(record.owner, "ada");
  EXPECT_EQ(record.created_at, now());
  EXPECT_EQ(record.expires_at, now() + options.idle_timeout);
  EXPECT_EQ(load(fresh).owner(), "ada");
  EXPECT_EQ(n_of(fresh), 1);
  EXPECT_EQ(n_of(old), -1);
  const auto again = request(fresh, [](Session& s) { s.set_owner("ada"); });
  EXPECT_TRUE(again.all("Set-Cookie").empty()) << "the same owner changes nothing";
  EXPECT_TRUE(load(fresh).exists());
}

TEST_F(ManagerLogin, WithoutASessionItMakesOne) {
  const auto cookie = request({}, [](Session& s) { s.set_owner("ada"); }).cookie();
  EXPECT_EQ(load(cookie).owner(), "ada");
}

TEST_F(ManagerLogin, ADoubleClickSignsBothIn) {
  const auto old = visitor();
  auto first = load(old), second = load(old);
  for (auto* session : {&first, &second}) session->set_owner("ada"), session->set("user", 7);
  const auto one = commit(first).cookie(), two = commit(second).cookie();
  EXPECT_NE(key_of(one), key_of(two));
  for (const auto& cookie : {one, two}) {
    EXPECT_EQ(load(cookie).owner(), "ada");
    EXPECT_EQ(load(cookie).get<int>("user"), 7);
  }
  EXPECT_EQ(n_of(one), 1);
  EXPECT_EQ(n_of(two), 0) << "a fresh session of its own changes";
  auto third = load(old);
  third.set_owner("ada");
  EXPECT_EQ(load(commit(third).cookie()).owner(), "ada") << "also one that loads with the old ID";
  EXPECT_EQ(count(event::dropped), 0U);
}

TEST_F(ManagerLogin, ALoginWinsOverASlowRequestOfBefore) {
  const auto old = visitor();
  auto in_flight = slow(old);
  const auto fresh = request(old, [](Session& s) { s.set_owner("ada"); }).cookie();
  expect_dropped(in_flight);
  EXPECT_EQ(n_of(fresh), 1);
}

TEST_F(ManagerLogin, DestroyIsFinal) {
  const auto cookie = visitor();
  auto saving = slow(cookie), touching = load(cookie), renewing = load(cookie);
  renewing.regenerate();
  store->reset_counts();
  const auto ended = request(cookie, [](Session& s) {
    s.set("n", 2);
    s.set_owner("ada");
    s.regenerate();
    s.destroy();
  });
  EXPECT_EQ(ended.all("Set-Cookie"),
            Names{"__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"});
  expect_dropped(saving);
  expect_dropped(renewing);
  advance(5min);
  commit(touching);
  EXPECT_EQ(n_of(cookie), -1);
  EXPECT_EQ(stored(cookie).blob, "");
  EXPECT_EQ(count(event::destroyed), 1U);
  EXPECT_EQ(store->count(Verb::create), 0U);
}

TEST_F(ManagerLogin, ALoginInFlightAtALogoutIsASessionOfItsOwn) {
  const auto cookie = visitor();
  auto signing_in = load(cookie);
  signing_in.set_owner("ada");
  request(cookie, [](Session& s) { s.destroy(); });
  const auto fresh = commit(signing_in).cookie();
  EXPECT_NE(key_of(fresh), key_of(cookie));
  EXPECT_EQ(load(fresh).owner(), "ada");
  EXPECT_EQ(n_of(cookie), -1);
}

TEST_F(ManagerLogin, TheOwnerItHasIsNoLoginThatALogoutWouldLoseTo) {
  const auto cookie = request({}, [](Session& s) { s.set_owner("alice"); }).cookie();
  auto in_flight = slow(cookie);
  in_flight.set_owner("alice");
  request(cookie, [](Session& s) { s.destroy(); });
  expect_dropped(in_flight);
}

TEST_F(ManagerLogin, DestroyWithASupersededIdNeverSignsIn) {
  const auto old = visitor();
  const auto fresh = request(old, [](Session& s) { s.regenerate(); }).cookie();
  auto late = load(old);
  late.set_owner("ada");
  late.destroy();
  expect_dropped(late);
  EXPECT_EQ(n_of(fresh), 1);
}

TEST_F(ManagerLogin, DestroyOfNothingDoesNothing) {
  for (const auto& cookie : {std::string(), "__Host-session=" + std::string(43, 'A')}) {
    const auto answer =
        request(cookie, [](Session& s) { s.set("n", 1), s.set_owner("ada"), s.destroy(); });
    EXPECT_TRUE(answer.all("Set-Cookie").empty());
  }
  EXPECT_EQ(store->count(Verb::erase) + store->count(Verb::create), 0U);
}

TEST_F(ManagerLogin, EachStepIsTold) {
  const auto cookie = request(visitor(), [](Session& s) { s.set_owner("ada"); }).cookie();
  const auto key = to_string(key_of(cookie));
  request(cookie, [](Session& s) { s.destroy(); });
  EXPECT_EQ(names(), (Names{"created", "renewed", "destroyed"}));
  for (const auto& each : told()) EXPECT_EQ(each.key, key);
}

}  // namespace
}  // namespace flame::session
