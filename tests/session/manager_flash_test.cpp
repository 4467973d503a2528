#include <algorithm>
#include <string>
#include <utility>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerFlash : public ManagerTest {
 protected:
  std::string flashed(const std::string& message = "hello") {
    return request({}, [&](Session& s) { s.set("n", 1), s.set_flash(message); }).cookie();
  }
  struct Claimed {
    Session session{};
    Flash flash{};
  };
  /// What a request that asks for it gets, with its session.
  Claimed claim(const std::string& cookie) {
    Claimed out;
    out.session = load(cookie, Need::write, out.flash);
    return out;
  }
  /// … and looks at it.
  Session claimed(const std::string& cookie, const std::string& expected = "hello") {
    auto [session, flash] = claim(cookie);
    EXPECT_EQ(flash.get<std::string>(), expected);
    return std::move(session);
  }
  std::string message(const std::string& cookie) {
    auto [session, flash] = claim(cookie);
    auto text = flash.get<std::string>().value_or("none");
    commit(session);
    return text;
  }
};

TEST_F(ManagerFlash, IsTakenOnce) {
  const auto cookie = flashed();
  EXPECT_EQ(message(cookie), "hello");
  EXPECT_EQ(message(cookie), "none");
  EXPECT_EQ(n_of(cookie), 1);
}

TEST_F(ManagerFlash, WaitsForWhoAsks) {
  const auto cookie = flashed();
  for (int i = 0; i < 5; ++i) {
    auto session = load(cookie);
    session.set("n", i);
    session.clear();
    commit(session);
  }
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, AnotherTypeUsesItUp) {
  const auto cookie = flashed();
  auto [session, flash] = claim(cookie);
  EXPECT_EQ(flash.get<int>(), std::nullopt);
  commit(session);
  EXPECT_EQ(message(cookie), "none");
}

TEST_F(ManagerFlash, IsGoneBeforeTheHandlerRuns) {
  const auto cookie = flashed();
  auto first = claim(cookie);
  auto second = claim(cookie);
  EXPECT_EQ(first.flash.get<std::string>(), "hello");
  EXPECT_FALSE(second.flash);
  EXPECT_EQ(second.session.get<int>("n"), 1) << "the session is there all the same";
}

TEST_F(ManagerFlash, HeadPrefetchAndWhoDoesNotTellLeaveIt) {
  struct Case {
    std::string_view method, purpose;
  };
  const auto cookie = flashed();
  const std::string_view line = cookie;
  for (const auto& [method, purpose] :
       {Case{"HEAD", ""}, Case{"GET", "prefetch;anonymous-client-ip"}, Case{"GET", "prefetch"},
        Case{"GET", "PREFETCH"}, Case{"GET", "Preview"}, Case{"GET", "image"},
        Case{"GET", "script"}, Case{"GET", "style"}, Case{"GET", "font"}, Case{"GET", "Video"},
        Case{"GET", "serviceworker"}, Case{"GET", "manifest"}, Case{"", ""}}) {
    Flash flash;
    auto session = *manager().load(
        {.cookie_lines = {&line, 1}, .secure = true, .method = method, .purposes = {&purpose, 1}},
        Need::write, flash);
    EXPECT_FALSE(flash) << method << " " << purpose;
    EXPECT_TRUE(session.exists());
    commit(session);
  }
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, CostsNothingWhereThereIsNone) {
  const auto cookie = visitor();
  store->reset_counts();
  EXPECT_EQ(message(cookie), "none");
  EXPECT_EQ(message({}), "none");
  EXPECT_EQ(store->count(), 1U);
}

TEST_F(ManagerFlash, ALaterMessageReplacesAndTheHandlersOwnIsNotSeenByIt) {
  const auto cookie = flashed();
  request(cookie,
          [](Session& s) { s.set_flash(std::string("one")), s.set_flash(std::string("two")); });
  auto [session, flash] = claim(cookie);
  session.set_flash(std::string("three"));
  EXPECT_EQ(flash.get<std::string>(), "two");
  commit(session);
  EXPECT_EQ(message(cookie), "three");
}

