// What the calling program gets wrong is an error that says how, and nothing is done.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <flame/session/test_support/inline_executor.hpp>
#include <flame/session/test_support/stepped_store.hpp>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using tests::ManagerTest;

/// Of a memory store, though it is said to block.
class Blocking : public Store {
 public:
  std::unique_ptr<StoreConnection> make_connection() override { return inner_->make_connection(); }
  StoreTraits traits() const noexcept override { return {}; }

 private:
  StorePtr inner_ = memory::store();
};

/// Makes no connections.
class Unconnected : public Store {
 public:
  explicit Unconnected(bool blocking) : blocking_(blocking) {}
  std::unique_ptr<StoreConnection> make_connection() override { return nullptr; }
  StoreTraits traits() const noexcept override { return {.blocking = blocking_}; }

 private:
  bool blocking_;
};

class Misuse : public ManagerTest {
 protected:
  void expect_misuse(const Result<ResponseFields>& result, std::string_view said) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::misuse);
    EXPECT_NE(result.error().text.find(said), std::string::npos) << result.error().text;
  }
  static constexpr std::string_view once = "commit each Session once";
  static constexpr std::string_view moved_from = "this Session was moved from";

  /// Each change that there is.
  static std::vector<std::function<void(Session&)>> changes() {
    return {[](Session& s) { s.set("n", 9); },
            [](Session& s) { s.update("n", 0, [](int) { return 9; }); },
            [](Session& s) { s.erase("n"); },
            [](Session& s) { s.clear(); },
            [](Session& s) { s.set_flash(9); },
            [](Session& s) { s.regenerate(); },
            [](Session& s) { s.destroy(); },
            [](Session& s) { s.set_owner("mallory"); },
            [](Session& s) { s.set_owner("mallory", {.persistent = true}); },
            [](Session& s) { static_cast<void>(s.csrf_token()); }};
  }
};

TEST_F(Misuse, ADestroyedSessionReadsAsEmptyAndTakesAFlashMessageAlone) {
  const auto alice = request({}, [](Session& s) { s.set_owner("alice"), s.set("n", 1); }).cookie();
  auto session = load(alice);
  session.set("more", 2);
  session.destroy();
  EXPECT_EQ(session.owner(), "");
  EXPECT_FALSE(session.exists());
  EXPECT_FALSE(session.key());
  EXPECT_FALSE(session.contains("n"));
  EXPECT_FALSE(session.get<int>("more"));
  EXPECT_TRUE(session.keys().empty());
  std::size_t taken = 0;
  for (const auto& change : changes()) {
    try {
      change(session);
      ++taken;
    } catch (const std::logic_error&) {
    }
  }
  EXPECT_EQ(taken, 2U) << "a flash message, and destroy() itself";
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(load(alice).owner(), "");
}

TEST_F(Misuse, ASecondCommitIsNotOneOfAnotherSession) {
  const auto alice = request({}, [](Session& s) { s.set_owner("alice"); }).cookie();
  auto session = load(alice);
  session.set("n", 2);
  EXPECT_TRUE(commit(session).result);
  expect_misuse(commit(session).result, once);
  for (const auto& change : changes()) EXPECT_THROW(change(session), std::logic_error);
  EXPECT_EQ(session.get<int>("n"), 2) << "reads go on";
  EXPECT_EQ(session.keys(), tests::Names{"n"});
  EXPECT_EQ(session.owner(), "alice");
  EXPECT_TRUE(session.exists());
  expect_misuse(commit(session).result, once);
  expect_misuse(manager().abandon(session), once);
  EXPECT_EQ(n_of(alice), 2);
  session = load(alice);
  session.set("n", 4);
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(n_of(alice), 4);
}

TEST_F(Misuse, NeitherIsTheCommitOfOneThatWasMovedFrom) {
  const auto cookie = visitor();
  auto session = load(cookie);
  auto moved = std::move(session);
  // NOLINTBEGIN(bugprone-use-after-move)
  for (const auto& change : changes()) EXPECT_THROW(change(session), std::logic_error);
  EXPECT_EQ(session.get<int>("n"), std::nullopt);
  EXPECT_FALSE(session.exists());
  expect_misuse(commit(session).result, moved_from);
  moved.set("n", 3);
  auto assigned = load();
  assigned = std::move(moved);
  expect_misuse(commit(moved).result, moved_from);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_TRUE(commit(assigned).result);
  EXPECT_EQ(n_of(cookie), 3);
}

