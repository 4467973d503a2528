// The sessions of an owner: listed, ended, and no more of them than may be.
#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/test_support/inline_executor.hpp>

#include "manager_fixture.hpp"
#include "session/record/envelope.hpp"

namespace flame::session {
namespace {

using namespace tests;

/// A memory store that is said to block.
class Blocking : public Store {
 public:
  explicit Blocking(StorePtr inner) : inner_(std::move(inner)) {}
  std::unique_ptr<StoreConnection> make_connection() override { return inner_->make_connection(); }
  StoreTraits traits() const noexcept override { return {}; }

 private:
  StorePtr inner_;
};

/// On a store that never blocks, and on one that does.
class ManagerOwners : public ManagerTest, public testing::WithParamInterface<bool> {
 protected:
  ManagerOwners() {
    if (GetParam()) options.store = std::make_shared<Blocking>(store);
  }

  std::string login(std::string_view owner = "alice", std::string label = {}) {
    const auto answer = request({}, [&](Session& s) { s.set_owner(owner, {.label = label}); });
    EXPECT_TRUE(answer.result);
    return answer.cookie();
  }
  std::vector<OwnedSession> list(std::string_view owner = "alice") {
    auto listed = manager().list(owner);
    EXPECT_TRUE(listed) << listed.error().text;
    return listed ? *listed : std::vector<OwnedSession>();
  }
  bool is_live(const std::string& cookie) { return load(cookie, Need::read).exists(); }
  SessionKey own_key(const std::string& cookie) { return *load(cookie, Need::read).key(); }
};

TEST_P(ManagerOwners, AListTellsKeyLabelAndTimes) {
  const auto laptop = login("alice", "Firefox on Windows");
  advance(1min);
  const auto phone = request({}, [](Session& s) {
                       s.set_owner("alice", {.idle = 2h, .label = "phone"});
                     }).cookie();
  login("bob"), visitor();
  auto all = list();
  ASSERT_EQ(all.size(), 2U);
  std::ranges::sort(all, {}, &OwnedSession::created_at);
  EXPECT_EQ(all[0].key, own_key(laptop));
  EXPECT_EQ(all[0].label, "Firefox on Windows");
  EXPECT_EQ(all[0].created_at, now() - 1min);
  EXPECT_EQ(all[0].expires_at, now() + 29min);
  EXPECT_EQ(all[1].key, own_key(phone));
  EXPECT_EQ(all[1].last_seen, now());
  EXPECT_EQ(all[1].expires_at, now() + 2h);
}

TEST_P(ManagerOwners, WhoIsRememberedWasLastSeenWhenTheyCame) {
  const auto cookie = request({}, [](Session& s) {
                        s.set_owner("alice", {.absolute = 720h, .persistent = true});
                      }).cookie();
  for (int day = 1; day <= 20; ++day) {
    advance(24h);
    EXPECT_TRUE(request(cookie, [](Session&) {}).result);
    restart();  // the touch that waits is sent
  }
  const auto all = list();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_GT(all[0].last_seen, now() - 36h) << "to within a twentieth of its idle timeout";
  EXPECT_EQ(all[0].expires_at, now() + 240h) << "that does not move";
}

TEST_P(ManagerOwners, ListsAndEndsTakeTurns) {
  const auto cookie = login();
  for (int i = 0; i < 20; ++i) {  // each in the memory of the one before
    EXPECT_EQ(manager().end_all("nobody"), 0U);
    EXPECT_EQ(list().size(), 1U);
    EXPECT_TRUE(manager().ready());
  }
  EXPECT_TRUE(is_live(cookie));
}

TEST_P(ManagerOwners, NobodysAndUnknownOwnersHaveNone) {
  visitor(), login();
  for (const std::string owner : {"", "ALICE", "alic", "alicea"}) {
    EXPECT_TRUE(list(owner).empty()) << owner;
    EXPECT_EQ(manager().end_all(owner), 0U) << owner;
  }
  EXPECT_TRUE(list(std::string(1000, 'x')).empty());
  EXPECT_EQ(list().size(), 1U);
}

TEST_P(ManagerOwners, WhatCannotBeReadIsLeftOut) {
  const auto good = login(), damaged = login();
  auto record = stored(damaged);
  const auto token = record.token;
  record.blob = "damaged";
  replace_stored(record, token);
  const auto all = list();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].key, own_key(good));
}