TEST_F(ManagerFlash, AFailedHandlerPutsItBackAndSavesNothing) {
  const auto cookie = flashed();
  auto session = claimed(cookie);
  session.set("n", 2);
  const auto answer = Answer{manager().abandon(session)};
  EXPECT_TRUE(answer.result);
  EXPECT_TRUE(answer.all("Set-Cookie").empty());
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(message(cookie), "hello");
  EXPECT_EQ(message(cookie), "none");
}

TEST_F(ManagerFlash, AFailedHandlerWithoutOneCostsNothing) {
  const auto cookie = visitor();
  auto session = load(cookie);
  session.set("n", 2), session.destroy();
  store->reset_counts();
  EXPECT_TRUE(manager().abandon(session));
  EXPECT_EQ(store->count(), 0U);
  EXPECT_EQ(n_of(cookie), 1);
}

TEST_F(ManagerFlash, AFailedCommitPutsItBack) {
  const auto cookie = flashed();
  auto session = claimed(cookie);
  session.update("n", 0, [](int) -> int { throw 1; });
  EXPECT_FALSE(commit(session).result);
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, AFailingStorePutsItBackOnceItCan) {
  const auto cookie = flashed();
  auto session = claimed(cookie);
  session.set("n", 2);
  store->next(Verb::replace, Outcome::refused);
  EXPECT_EQ(commit(session).result.error().code, Errc::overloaded);
  EXPECT_EQ(message(cookie), "hello");

  const auto other = flashed();
  auto ending = claimed(other);
  ending.destroy();
  store->next(Verb::erase, Fault::fail);
  EXPECT_EQ(commit(ending).result.error().code, Errc::store_unavailable);
  EXPECT_EQ(message(other), "hello");
}

TEST_F(ManagerFlash, ItIsNotPutOverANewerOne) {
  const auto cookie = flashed("old");
  auto session = claimed(cookie, "old");
  request(cookie, [](Session& s) { s.set_flash(std::string("new")); });
  EXPECT_TRUE(manager().abandon(session));
  EXPECT_EQ(message(cookie), "new");
  EXPECT_EQ(message(cookie), "none");
  EXPECT_EQ(count(event::flash_lost), 1U);
}

TEST_F(ManagerFlash, ItGoesBackToItsSessionUnderANewId) {
  const auto cookie = flashed();
  auto session = claimed(cookie);
  const auto renewed = request(cookie, [](Session& s) { s.regenerate(); }).cookie();
  EXPECT_TRUE(manager().abandon(session));
  EXPECT_EQ(message(renewed), "hello");
}

TEST_F(ManagerFlash, WhereTheSessionIsGoneItIsLostAndTold) {
  const auto cookie = flashed();
  auto session = claimed(cookie);
  request(cookie, [](Session& s) { s.destroy(); });
  EXPECT_TRUE(manager().abandon(session));
  EXPECT_EQ(count(event::flash_lost), 1U);
  EXPECT_EQ(n_of(cookie), -1);
}

TEST_F(ManagerFlash, AClaimWhoseReplyIsLostHasOneEffect) {
  const auto cookie = flashed();
  store->next(Verb::replace, Fault::lose_reply);
  EXPECT_EQ(message(cookie), "hello");
  EXPECT_EQ(message(cookie), "none");
}

TEST_F(ManagerFlash, AClaimThatIsRefusedLeavesItAndThePageStaysUp) {
  const auto cookie = flashed();
  store->next(Verb::replace, Outcome::refused);
  {
    const auto [session, flash] = claim(cookie);
    EXPECT_EQ(session.get<int>("n"), 1);
    EXPECT_FALSE(flash);
  }
  EXPECT_EQ(count(event::flash_lost), 0U);
  EXPECT_EQ(count(event::failed), 1U) << "an operator finds out why nobody sees the message";
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, AClaimBesideALogoutSeesNoSession) {
  const auto cookie = flashed();
  store->next(Verb::replace, Outcome::missing);
  const auto [session, flash] = claim(cookie);
  EXPECT_FALSE(session.exists());
  EXPECT_FALSE(flash);
  EXPECT_EQ(count(event::id_rejected), 1U);
}

