// A request that brings two IDs under our name: cookies of two paths, hosts or ages.
#include <string>
#include <vector>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerTwoIds : public ManagerTest {
 protected:
  /// Each order, over one line and two.
  template <class F>
  void each_way(const std::string& one, const std::string& other, F f) {
    for (const auto& [x, y] : {std::pair(one, other), std::pair(other, one)}) {
      SCOPED_TRACE(x + " before " + y);
      f(Lines{x + "; " + y});
      f(Lines{x, y});
    }
  }
  using Lines = std::vector<std::string>;

  Result<Session> try_load_lines(const Lines& lines, Flash* flash = nullptr) {
    const std::vector<std::string_view> views(lines.begin(), lines.end());
    const RequestView request{.cookie_lines = views, .secure = true, .method = "GET"};
    return flash ? manager().load(request, Need::write, *flash)
                 : manager().load(request, Need::write);
  }
  Session load_lines(const Lines& lines) {
    auto session = try_load_lines(lines);
    if (session) return std::move(*session);
    ADD_FAILURE() << session.error().text;
    return {};
  }

  std::string unknown() { return "__Host-session=" + std::string(42, 'x') + "A"; }
  std::string ended() {
    const auto cookie = visitor();
    request(cookie, [](Session& s) { s.destroy(); });
    return cookie;
  }
  std::string superseded() {
    const auto cookie = visitor();
    request(cookie, [](Session& s) { s.regenerate(); });
    return cookie;
  }
  /// The selector of a live one with a secret of nobody's.
  std::string wrong_secret() {
    auto cookie = visitor();
    for (std::size_t i = cookie.size() - 20; i < cookie.size() - 1; ++i) cookie[i] = 'x';
    return cookie;
  }
};

TEST_F(ManagerTwoIds, TheLiveOneIsOpenedBesideAnyThatIsNot) {
  for (const auto& stale : {unknown(), ended(), superseded(), wrong_secret(),
                            std::string("__Host-session=malformed")}) {
    const auto live = visitor();
    each_way(live, stale, [&](const Lines& lines) {
      auto session = load_lines(lines);
      EXPECT_TRUE(session.exists());
      session.set("n", 5);
      EXPECT_TRUE(commit(session).all("Set-Cookie").empty());
      EXPECT_EQ(n_of(live), 5);
    });
  }
  EXPECT_EQ(count(event::dup_cookie), 0U);
  EXPECT_EQ(count(event::expired), 0U) << "what the first one's record says is not the second's";
}

TEST_F(ManagerTwoIds, AnExpiredOneIsNotLive) {
  const auto stale = visitor();
  advance(30min);
  const auto live = visitor();
  each_way(live, stale, [&](const Lines& lines) { EXPECT_TRUE(load_lines(lines).exists()); });
}

TEST_F(ManagerTwoIds, ALogoutEndsTheLiveOne) {
  const auto live = visitor();
  auto session = load_lines({unknown(), live});
  session.destroy();
  EXPECT_EQ(commit(session).all("Set-Cookie").size(), 1U);
  EXPECT_EQ(n_of(live), -1);
}

TEST_F(ManagerTwoIds, OfTwoLiveOnesNeitherIsOpenedAndAWriteBeginsAnother) {
  const auto one = visitor(), other = visitor();
  std::size_t expected = 0;
  each_way(one, other, [&](const Lines& lines) {
    auto session = load_lines(lines);
    EXPECT_FALSE(session.exists());
    EXPECT_EQ(session.keys(), Names{});
    EXPECT_EQ(count(event::dup_cookie), ++expected);
    session.set("n", 7);
    const auto fresh = commit(session).cookie();
    EXPECT_EQ(n_of(fresh), 7);
    EXPECT_NE(fresh, one);
    EXPECT_NE(fresh, other);
    EXPECT_EQ(n_of(one), 1);
    EXPECT_EQ(n_of(other), 1);
  });
}

