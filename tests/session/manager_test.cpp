#include <string>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerCycle : public ManagerTest {};

TEST_F(ManagerCycle, CreateLoadChangeRead) {
  const auto created = request({}, [](Session& s) {
    EXPECT_FALSE(s.exists());
    s.set("user", 123);
    s.set("name", std::string("Ada"));
  });
  EXPECT_EQ(created.all("Set-Cookie"),
            Names{"__Host-session=" + created.id() + "; Path=/; Secure; HttpOnly; SameSite=Lax"});
  const auto changed = request(created.cookie(), [](Session& s) {
    EXPECT_TRUE(s.exists());
    EXPECT_EQ(s.get<int>("user"), 123);
    EXPECT_EQ(s.keys(), (Names{"name", "user"}));
    s.erase("user");
    s.update("visits", 10, [](int n) { return n + 1; });
  });
  EXPECT_TRUE(changed.all("Set-Cookie").empty()) << "the ID is as it was";
  const auto session = load(created.cookie(), Need::read);
  EXPECT_EQ(session.keys(), (Names{"name", "visits"}));
  EXPECT_EQ(session.get<int>("visits"), 11);
  EXPECT_EQ(session.get<int>("name"), std::nullopt) << "another type";
  EXPECT_EQ(names(), Names{"created"});
}

TEST_F(ManagerCycle, EveryAccessForbidsSharedCaching) {
  const auto cookie = visitor();
  const auto edits = std::vector<std::function<void(Session&)>>{
      [](Session&) {},
      [](Session& s) { static_cast<void>(s.contains("n")); },
      [](Session& s) { static_cast<void>(s.keys()); },
      [](Session& s) { s.set("n", 2); },
      [](Session& s) { s.erase("none"); },
      [](Session& s) { s.set_flash(1); },
      [](Session& s) { s.regenerate(); },
      [](Session& s) { s.destroy(); }};
  for (const auto& from : {cookie, std::string(), std::string("__Host-session=x")})
    for (const auto& edit : edits) {
      const auto answer = request(from, edit);
      EXPECT_EQ(answer.all("Vary"), Names{"Cookie"});
      EXPECT_EQ(answer.all("Cache-Control"), Names{"no-store"});
      EXPECT_LE(answer.all("Set-Cookie").size(), 1U);
    }
}

TEST_F(ManagerCycle, StoreOperationsPerRequest) {
  const auto cookie = visitor();
  const auto operations = [&](const std::string& from, auto edit) {
    store->reset_counts();
    request(from, edit);
    return store->count();
  };
  EXPECT_EQ(operations({}, [](Session&) {}), 0U);
  EXPECT_EQ(operations("other=1",
                       [](Session& s) { s.erase("n"), s.clear(), s.regenerate(), s.destroy(); }),
            0U);
  EXPECT_EQ(operations("__Host-session=made-up", [](Session&) {}), 0U);
  EXPECT_EQ(operations({}, [](Session& s) { s.set("n", 1); }), 1U);
  EXPECT_EQ(operations(cookie, [](Session&) {}), 1U);
  EXPECT_EQ(operations(cookie, [](Session& s) { static_cast<void>(s.get<int>("n")); }), 1U);
  EXPECT_EQ(operations(cookie, [](Session& s) { s.erase("none"); }), 2U)
      << "that there is nothing to change, the newest record says";
  EXPECT_EQ(operations(cookie, [](Session& s) { s.set("n", 2); }), 2U);
  EXPECT_EQ(operations(cookie, [](Session& s) { s.regenerate(); }), 2U);
}

TEST_F(ManagerCycle, NothingStoredLeavesNoRecordAndNoCookie) {
  options.store = store = std::make_shared<FaultyStore>(memory::store({.max_sessions = 1}));
  const std::string cookies[] = {"", "a=b",
                                 "__Host-session=", "__Host-session=" + std::string(43, 'A')};
  for (const auto& cookie : cookies)
    for (int i = 0; i < 500; ++i) {
      const auto answer = request(cookie, [i](Session& s) {
        if (i % 4 == 1) s.erase("n");
        if (i % 4 == 2) s.clear(), s.regenerate();
        if (i % 4 == 3) s.destroy();
        EXPECT_FALSE(s.exists());
      });
      ASSERT_TRUE(answer.all("Set-Cookie").empty());
    }
  EXPECT_EQ(store->count(Verb::create) + store->count(Verb::replace) + store->count(Verb::touch),
            0U);
}

