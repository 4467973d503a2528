#include "session/plan/plan.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "planning.hpp"

namespace flame::session {
namespace {

using namespace tests;

struct Row {
  std::string what;
  std::optional<Given> base;
  std::vector<Wish> wishes;
  int now;
  std::string becomes;
};

const Given one{.contents = {.values = {{"a", 1}}}};
const Given flashed{.contents = {.values = {{"a", 1}}, .flash = encode(9)}};
const Given alices{.contents = {.values = {{"a", 1}}}, .owner = "alice"};

std::string planned(const Row& row) {
  Planner planner;
  std::vector<Unit> units;
  for (const auto& wish : row.wishes) units.push_back(planner.unit(wish));
  std::vector<Unit*> pointers;
  for (auto& unit : units) pointers.push_back(&unit);
  const Base* base = row.base ? &planner.base(planner.record(*row.base)) : nullptr;
  const auto out = plan(base, pointers, planner.context, WriteToken{99}, at(row.now));
  if (out.write == Plan::Write::replace) {
    EXPECT_EQ(out.record.key, planner.id.key()) << row.what;
  }
  if (out.write != Plan::Write::nothing) {
    EXPECT_EQ(out.record.token, WriteToken{99}) << row.what;
  }
  return planner.print(out, units);
}

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) EXPECT_EQ(planned(row), row.becomes) << row.what;
}

Wish absent(std::function<void(Session&)> edit) {
  return {.edit = edit, .presence = Presence::absent};
}

TEST(Plan, WithoutASession) {
  check({
      {"nothing", {}, {absent([](Session&) {})}, 0, "nothing | unchanged"},
      {"set creates",
       {},
       {absent(set("a", 1))},
       7,
       "create {a:1} 7/7/1007 id=fresh0 | applied created new_id"},
      {"update creates",
       {},
       {absent(add("a", 3))},
       0,
       "create {a:3} 0/0/1000 id=fresh0 | applied created new_id"},
      {"flash creates",
       {},
       {absent([](Session& s) { s.set_flash(9); })},
       0,
       "create {} flash=9 0/0/1000 id=fresh0 | applied created new_id"},
      {"login creates",
       {},
       {absent(login("bob"))},
       0,
       "create {} owner=bob 0/0/1000 id=fresh0 | applied created new_id"},
      {"login as nobody is nothing", {}, {absent(login(""))}, 0, "nothing | unchanged"},
      {"erase and clear are nothing",
       {},
       {absent([](Session& s) { s.erase("a"), s.clear(); })},
       0,
       "nothing | unchanged"},
      {"a new ID for nothing is nothing", {}, {absent(regenerate)}, 0, "nothing | unchanged"},
      {"set and erased again is nothing",
       {},
       {absent([](Session& s) { s.set("a", 1), s.erase("a"); })},
       0,
       "nothing | unchanged"},
      {"no random bytes",
       {},
       {{.edit = set("a", 1), .presence = Presence::absent, .no_random = true}},
       0,
       "nothing | failed 7"},
      {"no random bytes where none are needed",
       {},
       {{.edit = regenerate, .presence = Presence::absent, .no_random = true}},
       0,
       "nothing | unchanged"},
      {"too large",
       {},
       {absent([](Session& s) { s.set("a", std::string(80, 'x')); })},
       0,
       "nothing | failed 5"},
      {"update throws", {}, {absent(throws)}, 0, "nothing | failed 6"},
      {"who had a session gets no other", {}, {{.edit = set("a", 1)}}, 0, "nothing | dropped"},
      {"superseded: none either",
       {},
       {{.edit = set("a", 1), .presence = Presence::superseded}},
       0,
       "nothing | dropped"},
  });
}