TEST_F(ManagerTwoIds, ALogoutEndsTwoLiveOnes) {
  const auto one = visitor(), other = visitor();
  auto session = load_lines({one, other});
  session.destroy();
  const auto answer = commit(session);
  EXPECT_EQ(answer.all("Set-Cookie").size(), 1U);
  EXPECT_EQ(answer.cookie(), "");
  EXPECT_EQ(n_of(one), -1);
  EXPECT_EQ(n_of(other), -1);
  EXPECT_EQ(count(event::destroyed), 2U);
}

TEST_F(ManagerTwoIds, ALogoutThatEndsOneOfTwoIsAnError) {
  const auto one = visitor(), other = visitor();
  auto session = load_lines({one, other});
  session.destroy();
  store->next(Verb::erase, Fault::fail, 1);
  EXPECT_FALSE(commit(session).result);
  EXPECT_EQ(n_of(other), 1);
}

TEST_F(ManagerTwoIds, ALoadThatFailsIsNotOneThatIsNotLive) {
  const auto live = visitor();
  each_way(live, unknown(), [&](const Lines& lines) {
    for (const std::size_t at : {0, 1}) {
      store->next(Verb::load, Fault::refuse, at);
      const auto failed = try_load_lines(lines);
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().code, Errc::store_unavailable);
    }
  });
}

TEST_F(ManagerTwoIds, NeitherIsOneThatCannotBeRead) {
  const auto live = visitor(), damaged = visitor();
  auto record = stored(damaged);
  const auto token = record.token;
  record.blob = "damaged";
  replace_stored(record, token);
  each_way(live, damaged, [&](const Lines& lines) {
    const auto failed = try_load_lines(lines);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::store_unavailable);
  });
  EXPECT_FALSE(load(damaged).exists()) << "alone it is a session that is absent";
  EXPECT_EQ(count(event::decode_failed), 1U);
}

TEST_F(ManagerTwoIds, WhereNoneIsLiveASupersededOneCounts) {
  const auto stale = superseded();
  each_way(stale, unknown(), [&](const Lines& lines) {
    auto session = load_lines(lines);
    EXPECT_FALSE(session.exists());
    session.set("n", 9);
    EXPECT_TRUE(commit(session).all("Set-Cookie").empty()) << "its changes are dropped";
  });
  each_way(ended(), unknown(), [&](const Lines& lines) {
    auto session = load_lines(lines);
    session.set("n", 9);
    EXPECT_EQ(n_of(commit(session).cookie()), 9) << "a new one";
  });
}

TEST_F(ManagerTwoIds, ThreeOpenNothing) {
  const auto live = visitor();
  auto session = load_lines({live, unknown(), ended()});
  EXPECT_FALSE(session.exists());
  EXPECT_EQ(count(event::dup_cookie), 1U);
  session.destroy();
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(n_of(live), 1);
}

TEST_F(ManagerTwoIds, TheLiveOnesMessageIsClaimed) {
  const auto live = request({}, [](Session& s) { s.set_flash("hello"); }).cookie();
  for (const Lines& lines : {Lines{live, ended()}, Lines{ended(), live}}) {
    Flash flash;
    auto session = try_load_lines(lines, &flash);
    EXPECT_TRUE(session->exists());
    EXPECT_EQ(flash.get<std::string>(), "hello");
    EXPECT_TRUE(manager().abandon(*session));
  }
}

TEST_F(ManagerTwoIds, OfTwoLiveOnesNoMessageIsClaimed) {
  const auto one = request({}, [](Session& s) { s.set_flash("hello"); }).cookie();
  Flash flash, later;
  EXPECT_TRUE(try_load_lines({one, visitor()}, &flash));
  EXPECT_FALSE(flash);
  const auto session = load(one, Need::write, later);
  EXPECT_TRUE(later);
}

}  // namespace
}  // namespace flame::session