TEST_F(ManagerFlash, OneThatNobodyLookedAtGoesBackWithTheRequestsWrite) {
  const auto cookie = flashed();
  auto [session, flash] = claim(cookie);
  session.set("n", 2);
  store->reset_counts();
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(store->count(), 1U);
  EXPECT_EQ(n_of(cookie), 2);
  EXPECT_EQ(message(cookie), "hello");
  EXPECT_EQ(message(cookie), "none");
}

TEST_F(ManagerFlash, ALookIsGetOrBool) {
  for (const bool by_get : {false, true}) {
    const auto cookie = flashed();
    auto [session, flash] = claim(cookie);
    by_get ? static_cast<void>(flash.get<int>()) : static_cast<void>(static_cast<bool>(flash));
    commit(session);
    EXPECT_EQ(message(cookie), "none");
  }
}

TEST_F(ManagerFlash, WithoutChangesItGoesBackByItself) {
  const auto cookie = flashed();
  auto [session, flash] = claim(cookie);
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, ItGoesBackThoughItsRequestWasSupersededAndTheRequestDoesNot) {
  const auto cookie = flashed();
  auto [session, flash] = claim(cookie);
  session.set("n", 2);
  const auto renewed = request(cookie, [](Session& s) { s.regenerate(); }).cookie();
  EXPECT_EQ(commit(session).cookie(), "");
  EXPECT_EQ(count(event::dropped), 1U);
  EXPECT_EQ(n_of(renewed), 1);
  EXPECT_EQ(message(renewed), "hello");
}

TEST_F(ManagerFlash, AnUnreadOneGivesWayToANewOne) {
  const auto cookie = flashed("old");
  auto [session, flash] = claim(cookie);
  session.set_flash("new");
  commit(session);
  EXPECT_EQ(message(cookie), "new");
  EXPECT_EQ(count(event::flash_lost), 0U) << "as if nobody had claimed it";
}

TEST_F(ManagerFlash, AnUnreadOneOfACommitThatFailsGoesBackOnce) {
  const auto cookie = flashed();
  auto [session, flash] = claim(cookie);
  session.update("n", 0, [](int) -> int { throw 1; });
  EXPECT_FALSE(commit(session).result);
  EXPECT_EQ(message(cookie), "hello");
  EXPECT_EQ(count(event::flash_lost), 0U);
}

TEST_F(ManagerFlash, OneThatNoLongerFitsIsLostAndTheRequestIsNot) {
  options.max_bytes = 100;
  const auto cookie = flashed(std::string(60, 'x'));
  auto [session, flash] = claim(cookie);
  session.set("more", std::string(60, 'y'));
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(count(event::flash_lost), 1U);
  EXPECT_TRUE(load(cookie).contains("more"));
}

TEST_F(ManagerFlash, ADroppedSessionGivesItBack) {
  const auto cookie = flashed();
  { const auto dropped = claim(cookie); }
  { const auto dropped = claimed(cookie); }
  EXPECT_EQ(message(cookie), "hello");
  EXPECT_EQ(count(event::flash_lost), 0U);
}

TEST_F(ManagerFlash, AFlashOutlivesItsSession) {
  auto claim = this->claim(flashed());
  claim.session = {};
  EXPECT_EQ(claim.flash.get<std::string>(), "hello");
}

TEST_F(ManagerFlash, AfterTheStopADroppedOneIsTold) {
  auto dropped = claim(flashed());
  EXPECT_TRUE(manager().stop());
  dropped.session = {};
  EXPECT_EQ(manager()
                .event_counts()[static_cast<std::size_t>(
                    std::ranges::find(event::all, event::flash_lost) - event::all.begin())]
                .count,
            1U);
}

TEST_F(ManagerFlash, ASessionThatOutlivesItsManagerHarmsNothing) {
  auto kept = claim(flashed());
  restart();
  kept.session = {};
  EXPECT_EQ(kept.flash.get<std::string>(), "hello");
}