TEST(Plan, ValuesOfALiveSession) {
  check({
      {"no wish", one, {{}}, 500, "nothing | unchanged"},
      {"set", one, {{.edit = set("b", 2)}}, 10, "replace {a:1 b:2} 0/0/1000 id=same | applied"},
      {"set again", one, {{.edit = set("a", 2)}}, 10, "replace {a:2} 0/0/1000 id=same | applied"},
      {"update", one, {{.edit = add("a", 5)}}, 10, "replace {a:6} 0/0/1000 id=same | applied"},
      {"update of another type starts anew",
       one,
       {{.edit =
             [](Session& s) {
               s.update("a", std::string("x"), [](std::string v) { return v + "yz"; });
             }}},
       10,
       "replace {a:4B} 0/0/1000 id=same | applied"},
      {"erase",
       one,
       {{.edit = [](Session& s) { s.erase("a"); }}},
       10,
       "replace {} 0/0/1000 id=same | applied"},
      {"erase of nothing",
       one,
       {{.edit = [](Session& s) { s.erase("b"); }}},
       10,
       "nothing | unchanged"},
      {"clear leaves owner and flash",
       {{.contents = {.values = {{"a", 1}}, .flash = encode(9)}, .owner = "x"}},
       {{.edit = [](Session& s) { s.clear(); }}},
       10,
       "replace {} flash=9 owner=x 0/0/1000 id=same | applied"},
      {"clear of nothing",
       Given{},
       {{.edit = [](Session& s) { s.clear(); }}},
       10,
       "nothing | unchanged"},
      {"in order",
       one,
       {{.edit =
             [](Session& s) {
               s.set("b", 1);
               s.clear();
               s.set("c", 3);
               s.erase("c");
               s.set("d", 4);
               s.update("d", 0, [](int n) { return n * 10; });
             }}},
       10,
       "replace {d:40} 0/0/1000 id=same | applied"},
      {"too large",
       one,
       {{.edit = [](Session& s) { s.set("b", std::string(60, 'x')); }}},
       10,
       "nothing | failed 5"},
      {"too large by an update",
       one,
       {{.edit =
             [](Session& s) {
               s.update("b", std::string(), [](std::string) { return std::string(99, 'x'); });
             }}},
       10,
       "nothing | failed 5"},
      {"throws", one, {{.edit = throws}}, 10, "nothing | failed 6"},
      {"loaded by an ID that is over",
       one,
       {{.edit = set("b", 2), .presents_other = true}},
       10,
       "nothing | dropped"},
      {"superseded",
       one,
       {{.edit = set("b", 2), .presence = Presence::superseded}},
       10,
       "nothing | dropped"},
      {"never loaded", one, {absent(set("b", 2))}, 10, "nothing | dropped"},
  });
}