TEST_P(ManagerOwners, WhatHasExpiredIsNotListed) {
  login();
  advance(30min);
  EXPECT_TRUE(list().empty());
}

TEST_P(ManagerOwners, OneIsEndedByItsKey) {
  const auto one = login(), other = login();
  auto in_flight = load(one);
  in_flight.set("n", 2);
  const auto key = own_key(one);
  EXPECT_EQ(manager().end(key), 1U);
  EXPECT_FALSE(is_live(one));
  EXPECT_TRUE(is_live(other));
  EXPECT_EQ(manager().end(key), 0U);
  EXPECT_TRUE(commit(in_flight).result);
  EXPECT_FALSE(is_live(one)) << "no slower request brings it back";
  EXPECT_EQ(count(event::destroyed), 1U);
}

TEST_P(ManagerOwners, AVisitorsSessionHasAKeyToo) {
  const auto cookie = visitor();
  EXPECT_EQ(manager().end(own_key(cookie)), 1U);
  EXPECT_FALSE(is_live(cookie));
  EXPECT_EQ(load().key(), std::nullopt);
}

TEST_P(ManagerOwners, AllAreEndedButTheOwnOne) {
  const auto own = login();
  std::vector<std::string> others;
  for (int i = 0; i < 300; ++i) others.push_back(login());
  const auto bob = login("bob");
  EXPECT_EQ(manager().end_all("alice", own_key(own)), 300U);
  for (const auto& each : others) EXPECT_FALSE(is_live(each));
  EXPECT_TRUE(is_live(own));
  EXPECT_TRUE(is_live(bob));
  EXPECT_EQ(manager().end_all("alice"), 1U);
  EXPECT_FALSE(is_live(own));
}

TEST_P(ManagerOwners, ApplicationsNeverListOrEndEachOthers) {
  options.application = "shop";
  const auto shop = login();
  const auto visiting = visitor();
  const auto key = own_key(shop), visiting_key = own_key(visiting);
  for (const std::string other : {"", "forum", "sho", "shopp"}) {
    restart();
    options.application = other;
    for (const auto& owner : std::vector<std::string>{"alice", std::string("shop\0alice", 10)}) {
      EXPECT_TRUE(list(owner).empty());
      EXPECT_EQ(manager().end_all(owner), 0U);
    }
    EXPECT_EQ(manager().end(key), 0U);
    EXPECT_EQ(manager().end(visiting_key), 0U);
  }
  restart();
  options.application = "shop";
  EXPECT_TRUE(is_live(shop));
  EXPECT_EQ(list().size(), 1U);
  EXPECT_EQ(manager().end(key), 1U);
}

TEST_P(ManagerOwners, EveryonesAreEnded) {
  std::vector<std::string> all;
  for (int i = 0; i < 200; ++i) all.push_back(login()), all.push_back(visitor());
  all.push_back(login("bob"));
  EXPECT_EQ(manager().end_everyone(), 401U);
  for (const auto& each : all) EXPECT_FALSE(is_live(each));
  EXPECT_EQ(count(event::destroyed), 401U);
  EXPECT_EQ(manager().end_everyone(), 0U);
  EXPECT_TRUE(is_live(login()));
}