TEST_F(ManagerFlash, AClaimOfUnknownOutcomeIsTold) {
  const auto cookie = flashed();
  store->next(Verb::replace, Fault::lose_reply);
  for (const std::size_t skip : {1, 2}) store->next(Verb::load, Fault::fail, skip);
  EXPECT_FALSE(try_load(cookie, Need::flash));
  EXPECT_EQ(count(event::flash_lost), 1U);
}

TEST_F(ManagerFlash, AClaimOfUnknownOutcomeIsToldThoughItsSessionEnded) {
  const auto cookie = flashed();
  store->next(Verb::replace, Fault::lose_reply);
  store->next(Verb::load, Outcome::missing, 1);
  EXPECT_FALSE(try_load(cookie, Need::flash).value().contains("n"));
  EXPECT_EQ(count(event::flash_lost), 1U);
}

TEST_F(ManagerFlash, AClaimWhoseSessionHadEndedTookNothing) {
  const auto cookie = flashed();
  store->next(Verb::replace, Outcome::missing);
  EXPECT_TRUE(try_load(cookie, Need::flash));
  EXPECT_EQ(count(event::flash_lost), 0U);
}

TEST_F(ManagerFlash, ATestMakesAFlashByValue) {
  const auto handler = [](const Flash& flash) { return flash.get<std::string>().value_or("-"); };
  EXPECT_EQ(handler(Flash(std::string("saved"))), "saved");
  EXPECT_EQ(handler(Flash("saved")), "saved");
  EXPECT_EQ(handler(Flash(1)), "-");
  EXPECT_EQ(handler({}), "-");
}

class ManagerFarewell : public ManagerFlash {
 protected:
  std::string alice() {
    return request({}, [](Session& s) { s.set_owner("alice"), s.set("n", 1); }).cookie();
  }
  Answer say_goodbye(const std::string& cookie) {
    return request(cookie, [](Session& s) { s.destroy(), s.set_flash("signed out"); });
  }
};

TEST_F(ManagerFarewell, AMessageBesideALogoutBeginsAFreshSession) {
  for (const bool message_first : {false, true}) {
    const auto cookie = alice();
    const auto answer = request(cookie, [&](Session& s) {
      if (message_first) s.set_flash("signed out");
      s.set("n", 2), s.set_owner("mallory");
      s.destroy();
      if (!message_first) s.set_flash("signed out");
    });
    EXPECT_EQ(answer.all("Set-Cookie").size(), 1U);
    EXPECT_EQ(n_of(cookie), -1);
    const auto session = load(answer.cookie());
    EXPECT_NE(key_of(answer.cookie()), key_of(cookie));
    EXPECT_TRUE(session.exists());
    EXPECT_EQ(session.owner(), "");
    EXPECT_EQ(session.keys(), Names{});
    EXPECT_EQ(message(answer.cookie()), "signed out");
  }
}

TEST_F(ManagerFarewell, TheEraseComesFirst) {
  const auto cookie = alice();
  store->next(Verb::erase, Fault::fail);
  EXPECT_FALSE(say_goodbye(cookie).result);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(store->count(Verb::create), 1U) << "alice's own";
}

TEST_F(ManagerFarewell, WhereTheMessageFailsTheLogoutStands) {
  const auto cookie = alice();
  store->next(Verb::create, Outcome::refused);
  const auto answer = say_goodbye(cookie);
  ASSERT_TRUE(answer.result);
  EXPECT_EQ(answer.cookie(), "");
  EXPECT_EQ(answer.all("Set-Cookie").size(), 1U) << "which takes it away";
  EXPECT_EQ(n_of(cookie), -1);
  EXPECT_EQ(count(event::flash_lost), 1U);
}

TEST_F(ManagerFarewell, WhoHasNoSessionGetsTheMessageToo) {
  EXPECT_EQ(message(say_goodbye({}).cookie()), "signed out");
  store->next(Verb::create, Outcome::refused);
  EXPECT_TRUE(say_goodbye({}).result);
}

TEST_F(ManagerFarewell, WhoIsSupersededGetsNothing) {
  const auto cookie = alice();
  request(cookie, [](Session& s) { s.regenerate(); });
  EXPECT_TRUE(say_goodbye(cookie).all("Set-Cookie").empty());
}

}  // namespace
}  // namespace flame::session