TEST(Plan, IdsAndOwners) {
  check({
      {"regenerate",
       one,
       {{.edit = regenerate}},
       10,
       "replace {a:1} 0/0/1000 id=fresh0 prev=same<70 | applied new_id"},
      {"regenerate with values",
       one,
       {{.edit = [](Session& s) { s.regenerate(), s.set("b", 2); }}},
       10,
       "replace {a:1 b:2} 0/0/1000 id=fresh0 prev=same<70 | applied new_id"},
      {"no random bytes", one, {{.edit = regenerate, .no_random = true}}, 10, "nothing | failed 7"},
      {"login restarts the clock",
       one,
       {{.edit = login("bob")}},
       900,
       "replace {a:1} owner=bob 900/900/1900 id=fresh0 prev=same<960 | applied new_id"},
      {"the same owner is no change",
       alices,
       {{.edit = login("alice")}},
       10,
       "nothing | unchanged"},
      {"another owner",
       alices,
       {{.edit = login("bob")}},
       10,
       "replace {} owner=bob 10/10/1010 id=fresh0 prev=same<70 | applied new_id"},
      {"another owner gets what this request brings, before and after",
       {{.contents = {.values = {{"a", 1}}, .flash = encode(9)}, .owner = "alice"}},
       {{.edit = [](Session& s) { s.set("b", 2), s.set_owner("bob"), s.set("c", 3); }}},
       10,
       "replace {b:2 c:3} owner=bob 10/10/1010 id=fresh0 prev=same<70 | applied new_id"},
      {"nobody's again",
       alices,
       {{.edit = login("")}},
       10,
       "replace {} 10/10/1010 id=fresh0 prev=same<70 | applied new_id"},
      {"regenerate restarts nothing",
       alices,
       {{.edit = regenerate}},
       500,
       "replace {a:1} owner=alice 0/500/1500 id=fresh0 prev=same<560 | applied new_id"},
      {"regenerate does not shorten",
       {{.contents = one.contents, .seen = 500, .expires = 1500}},
       {{.edit = regenerate}},
       500,
       "replace {a:1} 0/500/1500 id=fresh0 prev=same<560 | applied new_id"},
      {"login that lost its ID",
       one,
       {{.edit = login("bob"), .presents_other = true}},
       10,
       "nothing | lost_login"},
      {"login, superseded",
       one,
       {{.edit = login("bob"), .presence = Presence::superseded}},
       10,
       "nothing | lost_login"},
      {"logout of the owner that lost its ID",
       one,
       {{.edit = login(""), .presents_other = true}},
       10,
       "nothing | dropped"},
      {"destroyed and signed in: destroy is final",
       one,
       {{.edit = [](Session& s) { s.set_owner("bob"), s.destroy(); }, .presents_other = true}},
       10,
       "nothing | dropped"},
      {"the previous ID stays known",
       {{.contents = one.contents, .previous_until = 11}},
       {{.edit = set("b", 2)}},
       10,
       "replace {a:1 b:2} 0/0/1000 id=same prev=other<11 | applied"},
      {"until its time",
       {{.contents = one.contents, .previous_until = 10}},
       {{.edit = set("b", 2)}},
       10,
       "replace {a:1 b:2} 0/0/1000 id=same | applied"},
      {"or the next one",
       {{.contents = one.contents, .previous_until = 60}},
       {{.edit = regenerate}},
       10,
       "replace {a:1} 0/0/1000 id=fresh0 prev=same<70 | applied new_id"},
  });
}

TEST(Plan, FlashMessages) {
  check({
      {"set",
       one,
       {{.edit = [](Session& s) { s.set_flash(5); }}},
       10,
       "replace {a:1} flash=5 0/0/1000 id=same | applied"},
      {"a later one replaces",
       flashed,
       {{.edit = [](Session& s) { s.set_flash(5); }}},
       10,
       "replace {a:1} flash=5 0/0/1000 id=same | applied"},
      {"claim",
       flashed,
       {{.claims_flash = true}},
       10,
       "replace {a:1} 0/0/1000 id=same | applied claimed=9"},
      {"claim of nothing", one, {{.claims_flash = true}}, 10, "nothing | unchanged"},
      {"claim with an ID that is over",
       flashed,
       {{.presents_other = true, .claims_flash = true}},
       10,
       "nothing | dropped"},
      {"two claims: one gets it",
       flashed,
       {{.claims_flash = true}, {.claims_flash = true}},
       10,
       "replace {a:1} 0/0/1000 id=same | applied claimed=9 | unchanged"},
      {"put back into an empty slot",
       one,
       {{.returned_flash = 9}},
       10,
       "replace {a:1} flash=9 0/0/1000 id=same | applied"},
      {"not over a newer one", flashed, {{.returned_flash = 8}}, 10, "nothing | unchanged"},
      {"put back though the ID is over",
       one,
       {{.presents_other = true, .returned_flash = 9}},
       10,
       "replace {a:1} flash=9 0/0/1000 id=same | applied"},
      {"put back, then claimed",
       one,
       {{.returned_flash = 9}, {.claims_flash = true}},
       10,
       "replace {a:1} 0/0/1000 id=same | applied | applied claimed=9"},
      {"clear leaves it",
       flashed,
       {{.edit = [](Session& s) { s.clear(); }}},
       10,
       "replace {} flash=9 0/0/1000 id=same | applied"},
      {"counts for max_bytes",
       one,
       {{.edit = [](Session& s) { s.set_flash(std::string(62, 'x')); }}},
       10,
       "nothing | failed 5"},
  });
}