TEST_P(ManagerOwners, EveryonesOfOtherApplicationsAreNotEnded) {
  const std::vector<std::string> applications{"", "shop", "forum", "shopp"};
  std::vector<std::string> owned, visiting;
  const auto is_one = [this](const std::string& application) {
    restart();
    options.application = application;
  };
  for (const auto& each : applications) {
    is_one(each);
    owned.push_back(login()), visiting.push_back(visitor());
  }
  for (std::size_t i = 0; i < applications.size(); ++i) {
    is_one(applications[i]);
    EXPECT_EQ(manager().end_everyone(), 2U) << applications[i];
    for (std::size_t other = 0; other < applications.size(); ++other) {
      is_one(applications[other]);
      EXPECT_EQ(is_live(owned[other]), other > i);
      EXPECT_EQ(is_live(visiting[other]), other > i);
    }
  }
}

TEST_P(ManagerOwners, APageOfOthersIsNotTheEndOfEveryones) {
  options.max_created_per_second = 0;
  options.application = "forum";
  for (int i = 0; i < 1000; ++i) visitor();
  restart();
  options.application = "shop";
  for (int i = 0; i < 4; ++i) visitor();
  EXPECT_EQ(manager().end_everyone(), 4U);
}

TEST_P(ManagerOwners, EveryonesMeansWhatOtherTimeoutsLetLiveToo) {
  const auto cookie = login();
  advance(20min);
  restart();
  options.idle_timeout = 10min;
  EXPECT_EQ(manager().end_everyone(), 1U);
  restart();
  options.idle_timeout = 30min;
  EXPECT_FALSE(is_live(cookie));
}

TEST_P(ManagerOwners, WhatCannotBeReadIsNobodysToEnd) {
  const auto damaged = login();
  auto record = stored(damaged);
  const auto token = record.token;
  record.blob = "damaged";
  replace_stored(record, token);
  EXPECT_EQ(manager().end_everyone(), 0U);
  EXPECT_EQ(stored(damaged).blob, "damaged");
}

TEST_P(ManagerOwners, WhoSignedInBeforeEveryonesEndDoesNotEscape) {
  options.deadline = 60s;
  std::atomic<bool> called{false}, over{false};
  std::mutex mutex;
  std::vector<std::string> before;
  static_cast<void>(manager());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!over) {
        auto session = manager().load({}, Need::write);
        session->set_owner("alice");
        const Answer answer{manager().commit(*session)};
        const std::scoped_lock lock(mutex);
        if (!called) before.push_back(answer.cookie());
      }
    });
  for (std::size_t n = 0; n < 100;) {
    std::this_thread::yield();
    const std::scoped_lock lock(mutex);
    n = before.size();
  }
  {
    const std::scoped_lock lock(mutex);
    called = true;
  }
  EXPECT_GE(manager().end_everyone().value_or(0), before.size());
  over = true;
  for (auto& each : threads) each.join();
  for (const auto& each : before) EXPECT_FALSE(is_live(each));
}

TEST_P(ManagerOwners, EveryoneIsNotMeantByAccident) {
  const auto one = login(), other = visitor();
  const auto result_of = [&](EndOperation operation) {
    std::promise<void> done;
    operation.executor = test_support::inline_executor();
    operation.context = &done;
    operation.done = [](Operation& self) noexcept {
      static_cast<std::promise<void>*>(self.context)->set_value();
    };
    if (!manager().start(operation)) done.get_future().wait();
    return *operation.result;
  };
  EndOperation nothing;
  EXPECT_EQ(result_of(nothing), 0U);
  EndOperation with_owner, with_key;
  with_owner.whose = with_key.whose = EndWhose::everyones;
  with_owner.owner = "alice";
  with_key.key = own_key(one);
  for (const auto& each : {with_owner, with_key}) {
    const auto result = result_of(each);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::misuse);
  }
  EXPECT_TRUE(is_live(one));
  EXPECT_TRUE(is_live(other));
}

