// What a handler reads: the loaded values with its own changes on top, updates among them.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

int add(int n, int by) { return n + by; }
int fail(int) { throw std::runtime_error("no"); }

void count_visit(Session& s) {
  s.update(
      "visits", 0, [](int n, int by) { return add(n, by); }, 1);
}

class Reads : public ManagerTest {
 protected:
  std::string visited() {
    return request({}, [](Session& s) { s.set("visits", 41); }).cookie();
  }
};

TEST_F(Reads, ABareSessionShowsUpdates) {
  Session session;
  count_visit(session);
  EXPECT_EQ(session.get<int>("visits"), 1);
  EXPECT_TRUE(session.contains("visits"));
  EXPECT_EQ(session.keys(), Names{"visits"});
}

TEST_F(Reads, AnUpdateShowsWhatItMakesOfTheLoadedValue) {
  const auto cookie = visited();
  auto session = load(cookie);
  count_visit(session);
  EXPECT_EQ(session.get<int>("visits"), 42);
  request(cookie, count_visit);
  count_visit(session);
  EXPECT_EQ(session.get<int>("visits"), 43) << "a guess, of what was loaded";
  EXPECT_TRUE(commit(session).result);
  EXPECT_EQ(session.get<int>("visits"), 43) << "and it stays";
  EXPECT_EQ(load(cookie).get<int>("visits"), 44);
}

TEST_F(Reads, UpdatesStandOnTheChangesBeforeThem) {
  auto session = load(visited());
  session.set("visits", 1);
  count_visit(session);
  EXPECT_EQ(session.get<int>("visits"), 2);
  session.set("visits", 5);
  EXPECT_EQ(session.get<int>("visits"), 5);
  session.erase("visits");
  EXPECT_FALSE(session.contains("visits"));
  count_visit(session);
  count_visit(session);
  EXPECT_EQ(session.get<int>("visits"), 2);
  session.clear();
  EXPECT_EQ(session.keys(), Names{});
  count_visit(session);
  session.update("other", 7, [](int n) { return n; });
  EXPECT_EQ(session.keys(), (Names{"other", "visits"}));
  EXPECT_EQ(session.get<int>("visits"), 1);
  EXPECT_TRUE(session.erase("visits"));
  EXPECT_FALSE(session.erase("visits"));
}

int runs = 0;

TEST_F(Reads, AReadRunsEachUpdateOnce) {
  auto session = load(visited());
  runs = 0;
  for (int i = 0; i < 3; ++i) session.update("visits", 0, [](int n) { return ++runs, n + 1; });
  EXPECT_EQ(runs, 0) << "not before somebody looks";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(session.get<int>("visits"), 44);
  EXPECT_EQ(session.keys(), Names{"visits"});
  EXPECT_EQ(runs, 3);
}

TEST_F(Reads, ManyUpdatesOfOneKeyTakeNoStack) {
  auto session = load(visited());
  for (int i = 0; i < 200'000; ++i) count_visit(session);
  EXPECT_EQ(session.get<int>("visits"), 200'041);
}

TEST_F(Reads, WhereAnUpdateThrowsTheValueBeforeIsShownAndTheCommitFails) {
  const auto cookie = visited();
  auto session = load(cookie);
  session.update("visits", 0, [](int n) { return fail(n); });
  session.update("none", 0, [](int n) { return fail(n); });
  EXPECT_EQ(session.get<int>("visits"), 41);
  EXPECT_FALSE(session.contains("none"));
  EXPECT_EQ(session.keys(), Names{"visits"});
  const auto answer = commit(session);
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().code, Errc::update_failed);
}

TEST_F(Reads, AFallbackMayBeALiteral) {
  Session session;
  EXPECT_EQ(session.get_or("name", "guest"), "guest");
  EXPECT_EQ(session.get_or("name", std::string_view("guest")), "guest");
  EXPECT_EQ(session.get_or("name", std::string("guest")), "guest");
  session.set("name", "Ada");
  EXPECT_EQ(session.get_or("name", "guest"), "Ada");
  session.set("name", 5);
  EXPECT_EQ(session.get_or("name", "guest"), "guest");
  EXPECT_EQ(session.get_or("name", 1), 5);
}

}  // namespace
}  // namespace flame::session