TEST_F(Misuse, ASessionOfNoManagerIsCommittedOnceToo) {
  Session session;
  session.set("n", 7);
  EXPECT_EQ(n_of(commit(session).cookie()), 7);
  EXPECT_THROW(session.set("n", 8), std::logic_error);
  expect_misuse(commit(session).result, once);
  session = {};
  session.set("n", 9);
  EXPECT_EQ(n_of(commit(session).cookie()), 9);
}

TEST_F(Misuse, ACommitToAnotherManagerIsRefusedAndMayComeToItsOwn) {
  const auto cookie = visitor();
  Manager other({});
  ASSERT_TRUE(other.open());
  auto session = load(cookie);
  session.set("n", 2);
  expect_misuse(other.commit(session), "loaded by another Manager");
  session.set("n", 3);
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(n_of(cookie), 3);
}

TEST_F(Misuse, ARefusedCommitMayComeAgain) {
  const auto cookie = visitor();
  auto session = load(cookie);
  session.set("n", 2);
  CommitOperation operation;
  operation.session = &session;
  EXPECT_TRUE(manager().start(operation));
  expect_misuse(*operation.result, "an Operation needs an executor");
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(n_of(cookie), 2);
}

TEST_F(Misuse, ACommitNeedsASession) {
  CommitOperation operation;
  operation.executor = test_support::inline_executor();
  EXPECT_TRUE(manager().start(operation));
  expect_misuse(*operation.result, "a CommitOperation needs a session");
}

/// Of the callback that runs.
Manager* manager_now = nullptr;
Result<void> stopped_now{};

int stop_and_count(int n) {
  stopped_now = manager_now->stop();
  return n + 1;
}

void expect_refused_stop() {
  ASSERT_FALSE(stopped_now);
  EXPECT_EQ(stopped_now.error().code, Errc::misuse);
  EXPECT_NE(stopped_now.error().text.find("from a callback"), std::string::npos);
}

TEST_F(Misuse, AStopInAnUpdateIsRefused) {
  for (const bool blocking : {false, true}) {
    if (blocking) options.store = std::make_shared<Blocking>();
    restart();
    const auto cookie = visitor();
    manager_now = &manager();
    stopped_now = {};
    auto session = load(cookie);
    session.update("n", 0, [](int n) { return stop_and_count(n); });
    EXPECT_TRUE(commit(session).result);
    expect_refused_stop();
    EXPECT_EQ(n_of(cookie), 2) << "it goes on";
    EXPECT_TRUE(manager().stop()) << "the callback is over";
  }
}

TEST_F(Misuse, AStopInAnExecutorsPostIsRefused) {
  struct Stopping final : Executor {
    void post(Operation* list) noexcept override {
      stopped_now = manager_now->stop();
      test_support::inline_executor()->post(list);
    }
  } executor;
  const auto stepped = test_support::SteppedStore::make(inner, clock);
  options.store = stepped;  // its answers come on this thread, which is none of the library's
  manager_now = &manager();
  stopped_now = {};
  LoadOperation operation;
  const std::string_view line = "__Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  operation.request.cookie_lines = {&line, 1};
  operation.executor = &executor;
  operation.done = [](Operation&) noexcept {};
  ASSERT_FALSE(manager().start(operation));
  stepped->step_all();
  expect_refused_stop();
  EXPECT_TRUE(operation.result->has_value());
}

TEST_F(Misuse, AStopInOnEventIsRefused) {
  options.on_event = [](const Event&) { stopped_now = manager_now->stop(); };
  manager_now = &manager();
  stopped_now = {};
  const auto cookie = visitor();
  manager().wait_for_events();
  expect_refused_stop();
  EXPECT_EQ(n_of(cookie), 1);
}

TEST(MisuseDeath, ExitInAnUpdateEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Options options;
        options.store = std::make_shared<Blocking>();
        static Manager manager(std::move(options));  // and so exit() destroys it
        if (!manager.open()) std::_Exit(1);
        auto session = manager.load({}, Need::write);
        session->update("n", 0, [](int n) {
          std::exit(7);
          return n;
        });
        static_cast<void>(manager.commit(*session));
      },
      testing::ExitedWithCode(7), "");
}

TEST_F(Misuse, AStoreThatMakesNoConnectionIsToldSo) {
  for (const bool blocking : {false, true}) {
    Options given;
    given.store = std::make_shared<Unconnected>(blocking);
    Manager unconnected(given);
    const auto opened = unconnected.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::invalid_option);
    EXPECT_EQ(opened.error().text, "the store's make_connection() returned null: a bug of its");
    EXPECT_THROW(static_cast<void>(open_connection(*given.store, {})), StoreError);
  }
}

}  // namespace
}  // namespace flame::session
