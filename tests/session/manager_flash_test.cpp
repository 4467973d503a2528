#include <string>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerFlash : public ManagerTest {
 protected:
  std::string flashed(const std::string& message = "hello") {
    return request({}, [&](Session& s) { s.set("n", 1), s.set_flash(message); }).cookie();
  }
  /// What a request that asks for it gets, with its session.
  Session claim(const std::string& cookie) { return load(cookie, Need::write | Need::flash); }
  std::string message(const std::string& cookie) {
    auto session = claim(cookie);
    const auto text = session.flash().get<std::string>().value_or("none");
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
    EXPECT_FALSE(session.flash());
    session.set("n", i);
    session.clear();
    commit(session);
  }
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, AnotherTypeUsesItUp) {
  const auto cookie = flashed();
  auto session = claim(cookie);
  EXPECT_TRUE(session.flash());
  EXPECT_EQ(session.flash().get<int>(), std::nullopt);
  commit(session);
  EXPECT_EQ(message(cookie), "none");
}

TEST_F(ManagerFlash, IsGoneBeforeTheHandlerRuns) {
  const auto cookie = flashed();
  auto first = claim(cookie);
  auto second = claim(cookie);
  EXPECT_EQ(first.flash().get<std::string>(), "hello");
  EXPECT_FALSE(second.flash());
  EXPECT_EQ(second.get<int>("n"), 1) << "the session is there all the same";
}

TEST_F(ManagerFlash, HeadAndPrefetchLeaveIt) {
  const auto cookie = flashed();
  const std::string_view line = cookie;
  auto session =
      *manager().load({.cookie_lines = {&line, 1}, .secure = true, .claims_flash = false},
                      Need::write | Need::flash);
  EXPECT_FALSE(session.flash());
  EXPECT_TRUE(session.exists());
  commit(session);
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
  auto session = claim(cookie);
  session.set_flash(std::string("three"));
  EXPECT_EQ(session.flash().get<std::string>(), "two");
  commit(session);
  EXPECT_EQ(message(cookie), "three");
}

TEST_F(ManagerFlash, AFailedHandlerPutsItBackAndSavesNothing) {
  const auto cookie = flashed();
  auto session = claim(cookie);
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
  auto session = claim(cookie);
  session.update("n", 0, [](int) -> int { throw 1; });
  EXPECT_FALSE(commit(session).result);
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, AFailingStorePutsItBackOnceItCan) {
  const auto cookie = flashed();
  auto session = claim(cookie);
  session.set("n", 2);
  store->next(Verb::replace, Outcome::refused);
  EXPECT_EQ(commit(session).result.error().code, Errc::overloaded);
  EXPECT_EQ(message(cookie), "hello");

  const auto other = flashed();
  auto ending = claim(other);
  ending.destroy();
  store->next(Verb::erase, Fault::fail);
  EXPECT_EQ(commit(ending).result.error().code, Errc::store_unavailable);
  EXPECT_EQ(message(other), "hello");
}

TEST_F(ManagerFlash, ItIsNotPutOverANewerOne) {
  const auto cookie = flashed("old");
  auto session = claim(cookie);
  request(cookie, [](Session& s) { s.set_flash(std::string("new")); });
  EXPECT_TRUE(manager().abandon(session));
  EXPECT_EQ(message(cookie), "new");
  EXPECT_EQ(message(cookie), "none");
  EXPECT_EQ(count(event::flash_lost), 1U);
}

TEST_F(ManagerFlash, ItGoesBackToItsSessionUnderANewId) {
  const auto cookie = flashed();
  auto session = claim(cookie);
  const auto renewed = request(cookie, [](Session& s) { s.regenerate(); }).cookie();
  EXPECT_TRUE(manager().abandon(session));
  EXPECT_EQ(message(renewed), "hello");
}

TEST_F(ManagerFlash, WhereTheSessionIsGoneItIsLostAndTold) {
  const auto cookie = flashed();
  auto session = claim(cookie);
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

TEST_F(ManagerFlash, AClaimThatFailsIsAnErrorAndLeavesIt) {
  const auto cookie = flashed();
  store->next(Verb::replace, Fault::refuse);
  const auto failed = try_load(cookie, Need::flash);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::store_unavailable);
  EXPECT_EQ(message(cookie), "hello");
}

TEST_F(ManagerFlash, AClaimBesideALogoutSeesNoSession) {
  const auto cookie = flashed();
  store->next(Verb::replace, Outcome::missing);
  const auto session = claim(cookie);
  EXPECT_FALSE(session.exists());
  EXPECT_FALSE(session.flash());
  EXPECT_EQ(count(event::id_rejected), 1U);
}

}  // namespace
}  // namespace flame::session