TEST_F(ManagerCycle, InternalNamesAreKeysLikeAnyOther) {
  const auto cookie = visitor();
  const auto before = stored(cookie);
  const std::string keys[] = {"",
                              "1",
                              "0",
                              "\x01",
                              "flash",
                              "owner",
                              "created_at",
                              "last_seen",
                              "expires_at",
                              "token",
                              "verifier",
                              "_flame",
                              "__flash__",
                              std::string("\0", 1),
                              "FLS",
                              "\xff",
                              std::string(255, 'k')};
  request(cookie, [&](Session& s) {
    for (const auto& key : keys) s.set(key, std::string("evil"));
  });
  const auto after = stored(cookie);
  EXPECT_EQ(after.owner, "");
  EXPECT_EQ(after.created_at, before.created_at);
  EXPECT_EQ(after.expires_at, before.expires_at);
  Flash flash;
  auto session = load(cookie, Need::read, flash);
  EXPECT_FALSE(flash);
  EXPECT_EQ(session.owner(), "");
  EXPECT_EQ(session.get<int>("n"), 1);
  for (const auto& key : keys) EXPECT_EQ(session.get<std::string>(key), "evil") << key;
  request(cookie, [&](Session& s) { s.clear(), s.set_flash(7); });
  EXPECT_TRUE(load(cookie).keys().empty());
  EXPECT_TRUE(load(cookie, Need::read, flash).exists());
  EXPECT_EQ(flash.get<int>(), 7);
}

TEST_F(ManagerCycle, WhatIsTooMuchIsRefusedAndNothingChanges) {
  options.max_bytes = 100;
  const auto cookie = visitor();
  request(cookie, [](Session& s) {
    EXPECT_THROW(s.set(std::string(256, 'k'), 1), ValueError);
    EXPECT_THROW(s.set("k", std::string(101, 'v')), ValueError);
    EXPECT_THROW(s.set_flash(std::string(101, 'v')), ValueError);
    EXPECT_THROW(s.set_owner(std::string(256, 'o')), ValueError);
  });
  auto session = load(cookie);
  session.set("a", std::string(60, 'v'));
  session.set("b", std::string(60, 'v'));
  const auto answer = commit(session);
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().code, Errc::too_large);
  EXPECT_EQ(load(cookie).keys(), Names{"n"});
}

TEST_F(ManagerCycle, AnUpdateThatThrowsFailsItsRequestAlone) {
  const auto cookie = visitor();
  auto bad = load(cookie), good = load(cookie);
  bad.set("x", 1);
  bad.update("n", 0, [](int) -> int { throw 1; });
  good.update("n", 0, [](int n) { return n + 1; });
  const auto answer = commit(bad);
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().code, Errc::update_failed);
  EXPECT_TRUE(commit(good).result);
  EXPECT_EQ(n_of(cookie), 2);
  EXPECT_FALSE(load(cookie).contains("x"));
}

TEST_F(ManagerCycle, ParallelRequestsMergeByKey) {
  const auto cookie = visitor();
  std::vector<Session> sessions;
  for (int i = 0; i < 20; ++i) {
    sessions.push_back(load(cookie));
    sessions.back().set("k" + std::to_string(i), i);
    sessions.back().update("n", 0, [](int n) { return n + 1; });
  }
  for (auto& session : sessions) EXPECT_TRUE(commit(session).result);
  const auto session = load(cookie);
  EXPECT_EQ(session.get<int>("n"), 21);
  EXPECT_EQ(session.keys().size(), 21U);
}

TEST_F(ManagerCycle, ACommitTakesTheChangesOut) {
  const auto cookie = visitor();
  auto session = load(cookie);
  session.update("n", 0, [](int n) { return n + 1; });
  commit(session);
  EXPECT_EQ(commit(session).result.error().code, Errc::misuse) << "empty by now";
  EXPECT_EQ(n_of(cookie), 2);
}

TEST_F(ManagerCycle, ASessionOfNoManagerCanBeCommitted) {
  Session none;
  EXPECT_TRUE(none.keys().empty());
  EXPECT_FALSE(none.erase("x"));
  none.clear();
  EXPECT_TRUE(commit(none).all("Set-Cookie").empty());
  Session some;
  some.set("n", 5);
  EXPECT_EQ(n_of(commit(some).cookie()), 5);
}

