// What a login brings of its own: lifetimes, a cookie that outlives the browser, a label.
#include <string>

#include "manager_fixture.hpp"
#include "record/base.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerTerms : public ManagerTest {
 protected:
  Answer login(Login terms, const std::string& cookie = {}, const std::string& owner = "alice") {
    return request(cookie, [&](Session& s) { s.set("n", 1), s.set_owner(owner, terms); });
  }
  /// Of the only cookie: "", where it ends with the browser.
  static std::string max_age(const Answer& answer) {
    const auto text = answer.all("Set-Cookie").at(0);
    const auto at = text.find("; Max-Age=");
    return at == std::string::npos ? "" : text.substr(at + 10);
  }
  std::chrono::milliseconds left(const std::string& cookie) {
    return stored(cookie).expires_at - now();
  }
  Header header(const std::string& cookie) {
    record_ = stored(cookie);
    Header out;
    std::string_view payload;
    EXPECT_EQ(open_envelope(record_.blob, record_.key, out, payload), Opened::done);
    return out;
  }
  std::string last_text(std::string_view name) {
    std::string out;
    for (const auto& each : told())
      if (each.name == name) out = each.text;
    return out;
  }

 private:
  Record record_{};
};

TEST_F(ManagerTerms, LoadAndExpiryFollowTheLogin) {
  const auto alice = login({.idle = 2h, .absolute = 5h}).cookie();
  EXPECT_EQ(left(alice), 2h);
  advance(2h - 1s);
  EXPECT_EQ(n_of(alice), 1) << "Options::idle_timeout is 30 min";
  read(alice);
  EXPECT_EQ(left(alice), 2h) << "so a touch";
  advance(2h - 1s);
  request(alice, [](Session& s) { s.set("n", 2); });
  EXPECT_EQ(left(alice), 1h + 2s) << "the absolute timeout comes first";
  advance(1h + 1s);
  EXPECT_EQ(n_of(alice), 2);
  advance(1s);
  EXPECT_EQ(n_of(alice), -1);
}

TEST_F(ManagerTerms, AShorterLoginEndsEarlier) {
  const auto alice = login({.idle = 1min, .absolute = 2min}).cookie();
  advance(1min);
  EXPECT_EQ(n_of(alice), -1);
}

TEST_F(ManagerTerms, ATouchIsDueByItsOwnIdleTimeout) {
  const auto alice = login({.idle = 200min}).cookie();
  store->reset_counts();
  advance(9min);
  read(alice);
  EXPECT_EQ(store->count(), 1U) << "a load";
  advance(1min);
  read(alice);
  EXPECT_EQ(store->count(), 3U) << "and a touch: a twentieth of 200 min";
}

TEST_F(ManagerTerms, PersistentAloneMeansThatIdleIsAbsolute) {
  const auto answer = login({.persistent = true});
  EXPECT_EQ(max_age(answer), "43200");
  EXPECT_EQ(left(answer.cookie()), 12h);
  advance(12h - 1s);
  EXPECT_EQ(n_of(answer.cookie()), 1);
  advance(1s);
  EXPECT_EQ(n_of(answer.cookie()), -1);
}

TEST_F(ManagerTerms, MaxAgeIsWhatIsLeftOfTheAbsoluteTimeout) {
  const auto answer = login({.absolute = 30 * 24h, .persistent = true});
  EXPECT_EQ(max_age(answer), "2592000");
  advance(10 * 24h);
  const auto renewed = request(answer.cookie(), [](Session& s) { s.regenerate(); });
  EXPECT_EQ(max_age(renewed), "1728000");
  EXPECT_EQ(n_of(renewed.cookie()), 1);
}

TEST_F(ManagerTerms, OneLoginMayBePersistentAndAnotherNot) {
  options.cookie.persistent = true;
  EXPECT_EQ(max_age(login({.persistent = false})), "");
  EXPECT_EQ(max_age(login({})), "43200");
  EXPECT_EQ(max_age(request({}, [](Session& s) { s.set_owner("bob"); })), "43200");
}