TEST_P(ManagerOwners, AnErrorAmongEveryonesIsTold) {
  login(), visitor();
  store->next(Verb::load, Outcome::refused, 1);
  ASSERT_FALSE(manager().end_everyone());
  store->next(Verb::erase, Outcome::refused, 1);
  const auto ended = manager().end_everyone();
  ASSERT_FALSE(ended);
  EXPECT_NE(ended.error().text.find("may not have ended"), std::string::npos);
  EXPECT_EQ(manager().end_everyone(), 1U);
  store->down();
  EXPECT_FALSE(manager().end_everyone());
  store->down(false);
}

TEST_P(ManagerOwners, AnErrorIsToldAndSaysThatSomeMayBeLeft) {
  login(), login();
  store->next(Verb::erase, Outcome::refused, 1);
  const auto ended = manager().end_all("alice");
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().text,
            "1 were ended, then: the store refused an operation that saves nothing: its log may "
            "say why; some of the sessions may not have ended: do it again");
  EXPECT_EQ(list().size(), 1U);
  EXPECT_EQ(manager().end_all("alice"), 1U);
}

// Of the call that failed it may be true, but of what came before it is not.
TEST_P(ManagerOwners, AfterThousandsWereEndedNobodyIsToldThatNothingWas) {
  for (const auto end : {+[](Manager& m) { return m.end_all("alice"); },
                         +[](Manager& m) { return m.end_everyone(); }}) {
    for (int i = 0; i < 300; ++i) login();
    const auto before = list().size();
    // A store that blocks is asked again later.
    store->next(Verb::erase, GetParam() ? Outcome::refused : Outcome::later, 128);
    const auto ended = end(manager());
    ASSERT_FALSE(ended);
    const auto& text = ended.error().text;
    EXPECT_EQ(text.find("nothing was done"), std::string::npos) << text;
    EXPECT_TRUE(text.starts_with(std::to_string(before - list().size()) + " were ended, then: "))
        << text;
    EXPECT_NE(text.find("do it again"), std::string::npos) << text;
  }
}

TEST_P(ManagerOwners, AStoreThatIsDownIsAnError) {
  const auto key = own_key(login());
  store->down();
  EXPECT_FALSE(manager().list("alice"));
  EXPECT_FALSE(manager().end(key));
  EXPECT_FALSE(manager().end_all("alice"));
  EXPECT_EQ(count(event::failed), 3U);
  store->down(false);
}

TEST_P(ManagerOwners, TheOldestGiveWay) {
  options.max_sessions_per_owner = 2;
  std::vector<std::string> cookies;
  for (int i = 0; i < 4; ++i) {
    cookies.push_back(login());
    advance(1s);
  }
  EXPECT_FALSE(is_live(cookies[0]));
  EXPECT_FALSE(is_live(cookies[1]));
  EXPECT_TRUE(is_live(cookies[2]));
  EXPECT_TRUE(is_live(cookies[3]));
  login("bob");
  EXPECT_EQ(list().size(), 2U) << "each owner has a limit of its own";
}

TEST_P(ManagerOwners, OrTheLoginIsRefusedAndNothingIsSaved) {
  options.max_sessions_per_owner = 2;
  options.at_owner_limit = AtOwnerLimit::refuse;
  const auto first = login();
  login();
  const auto cookie = visitor();
  auto session = load(cookie);
  session.set("n", 2);
  session.set_owner("alice");
  const auto refused = commit(session);
  ASSERT_FALSE(refused.result);
  EXPECT_EQ(refused.result.error().code, Errc::too_many_sessions);
  EXPECT_EQ(http_status(Errc::too_many_sessions), 403);
  EXPECT_EQ(n_of(cookie), 1) << "as it was";
  EXPECT_EQ(list().size(), 2U);
  // Who is signed in already takes no further place.
  EXPECT_TRUE(request(first, [](Session& s) { s.set_owner("alice", {.label = "again"}); }).result);
  EXPECT_EQ(list().size(), 2U);
}

