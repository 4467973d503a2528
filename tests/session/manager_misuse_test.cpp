// What the calling program gets wrong is an error that says how, and nothing is done.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include <flame/session/test_support/inline_executor.hpp>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using tests::ManagerTest;

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
};

TEST_F(Misuse, ASecondCommitIsNotOneOfAnotherSession) {
  const auto alice = request({}, [](Session& s) { s.set_owner("alice"); }).cookie();
  auto session = load(alice);
  session.set("n", 2);
  EXPECT_TRUE(commit(session).result);
  expect_misuse(commit(session).result, once);
  session.set("n", 3);
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
  session.set("n", 2);  // NOLINT(bugprone-use-after-move)
  expect_misuse(commit(session).result, once);
  moved.set("n", 3);
  auto assigned = load();
  assigned = std::move(moved);
  expect_misuse(commit(moved).result, once);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(commit(assigned).result);
  EXPECT_EQ(n_of(cookie), 3);
}

TEST_F(Misuse, ASessionOfNoManagerMayBeCommittedAgain) {
  Session session;
  for (int i = 0; i < 2; ++i) {
    session.set("n", i);
    EXPECT_EQ(n_of(commit(session).cookie()), i);
  }
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