TEST_F(ManagerTerms, AnotherLoginHasTermsOfItsOwnAndSignsOutOfTheOld) {
  const auto alice = login({.idle = 2h, .label = "old"}).cookie();
  const auto bob = request(alice, [](Session& s) { s.set_owner("bob"); }).cookie();
  EXPECT_EQ(header(bob).terms, Terms{});
  const auto nobody =
      request(login({.idle = 2h}).cookie(), [](Session& s) { s.set_owner(""); }).cookie();
  advance(30min - 1s);
  EXPECT_EQ(n_of(bob), 0);
  EXPECT_EQ(n_of(nobody), 0);
  advance(1s);  // though no write shortens what the store has
  EXPECT_EQ(n_of(bob), -1);
  EXPECT_EQ(n_of(nobody), -1);
}

TEST_F(ManagerTerms, TheSameOwnerOnOtherTermsIsALogin) {
  const auto alice = login({}).cookie();
  EXPECT_EQ(login({}, alice).cookie(), "") << "nothing new";
  EXPECT_EQ(request(alice, [](Session& s) { s.set_owner("alice"); }).cookie(), "");
  const auto remembered = login({.persistent = true}, alice);
  EXPECT_EQ(max_age(remembered), "43200");
  EXPECT_EQ(n_of(alice), -1);
  EXPECT_EQ(request(remembered.cookie(), [](Session& s) { s.set_owner("alice"); }).cookie(), "")
      << "who says nothing of terms keeps them";
  EXPECT_EQ(left(remembered.cookie()), 12h);
}

TEST_F(ManagerTerms, ALabelIsKeptThroughEveryWrite) {
  const std::string label(255, 'x');
  const auto alice = login({.label = label}).cookie();
  request(alice, [](Session& s) { s.set("n", 2); });
  const auto renewed = request(alice, [](Session& s) { s.regenerate(); }).cookie();
  EXPECT_EQ(header(renewed).terms.label, label);
  EXPECT_EQ(load(renewed).owner(), "alice");
}

TEST_F(ManagerTerms, WhatIsOutOfBoundsIsRefusedAndChangesNothing) {
  options.longest_login = 24h;
  auto session = load();
  for (const auto& wrong : {Login{.idle = 0s}, Login{.idle = 24h + 1s}, Login{.absolute = -1s},
                            Login{.absolute = 24h + 1s}, Login{.label = std::string(256, 'x')}})
    EXPECT_THROW(session.set_owner("alice", wrong), ValueError);
  EXPECT_EQ(session.owner(), "");
  session.set_owner("alice", {.idle = 24h, .absolute = 24h});
  EXPECT_EQ(session.owner(), "alice");
}

TEST_F(ManagerTerms, AnIdleTimeoutThatTheAbsoluteOneForestallsIsRefused) {
  auto session = load();
  for (const auto& wrong : {Login{.idle = 12h + 1s}, Login{.idle = 12h + 1s, .persistent = true},
                            Login{.idle = 2h, .absolute = 1h}})
    EXPECT_THROW(session.set_owner("alice", wrong), ValueError);
  EXPECT_EQ(session.owner(), "");
  for (const auto& right :
       {Login{.idle = 12h}, Login{.idle = 1h, .absolute = 1h}, Login{.absolute = 1s}})
    session.set_owner("alice", right);
  Session of_no_manager;
  of_no_manager.set_owner("alice", {.idle = 24h});
  EXPECT_THROW(of_no_manager.set_owner("alice", {.idle = 2h, .absolute = 1h}), ValueError);
}

TEST_F(ManagerTerms, ABoundThatWasLoweredHoldsForOldLoginsToo) {
  const auto alice = login({.idle = 48h, .absolute = 48h}).cookie();
  options.longest_login = options.absolute_timeout = 1h;
  restart();
  advance(1h - 1s);
  EXPECT_EQ(n_of(alice), 1);
  advance(1s);
  EXPECT_EQ(n_of(alice), -1);
}