TEST_F(ManagerCycle, ThePersistentCookieAndItsRemoval) {
  options.cookie.persistent = true;
  const auto created = request({}, [](Session& s) { s.set("n", 1); });
  const auto tail = std::string("; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(created.all("Set-Cookie"), Names{created.cookie() + tail + "; Max-Age=43200"});
  const auto ended = request(created.cookie(), [](Session& s) { s.destroy(); });
  EXPECT_EQ(ended.all("Set-Cookie"), Names{"__Host-session=" + tail + "; Max-Age=0"});
}

TEST_F(ManagerCycle, PlainHttpIsOneOption) {
  options.cookie.plain_http = true;
  const std::string_view nothing;
  auto session =
      *manager().load({.cookie_lines = {&nothing, 1}, .peer = "203.0.113.7"}, Need::write);
  session.set("n", 1);
  const auto answer = commit(session);
  EXPECT_EQ(answer.all("Set-Cookie"),
            Names{"session=" + answer.id() + "; Path=/; HttpOnly; SameSite=Lax"});
  EXPECT_EQ(n_of(answer.cookie()), 1);
  EXPECT_EQ(count(event::cookie_at_risk), 0U);
}

TEST_F(ManagerCycle, ASecureCookieOverPlainHttpIsSaidOnce) {
  const auto create_from = [&](bool secure, std::string_view from) {
    auto session = *manager().load({.secure = secure, .peer = from}, Need::write);
    session.set("n", 1);
    commit(session);
    return count(event::cookie_at_risk);
  };
  EXPECT_EQ(create_from(true, "203.0.113.7"), 0U);
  EXPECT_EQ(create_from(false, "127.0.0.1"), 0U);
  EXPECT_EQ(create_from(false, "::1"), 0U);
  EXPECT_EQ(create_from(false, "203.0.113.7"), 1U);
  EXPECT_EQ(create_from(false, {}), 1U) << "who is not known may be anybody";
}

TEST_F(ManagerCycle, ASecureCookieThatNobodyGetsIsNoRisk) {
  auto session = *manager().load({.secure = false, .peer = "203.0.113.7"}, Need::write);
  commit(session);
  EXPECT_EQ(count(event::cookie_at_risk), 0U);
}

TEST_F(ManagerCycle, TheIdHeaderGoesBothWays) {
  options.id_header = "X-Session";
  auto session = *manager().load({.secure = true}, Need::write);
  session.set("n", 1);
  const auto created = commit(session);
  EXPECT_EQ(created.all("X-Session"), Names{created.id()});
  EXPECT_EQ(created.all("Vary"), Names{"Cookie, X-Session"});
  const auto by_header = [&](std::string_view id) {
    return *manager().load({.id_headers = {&id, 1}, .secure = true}, Need::write);
  };
  EXPECT_EQ(by_header(created.id()).get<int>("n"), 1);
  EXPECT_FALSE(by_header("x").exists());
  auto renewing = by_header(created.id());
  renewing.regenerate();
  const auto renewed = commit(renewing);
  EXPECT_EQ(renewed.all("X-Session"), Names{renewed.id()});
  EXPECT_FALSE(by_header(created.id()).exists());
  auto ending = by_header(renewed.id());
  ending.destroy();
  EXPECT_EQ(commit(ending).all("X-Session"), Names{""});
}

TEST_F(ManagerCycle, AHeaderThatNobodyNamedIsNotRead) {
  const auto cookie = visitor();
  const std::string_view id = std::string_view(cookie).substr(cookie.find('=') + 1);
  EXPECT_FALSE(manager().load({.id_headers = {&id, 1}, .secure = true}, Need::read)->exists());
}

TEST_F(ManagerCycle, NeitherBeforeOpenNorAfterStop) {
  Manager unopened(options, {&clock, &random});
  const auto early = unopened.load({}, Need::read);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Errc::stopped);
  unopened.wait_for_events();
  EXPECT_EQ(count("failed"), 1U);
  EXPECT_NE(told().back().text.find("call Manager::open() first"), std::string::npos);
  auto session = load(visitor());
  session.set("n", 2);
  manager().stop();
  EXPECT_EQ(commit(session).result.error().code, Errc::stopped);
  EXPECT_EQ(try_load().error().code, Errc::stopped);
  EXPECT_TRUE(count("store_down") == 0);
}

TEST_F(ManagerCycle, OpenTellsWhatTheStoreWarnsOf) {
  store->warn("it forgets all at a power cut: set appendonly yes");
  ASSERT_TRUE(manager().open());
  manager().wait_for_events();
  EXPECT_EQ(count("store_warning"), 1U);
  EXPECT_EQ(told().back().text, "it forgets all at a power cut: set appendonly yes");
}

TEST_F(ManagerCycle, OpenSaysWhatIsWrong) {
  options.cookie.name = "a b";
  Manager wrong(options, {&clock, &random});
  EXPECT_EQ(wrong.open().error().code, Errc::invalid_option);
  options.cookie.name = "session";
  store->refuse_prepare("the table is missing: create it");
  Manager refused(options, {&clock, &random});
  const auto opened = refused.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().text, "the table is missing: create it");
}

}  // namespace
}  // namespace flame::session