TEST(Plan, SeveralUnitsInTheirOrder) {
  const Wish big{.edit = [](Session& s) { s.set("b", std::string(60, 'x')); }};
  check({
      {"different keys",
       one,
       {{.edit = set("b", 2)}, {.edit = set("c", 3)}},
       10,
       "replace {a:1 b:2 c:3} 0/0/1000 id=same | applied | applied"},
      {"the same key: the last",
       one,
       {{.edit = set("a", 2)}, {.edit = set("a", 3)}},
       10,
       "replace {a:3} 0/0/1000 id=same | applied | applied"},
      {"updates add up",
       one,
       {{.edit = add("a", 2)}, {.edit = add("a", 3)}, {.edit = add("a", 4)}},
       10,
       "replace {a:10} 0/0/1000 id=same | applied | applied | applied"},
      {"one that throws is undone alone",
       one,
       {{.edit = add("a", 2)}, {.edit = throws}, {.edit = add("a", 3)}},
       10,
       "replace {a:6} 0/0/1000 id=same | applied | failed 6 | applied"},
      {"one that grows too large is undone alone",
       one,
       {{.edit = set("c", 3)}, big, {.edit = set("d", 4)}},
       10,
       "replace {a:1 c:3 d:4} 0/0/1000 id=same | applied | failed 5 | applied"},
      {"all fail: nothing is written",
       one,
       {{.edit = throws}, big},
       10,
       "nothing | failed 6 | failed 5"},
      {"an undone login leaves owner and clock",
       one,
       {{.edit = [](Session& s) { s.set_owner("bob"), throws(s); }}, {.edit = set("b", 2)}},
       100,
       "replace {a:1 b:2} 0/100/1100 id=same | failed 6 | applied"},
      {"an undone claim leaves the message",
       flashed,
       {{.edit = throws, .claims_flash = true}, {.claims_flash = true}},
       10,
       "replace {a:1} 0/0/1000 id=same | failed 6 | applied claimed=9"},
      {"after a new ID nothing of the old one",
       one,
       {{.edit = regenerate}, {.edit = set("b", 2)}},
       10,
       "replace {a:1} 0/0/1000 id=fresh0 prev=same<70 | applied new_id | dropped"},
      {"before it, everything",
       one,
       {{.edit = set("b", 2)}, {.edit = regenerate}},
       10,
       "replace {a:1 b:2} 0/0/1000 id=fresh1 prev=same<70 | applied | applied new_id"},
      {"two new IDs: the first",
       one,
       {{.edit = regenerate}, {.edit = regenerate}},
       10,
       "replace {a:1} 0/0/1000 id=fresh0 prev=same<70 | applied new_id | dropped"},
      {"two logins: the first, and one for itself",
       one,
       {{.edit = login("bob")}, {.edit = login("bob")}},
       10,
       "replace {a:1} owner=bob 10/10/1010 id=fresh0 prev=same<70 | applied new_id | lost_login"},
  });
}