TEST_F(ManagerTerms, ExpiredSaysWhichTimeout) {
  const auto idle = visitor();
  const auto own = login({.idle = 1h, .absolute = 3h}).cookie();
  const auto long_lived = login({.idle = 12h, .absolute = 24h * 90}).cookie();
  const auto short_lived = login({.idle = 30min, .absolute = 30min}).cookie();
  const auto absolute = login({.persistent = true}).cookie();
  advance(30min);
  EXPECT_EQ(n_of(idle), -1);
  EXPECT_EQ(last_text(event::expired), "its idle timeout has passed");
  EXPECT_EQ(n_of(short_lived), -1);
  EXPECT_EQ(last_text(event::expired), "its absolute timeout has passed");
  advance(30min);
  EXPECT_EQ(n_of(own), -1);
  EXPECT_EQ(last_text(event::expired), "its idle timeout has passed");
  advance(11h);
  EXPECT_EQ(n_of(long_lived), -1);
  EXPECT_EQ(last_text(event::expired), "its idle timeout has passed")
      << "as long after its login as the usual absolute timeout";
  EXPECT_EQ(n_of(absolute), -1);
  EXPECT_EQ(last_text(event::expired), "its absolute timeout has passed");
}

TEST_F(ManagerTerms, WhoHasNeitherTermsNorApplicationIsWrittenAsReleasesBeforeReadIt) {
  EXPECT_FALSE(header(visitor()).application);
  EXPECT_FALSE(header(login({}).cookie()).application);
  EXPECT_TRUE(header(login({.label = "x"}).cookie()).application);
}

TEST_F(ManagerTerms, ALoginMayHaveWhatEverySessionHas) {
  options.longest_login = 1h;
  options.absolute_timeout = 48h;
  const auto alice = login({.absolute = 48h, .persistent = true}).cookie();
  advance(47h);
  EXPECT_EQ(n_of(alice), 1);
  EXPECT_THROW(login({.absolute = 49h}), ValueError);
}

class ManagerApplications : public ManagerTerms {};

TEST_F(ManagerApplications, AnOwnerIsTheApplicationsAtTheStore) {
  options.application = "shop";
  const auto alice = login({}).cookie();
  EXPECT_EQ(load(alice).owner(), "alice");
  EXPECT_EQ(stored(alice).owner, std::string("shop\0alice", 10));
  EXPECT_EQ(header(alice).application, "shop");
  EXPECT_EQ(stored(visitor()).owner, "");
  const std::string longest(255, 'o');
  EXPECT_EQ(load(login({}, {}, longest).cookie()).owner(), longest);
}

TEST_F(ManagerApplications, AnOwnerWithANulIsNoOtherApplications) {
  const std::string odd("shop\0alice", 10);
  const auto cookie = login({}, {}, odd).cookie();
  EXPECT_EQ(load(cookie).owner(), odd);
  EXPECT_EQ(stored(cookie).owner, std::string(1, '\0') + odd);
}

TEST_F(ManagerApplications, ARecordOfFormat1GetsItsApplicationWithItsNextRequest) {
  options.application = "shop";
  const auto alice = login({}).cookie();
  // As a release without format 2 had written it.
  auto record = stored(alice);
  Base base;
  std::string_view payload;
  ASSERT_EQ(open_header(record, {{1h, 2h}}, now(), base, payload), RecordState::readable);
  base.header.application.reset();
  std::string blob;
  begin_envelope(blob, base.header, payload.size());
  blob += payload;
  seal_envelope(blob, record.key);
  auto old = record;
  old.blob = blob;
  old.owner = "alice";
  replace_stored(old, record.token);

  auto session = load(alice);
  EXPECT_EQ(session.owner(), "alice");
  store->reset_counts();
  EXPECT_EQ(commit(session).cookie(), "");
  EXPECT_EQ(store->count(), 1U);
  EXPECT_EQ(stored(alice).owner, std::string("shop\0alice", 10));
  EXPECT_EQ(load(alice).owner(), "alice");
  read(alice);
  EXPECT_EQ(store->count(), 3U) << "once";
}

}  // namespace
}  // namespace flame::session