TEST_P(ManagerOwners, WhatNobodyCanSeeOrEndTakesNoPlace) {
  for (const auto action : {AtOwnerLimit::end_oldest, AtOwnerLimit::refuse}) {
    options = {};
    options.store = GetParam() ? std::make_shared<Blocking>(store) : StorePtr(store);
    restart();
    ASSERT_TRUE(request({}, [](Session& s) {
                  s.set_owner("alice", {.idle = 48h, .absolute = 48h});
                }).result);
    options.longest_login = 1h;
    options.absolute_timeout = 1h;
    options.max_sessions_per_owner = 1;
    options.at_owner_limit = action;
    restart();
    advance(1h);
    EXPECT_TRUE(list().empty());
    const auto cookie = login();
    EXPECT_TRUE(is_live(cookie));
    EXPECT_EQ(list().size(), 1U);
    EXPECT_TRUE(manager().end_all("alice"));
  }
}

TEST_P(ManagerOwners, AnotherOwnerGetsNothingOfTheOneBefore) {
  const auto alice = login();
  request(alice, [](Session& s) { s.set("n", 7), s.set("a", 1), s.set_flash("for alice"); });
  const auto bob = request(alice, [](Session& s) {
                     s.set("b", 1);
                     s.update("n", 0, [](int n) { return n + 1; });
                     EXPECT_EQ(s.get<int>("n"), 8);
                     s.set_owner("bob");
                     EXPECT_EQ(s.get<int>("n"), 1) << "as it will be saved";
                     EXPECT_EQ(s.keys(), (std::vector<std::string>{"b", "n"}));
                   }).cookie();
  Flash flash;
  const auto session = load(bob, Need::flash, flash);
  EXPECT_EQ(session.keys(), (std::vector<std::string>{"b", "n"}));
  EXPECT_EQ(session.get<int>("n"), 1);
  EXPECT_FALSE(flash);
}

TEST_P(ManagerOwners, AVisitorWhoSignsInKeepsWhatTheyHad) {
  const auto cookie = visitor();
  request(cookie, [](Session& s) { s.set("cart", 3); });
  const auto alice = request(cookie, [](Session& s) { s.set_owner("alice"); }).cookie();
  EXPECT_EQ(load(alice).get<int>("cart"), 3);
}

TEST_P(ManagerOwners, AnUnreadMessageOfTheOwnerBeforeIsLostAndTold) {
  const auto alice = login();
  request(alice, [](Session& s) { s.set_flash("for alice"); });
  Flash flash;
  auto session = load(alice, Need::write | Need::flash, flash);
  session.set_owner("bob");
  const auto bob = commit(session).cookie();
  EXPECT_TRUE(load(bob, Need::flash, flash).exists());
  EXPECT_FALSE(flash);
  EXPECT_EQ(count(event::flash_lost), 1U);
}

TEST_P(ManagerOwners, OfManyLoginsInAMillisecondTheLastStay) {
  options.max_sessions_per_owner = 3;
  std::vector<std::string> cookies;
  for (int i = 0; i < 40; ++i) cookies.push_back(login());
  for (std::size_t i = 0; i < cookies.size(); ++i)
    EXPECT_EQ(is_live(cookies[i]), i + 3 >= cookies.size()) << i;
}

TEST_P(ManagerOwners, ALoginThatIsSavedHoldsThoughItsOwnersSessionsCannotBeCounted) {
  options.max_sessions_per_owner = 1;
  login();
  const auto visiting = visitor();
  advance(1s);
  auto session = load(visiting);
  session.set_owner("alice");
  store->next(Verb::load, Outcome::refused);
  const auto answer = commit(session);
  ASSERT_TRUE(answer.result);
  EXPECT_TRUE(is_live(answer.cookie()));
  EXPECT_EQ(count(event::failed), 1U);
  EXPECT_EQ(list().size(), 2U);
  advance(1s);
  login();
  EXPECT_EQ(list().size(), 1U);
}