TEST(Plan, TimesMoveByStepsUpToTheAbsoluteLimit) {
  const auto seen = [](int second, int expires) {
    return Given{.contents = {.values = {{"a", 1}}}, .seen = second, .expires = expires};
  };
  const Wish write{.edit = set("a", 2)};
  check({
      {"less than a step", one, {write}, 49, "replace {a:2} 0/0/1000 id=same | applied"},
      {"a step", one, {write}, 50, "replace {a:2} 0/50/1050 id=same | applied"},
      {"not beyond the absolute limit",
       seen(8900, 9900),
       {write},
       9800,
       "replace {a:2} 0/9800/10000 id=same | applied"},
      {"the last step may be short",
       seen(8990, 9990),
       {write},
       9100,
       "replace {a:2} 0/9100/10000 id=same | applied"},
      {"at the limit nothing moves",
       seen(9000, 10000),
       {write},
       9500,
       "replace {a:2} 0/9000/10000 id=same | applied"},
      {"a login starts anew there",
       seen(9000, 10000),
       {{.edit = login("bob")}},
       9500,
       "replace {a:1} owner=bob 9500/9500/10500 id=fresh0 prev=same<9560 | applied new_id"},
      {"a second ahead is nothing",
       seen(61, 1061),
       {{.edit = set("b", 2)}},
       60,
       "replace {a:1 b:2} 0/61/1061 id=same | applied"},
      {"more than that was a wrong clock, and is set right",
       seen(3662, 4662),
       {{.edit = set("b", 2)}},
       60,
       "replace {a:1 b:2} 0/60/1060 id=same | applied"},
  });
}

TEST(DueTouch, AStepOrTheLastOneMillisecondExact) {
  using namespace std::chrono_literals;
  const auto rules = test_rules();
  const auto due = [&](int seen, int expires, TimePoint now) {
    return due_touch({{}, {}, {}, born, at(seen), at(expires), {}}, rules.lifetimes.usual, now);
  };
  EXPECT_EQ(due(0, 1000, at(50) - 1ms), std::nullopt);
  EXPECT_EQ(due(0, 1000, at(50)), at(1050));
  EXPECT_EQ(due(0, 1000, at(50) + 1ms), at(1050) + 1ms);
  EXPECT_EQ(due(8960, 9960, at(9000) - 1ms), std::nullopt) << "less than a step, and not the last";
  EXPECT_EQ(due(8960, 9960, at(9000)), at(10'000)) << "the last, though shorter than a step";
  EXPECT_EQ(due(9000, 10'000, at(9999)), std::nullopt);
}

TEST(DueTouch, AtOnceWhereAClockWasMoreThanASecondAhead) {
  using namespace std::chrono_literals;
  const auto rules = test_rules();
  const auto due = [&](TimePoint seen, TimePoint created = born) {
    return due_touch({{}, {}, {}, created, seen, seen + 1000s, {}}, rules.lifetimes.usual, at(100));
  };
  EXPECT_EQ(due(at(100)), std::nullopt);
  EXPECT_EQ(due(at(101)), std::nullopt);
  EXPECT_EQ(due(at(101) + 1ms), at(1100));
  EXPECT_EQ(due(at(86'400), at(86'400)), at(1100)) << "one that began then too";
}

TEST(DueTouch, AVisitorWhoGoesOnIsSeenOutAtTheAbsoluteLimit) {
  const auto rules = test_rules();
  // Whatever the rhythm: who asks more often than the idle timeout never ends before the absolute
  // one.
  for (const int pause : {1, 7, 40, 49, 50, 51, 333, 940}) {
    Record record{{}, {}, {}, born, born, at(1000), {}};
    int touches = 0;
    for (int now = 0; now < 10'000; now += pause) {
      ASSERT_GT(record.expires_at, at(now)) << "ended at " << now << ", asked every " << pause;
      const auto until_idle = std::min(at(now) + rules.lifetimes.usual.idle, at(10'000));
      EXPECT_GE(record.expires_at + rules.lifetimes.usual.idle / 20, until_idle - seconds(pause))
          << now;
      if (const auto next = due_touch(record, rules.lifetimes.usual, at(now))) {
        record.expires_at = *next;
        ++touches;
      }
    }
    EXPECT_EQ(record.expires_at, at(10'000)) << pause;
    EXPECT_LE(touches, 10'000 / 50 + 1) << pause;
  }
}

}  // namespace
}  // namespace flame::session