TEST_P(ManagerOwners, ALimitThatComesLateEndsAllAboveIt) {
  for (int i = 0; i < 300; ++i) login();
  options.max_sessions_per_owner = 2;
  restart();
  advance(1s);
  const auto cookie = login();
  EXPECT_TRUE(is_live(cookie));
  EXPECT_EQ(list().size(), 2U);
}

// However many there are, a login does its share of them and no more.
TEST_P(ManagerOwners, ALimitThatComesLateIsReachedLoginByLogin) {
  options.deadline = 60s;
  for (int i = 0; i < 3000; ++i) login();
  options.max_sessions_per_owner = 2;
  restart();
  std::vector<std::string> cookies;
  for (std::size_t left = list().size() + 1; left > 2; left = list().size()) {
    advance(1s);
    manager(), store->reset_counts();
    cookies.push_back(login());
    EXPECT_LE(store->count(Verb::load), 1024U + 2 + 128);
    EXPECT_TRUE(is_live(cookies.back()));
    ASSERT_LT(list().size(), left) << "each gets on";
  }
  EXPECT_GE(cookies.size(), 3U);
  for (std::size_t i = 0; i < cookies.size(); ++i)
    EXPECT_EQ(is_live(cookies[i]), i + 2 >= cookies.size()) << i;
}

TEST_P(ManagerOwners, ToRefuseALoginAsManyAsMayBeAreCounted) {
  options.deadline = 60s;
  for (int i = 0; i < 3000; ++i) login();
  options.max_sessions_per_owner = 2;
  options.at_owner_limit = AtOwnerLimit::refuse;
  restart();
  manager(), store->reset_counts();
  EXPECT_FALSE(request({}, [](Session& s) { s.set_owner("alice"); }).result);
  EXPECT_LE(store->count(Verb::load), 128U);
}

// Those that nobody can see or end are no reason to stop before the ones that count.
TEST_P(ManagerOwners, ThousandsOfWhatHasEndedHideNoneThatLives) {
  for (const auto action : {AtOwnerLimit::end_oldest, AtOwnerLimit::refuse}) {
    auto on_event = std::move(options.on_event);
    options = {};
    options.on_event = std::move(on_event);
    options.store = GetParam() ? std::make_shared<Blocking>(store) : StorePtr(store);
    options.deadline = 60s;
    restart();
    for (int i = 0; i < 2500; ++i)
      static_cast<void>(
          request({}, [](Session& s) { s.set_owner("alice", {.idle = 48h, .absolute = 48h}); }));
    options.longest_login = 1h;
    options.absolute_timeout = 1h;
    options.max_sessions_per_owner = 3;
    options.at_owner_limit = action;
    restart();
    advance(1h);
    for (int i = 0; i < 6; ++i) {
      static_cast<void>(request({}, [](Session& s) { s.set_owner("alice"); }));
      advance(1s);
    }
    EXPECT_EQ(list().size(), 3U);
    ASSERT_TRUE(manager().end_all("alice"));
  }
}

TEST_P(ManagerOwners, SixtyFourLoginsAtOnceLeaveExactlyTheLimit) {
  for (const auto action : {AtOwnerLimit::end_oldest, AtOwnerLimit::refuse}) {
    restart();
    options.max_sessions_per_owner = 3;
    options.at_owner_limit = action;
    options.deadline = 60s;
    ASSERT_TRUE(manager().end_all("alice"));
    std::vector<std::thread> threads;
    for (int i = 0; i < 64; ++i)
      threads.emplace_back([this] {
        auto session = manager().load({}, Need::write);
        session->set_owner("alice");
        static_cast<void>(manager().commit(*session));
      });
    for (auto& each : threads) each.join();
    EXPECT_EQ(list().size(), 3U);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, ManagerOwners, testing::Bool(), [](const auto& each) {
  return each.param ? "that_blocks" : "that_never_blocks";
});

}  // namespace
}  // namespace flame::session
