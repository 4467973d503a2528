#include "session/plan/write_flow.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "planning.hpp"

namespace flame::session {
namespace {

using namespace tests;

const Given one{.contents = {.values = {{"a", 1}}}};
const Failure lost{{Errc::store_unavailable, "lost"}, true};
/// The connection was lost before it was sent.
const Failure unsent{.error = {Errc::store_unavailable, "unsent"}, .lost = true};

/// A flow, and the hand that answers what it asks.
struct Driven {
  Planner planner{};
  std::vector<Unit> units{};
  std::vector<Unit*> pointers{};
  std::optional<WriteFlow> flow{};
  std::optional<StoreOp> op{};  // none: the flow has ended
  TimePoint now = at(10);

  explicit Driven(const std::optional<Given>& base, std::vector<Wish> wishes) {
    for (const auto& wish : wishes) units.push_back(planner.unit(wish));
    for (auto& unit : units) {
      unit.fresh.reset();
      pointers.push_back(&unit);
    }
    flow.emplace(planner.context, planner.random,
                 base ? &planner.base(planner.record(*base)) : nullptr, pointers);
    next();
  }

  void next() {
    if (!op) op.emplace();
    if (!flow->next(*op, now)) op.reset();
  }
  void answer(Outcome outcome) {
    op->outcome = outcome;
    flow->answer(*op, std::nullopt, now);
    next();
  }
  void answer(Outcome outcome, Record newest) {
    op->record = std::move(newest);
    answer(outcome);
  }
  void fail(const Failure& failure) {
    flow->answer(*op, failure, now);
    next();
  }
  /// What another request wrote meanwhile, with these tokens before and at last.
  Record written_by_others(const Given& given, std::vector<WriteToken> tokens) const {
    return planner.record(given, std::move(tokens));
  }
  std::string op_text() const {
    if (!op) return "end";
    if (op->verb == Verb::load) return "load";
    return (op->verb == Verb::create ? "create " : "replace ") + planner.print(op->record, units);
  }
  std::string results() const {
    std::string out;
    for (const auto& unit : units) out += (out.empty() ? "" : " | ") + planner.print(unit);
    return out;
  }
};

TEST(WriteFlow, ReplaceExpectsTheTokenOfItsBase) {
  Driven flow(one, {{.edit = set("b", 2)}});
  ASSERT_EQ(flow.op_text(), "replace {a:1 b:2} 0/0/1000 id=same");
  EXPECT_EQ(flow.op->expected, WriteToken{1});
  flow.answer(Outcome::done);
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "applied");
}

TEST(WriteFlow, NothingToWriteMustHoldForTheNewestRecord) {
  Driven flow(one, {{.edit = [](Session& s) { s.erase("x"); }}});
  ASSERT_EQ(flow.op_text(), "load");
  flow.answer(Outcome::done, flow.written_by_others({.contents = one.contents}, {WriteToken{1}}));
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "unchanged");
}

TEST(WriteFlow, WhatIsToBeErasedMayHaveComeMeanwhile) {
  Driven flow(one, {{.edit = [](Session& s) { s.erase("x"); }}});
  ASSERT_EQ(flow.op_text(), "load");
  flow.answer(Outcome::done, flow.written_by_others({.contents = {.values = {{"a", 1}, {"x", 2}}}},
                                                    {WriteToken{1}, WriteToken{2}}));
  EXPECT_EQ(flow.op_text(), "replace {a:1} 0/0/1000 id=same");
}

TEST(WriteFlow, AConflictAppliesTheSameChangesToTheNewest) {
  Driven flow(one, {{.edit = add("a", 5)}, {.edit = set("b", 2)}});
  const auto first = flow.op->record.token;
  flow.answer(Outcome::conflict,
              flow.written_by_others({.contents = {.values = {{"a", 100}, {"c", 3}}}},
                                     {WriteToken{1}, WriteToken{2}}));
  ASSERT_EQ(flow.op_text(), "replace {a:105 b:2 c:3} 0/0/1000 id=same");
  EXPECT_EQ(flow.op->expected, WriteToken{2});
  EXPECT_NE(flow.op->record.token, first);
  flow.answer(Outcome::done);
  EXPECT_EQ(flow.results(), "applied | applied");
}

TEST(WriteFlow, AConflictWithANewIdDropsTheChangesButNotALogin) {
  for (const auto& [wish, result] : {std::pair<Wish, std::string>{{.edit = set("b", 2)}, "dropped"},
                                     {{.edit = login("x")}, "lost_login"}}) {
    Driven flow(one, {wish});
    flow.planner.id =
        flow.planner.other_id.with_key(flow.planner.id.key());  // what others made of it
    flow.answer(Outcome::conflict, flow.written_by_others(one, {WriteToken{2}}));
    EXPECT_EQ(flow.op_text(), "end");
    EXPECT_EQ(flow.results(), result);
  }
}

TEST(WriteFlow, WhatCannotBeReadOrHasExpiredHasEnded) {
  for (const int kind : {0, 1, 2}) {
    Driven flow(one, {{.edit = set("b", 2)}});
    auto newest = flow.written_by_others(one, {WriteToken{2}});
    if (kind == 0) newest.blob[3] = 3;
    if (kind == 1) newest.blob.pop_back();
    if (kind == 2) newest.expires_at = flow.now;
    flow.answer(Outcome::conflict, newest);
    EXPECT_EQ(flow.op_text(), "end");
    EXPECT_EQ(flow.results(), "dropped");
  }
}

TEST(WriteFlow, MissingHasEndedForEachUnit) {
  Driven flow(one, {{.edit = set("b", 2)}, {.edit = login("x")}});
  flow.answer(Outcome::missing);
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "dropped | lost_login");
  EXPECT_EQ(flow.flow->take_newest().token, WriteToken{});
}

TEST(WriteFlow, RefusedFailsWhatWasToBeWritten) {
  Driven flow(one, {{.edit = set("b", 2)}, {.edit = throws}});
  flow.fail(failure_in({.verb = Verb::replace, .outcome = Outcome::refused}).value());
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "failed 3 | failed 6");
}

TEST(WriteFlow, ConflictsAreBounded) {
  Driven flow(one, {{.edit = set("b", 2)}});
  int tries = 0;
  for (std::uint64_t token = 2; flow.op; ++token, ++tries) {
    ASSERT_LE(tries, max_conflicts);
    flow.answer(Outcome::conflict, flow.written_by_others(one, {WriteToken{token}}));
  }
  EXPECT_EQ(tries, max_conflicts);
  EXPECT_EQ(flow.results(), "failed 3");
}

TEST(WriteFlow, ATakenKeyDrawsAnotherId) {
  Driven flow({}, {{.edit = set("a", 1), .presence = Presence::absent}});
  std::set<std::string> keys{to_string(flow.op->record.key)};
  std::set<WriteToken> tokens{flow.op->record.token};
  for (int i = 0; i < 3; ++i) {
    flow.answer(Outcome::exists);
    EXPECT_EQ(flow.op->outcome, Outcome::unanswered);
    keys.insert(to_string(flow.op->record.key));
    tokens.insert(flow.op->record.token);
  }
  flow.fail(unsent);  // also after a failure: nobody knows what became of the try before
  keys.insert(to_string(flow.op->record.key));
  EXPECT_EQ(keys.size(), 5U);
  EXPECT_EQ(tokens.size(), 4U);
  const auto key = flow.op->record.key;
  flow.answer(Outcome::done);
  EXPECT_EQ(flow.results(), "applied created new_id");
  EXPECT_EQ(flow.units[0].result.new_id->key(), key);
}

TEST(WriteFlow, ARandomSourceThatRepeatsItselfEndsInAnError) {
  Driven flow({}, {{.edit = set("a", 1), .presence = Presence::absent}});
  int tries = 0;
  for (; flow.op; ++tries) {
    ASSERT_LE(tries, max_conflicts);
    flow.answer(Outcome::exists);
  }
  EXPECT_EQ(flow.results(), "failed 7");
}

TEST(WriteFlow, NoRandomBytesNoId) {
  Planner planner;
  planner.random.fail();
  auto unit = planner.unit({.edit = set("a", 1), .presence = Presence::absent, .no_random = true});
  Unit* pointer = &unit;
  WriteFlow flow(planner.context, planner.random, nullptr, std::span(&pointer, 1));
  StoreOp op;
  EXPECT_FALSE(flow.next(op, born));
  EXPECT_EQ(planner.print(unit), "failed 7");
}

TEST(WriteFlow, ALostReplyOfWhatWasAppliedIsFoundByItsToken) {
  Driven flow(one, {{.edit = add("a", 5)}});
  const auto written = flow.op->record;
  flow.fail(lost);
  ASSERT_EQ(flow.op_text(), "load");
  EXPECT_EQ(flow.op->record.key, flow.planner.id.key());
  flow.answer(Outcome::done, written);
  EXPECT_EQ(flow.op_text(), "end") << "written once, and not again";
  EXPECT_EQ(flow.results(), "applied");
}

TEST(WriteFlow, ItsTokenIsFoundAlsoBehindSevenWritesOfOthers) {
  Driven flow(one, {{.edit = add("a", 5)}});
  std::vector<WriteToken> tokens{WriteToken{1}, flow.op->record.token};
  flow.fail(lost);
  for (std::uint64_t n = 100; n < 107; ++n) tokens.push_back(WriteToken{n});
  flow.answer(Outcome::done, flow.written_by_others(one, tokens));
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "applied");
}

TEST(WriteFlow, BehindEightItIsUnknownAndNeverSentAgain) {
  for (const bool by_conflict : {false, true}) {
    Driven flow(one, {{.edit = add("a", 5)}});
    std::vector<WriteToken> tokens{WriteToken{1}, flow.op->record.token};
    flow.fail(lost);
    if (by_conflict) flow.answer(Outcome::done, flow.written_by_others(one, {WriteToken{1}}));
    for (std::uint64_t n = 100; n < 108; ++n) tokens.push_back(WriteToken{n});
    flow.answer(by_conflict ? Outcome::conflict : Outcome::done,
                flow.written_by_others(one, tokens));
    EXPECT_EQ(flow.op_text(), "end");
    EXPECT_EQ(flow.results(), "failed 1");
    EXPECT_NE(flow.units[0].result.error.text.find("unknown"), std::string::npos);
  }
}

TEST(WriteFlow, WhatWasNotAppliedIsSentAgainOnTheNewest) {
  Driven flow(one, {{.edit = add("a", 5)}});
  flow.fail(lost);
  flow.answer(Outcome::done, flow.written_by_others({.contents = {.values = {{"a", 7}}}},
                                                    {WriteToken{1}, WriteToken{2}}));
  ASSERT_EQ(flow.op_text(), "replace {a:12} 0/0/1000 id=same");
  // That try was settled for good: many writes later nothing is unknown.
  std::vector<WriteToken> tokens;
  for (std::uint64_t n = 100; n < 110; ++n) tokens.push_back(WriteToken{n});
  flow.answer(Outcome::conflict,
              flow.written_by_others({.contents = {.values = {{"a", 8}}}}, tokens));
  ASSERT_EQ(flow.op_text(), "replace {a:13} 0/0/1000 id=same");
  flow.answer(Outcome::done);
  EXPECT_EQ(flow.results(), "applied");
}

TEST(WriteFlow, AnUnknownTryThatComesLateIsFoundInTheConflict) {
  Driven flow(one, {{.edit = add("a", 5)}});
  const auto late = flow.op->record;
  flow.fail(lost);
  flow.answer(Outcome::done, flow.written_by_others(one, {WriteToken{1}}));  // not there yet
  ASSERT_EQ(flow.op_text(), "replace {a:6} 0/0/1000 id=same");
  flow.answer(Outcome::conflict, late);
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "applied");
}

TEST(WriteFlow, ARegenerateKeepsItsIdOverTries) {
  Driven flow(one, {{.edit = regenerate}});
  const auto id = flow.units[0].fresh;
  const auto late = flow.op->record;
  flow.fail(lost);
  flow.answer(Outcome::done, flow.written_by_others(one, {WriteToken{1}}));
  EXPECT_EQ(flow.units[0].fresh->text(), id->text());
  flow.answer(Outcome::conflict, late);
  EXPECT_EQ(flow.results(), "applied new_id");
}

TEST(WriteFlow, UnsentIsSentAgainWithoutSettling) {
  Driven flow(one, {{.edit = add("a", 5)}});
  flow.fail(unsent);
  ASSERT_EQ(flow.op_text(), "replace {a:6} 0/0/1000 id=same");
  flow.answer(Outcome::done);
  EXPECT_EQ(flow.results(), "applied");
}

TEST(WriteFlow, FailuresAreBoundedAndSayWhatIsKnown) {
  for (const bool maybe_applied : {false, true}) {
    Driven flow(one, {{.edit = set("b", 2)}, {.edit = throws}});
    int failures = 0;
    for (; flow.op; ++failures) {
      ASSERT_LE(failures, max_store_failures);
      flow.fail(maybe_applied ? lost : unsent);
    }
    EXPECT_EQ(failures, max_store_failures);
    EXPECT_EQ(flow.results(), "failed 1 | failed 6");
    EXPECT_EQ(flow.units[0].result.error.text.find("unknown") != std::string::npos, maybe_applied);
  }
}

TEST(WriteFlow, StoppedEndsAtOnce) {
  Driven flow(one, {{.edit = set("b", 2)}});
  flow.fail({{Errc::stopped, "stopped"}, false});
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "failed 4");
}

TEST(WriteFlow, ABaseThatKnowsOnlyItsKeyIsReadFirst) {
  Planner planner;
  Base bare;
  bare.record.key = planner.id.key();
  auto unit = planner.unit({.edit = add("a", 5)});
  Unit* pointer = &unit;
  WriteFlow flow(planner.context, planner.random, &bare, std::span(&pointer, 1));
  StoreOp op;
  ASSERT_TRUE(flow.next(op, at(10)));
  EXPECT_EQ(op.verb, Verb::load);
  op.record = planner.record(one, {WriteToken{3}});
  op.outcome = Outcome::done;
  flow.answer(op, std::nullopt, at(10));
  ASSERT_TRUE(flow.next(op, at(10)));
  EXPECT_EQ(op.verb, Verb::replace);
  EXPECT_EQ(op.expected, WriteToken{3});
  EXPECT_EQ(planner.print(op.record, {&unit, 1}), "{a:6} 0/0/1000 id=same");
}

TEST(WriteFlow, ARepeatThatConflictsWithItselfWasApplied) {
  Driven flow(one, {{.edit = add("a", 5)}});
  const auto written = flow.op->record;  // the store's driver sent it twice
  flow.answer(Outcome::conflict, written);
  EXPECT_EQ(flow.op_text(), "end");
  EXPECT_EQ(flow.results(), "applied");
}

TEST(WriteFlow, MissingWhileSettlingHasEnded) {
  Driven flow(one, {{.edit = set("b", 2)}});
  flow.fail(lost);
  flow.answer(Outcome::missing);
  EXPECT_EQ(flow.results(), "dropped");
}

TEST(WriteFlow, WhatTheStoreLeftOfAWriteIsTheNewest) {
  Driven left(one, {{.edit = set("b", 2)}});
  left.answer(Outcome::done);
  EXPECT_EQ(left.planner.print(left.flow->take_newest(), left.units), "{a:1 b:2} 0/0/1000 id=same");

  Driven moved_out(one, {{.edit = set("b", 2)}});
  moved_out.op->record.blob.clear();
  moved_out.answer(Outcome::done);
  EXPECT_EQ(moved_out.flow->take_newest().token, WriteToken{});

  Driven after_conflict(one, {{.edit = set("b", 2)}});
  after_conflict.answer(Outcome::conflict, after_conflict.written_by_others(one, {WriteToken{2}}));
  after_conflict.op->record.blob.clear();
  after_conflict.answer(Outcome::done);
  EXPECT_EQ(after_conflict.flow->take_newest().token, WriteToken{}) << "that is not the newest now";

  Driven swapped(one, {{.edit = set("b", 2)}});
  swapped.answer(Outcome::done, swapped.written_by_others(one, {WriteToken{1}}));
  EXPECT_EQ(swapped.flow->take_newest().token, WriteToken{});
}

TEST(WriteFlow, TheNewestIsKeptForWhoClaims) {
  const Given flashed{.contents = {.values = {{"a", 1}}, .flash = encode(9)}};
  Driven claimed(flashed, {{.claims_flash = true}});
  claimed.answer(Outcome::done, {});  // the store moved it out
  EXPECT_EQ(claimed.planner.print(claimed.flow->take_newest(), claimed.units),
            "{a:1} 0/0/1000 id=same");
  EXPECT_EQ(claimed.results(), "applied claimed=9");

  Driven beaten(flashed, {{.claims_flash = true}});
  beaten.answer(Outcome::conflict,
                beaten.written_by_others({.contents = {.values = {{"a", 2}}}}, {WriteToken{2}}));
  EXPECT_EQ(beaten.op_text(), "end");
  EXPECT_EQ(beaten.planner.print(beaten.flow->take_newest(), beaten.units),
            "{a:2} 0/0/1000 id=same");
  EXPECT_EQ(beaten.results(), "unchanged");

  Driven failed(flashed, {{.claims_flash = true}});
  for (int i = 0; i < 3; ++i) failed.fail(unsent);
  EXPECT_EQ(failed.flow->take_newest().token, WriteToken{});

  Driven found(flashed, {{.claims_flash = true}});
  const auto written = found.op->record;
  found.fail(lost);
  found.answer(Outcome::done, written);
  EXPECT_EQ(found.planner.print(found.flow->take_newest(), found.units), "{a:1} 0/0/1000 id=same");
  EXPECT_EQ(found.results(), "applied claimed=9");
}

TEST(WriteFlow, ALoginOfUnknownOutcomeIsAStray) {
  Driven flow({}, {{.edit = login("x"), .presence = Presence::absent}});
  const auto first = flow.op->record;
  flow.fail(unsent);
  const auto second = flow.op->record;
  EXPECT_NE(second.key, first.key);
  flow.fail(lost);
  flow.answer(Outcome::done);
  const auto strays = flow.flow->take_strays();
  ASSERT_EQ(strays.size(), 1U);
  EXPECT_EQ(strays[0].verb, Verb::erase);
  EXPECT_EQ(strays[0].record.key, second.key);
  EXPECT_EQ(strays[0].record.owner, second.owner);
  EXPECT_TRUE(flow.flow->take_strays().empty());
}

TEST(WriteFlow, AStrayIsWhatWasSentWhateverTheStoreTookOfIt) {
  Driven flow({}, {{.edit = login("ada"), .presence = Presence::absent}});
  const auto sent = flow.op->record;
  flow.op->record = {.key = sent.key};
  flow.fail(lost);
  const auto strays = flow.flow->take_strays();
  ASSERT_EQ(strays.size(), 1U);
  EXPECT_EQ(strays[0].record.key, sent.key);
  EXPECT_EQ(strays[0].record.owner, sent.owner);
  EXPECT_EQ(strays[0].record.expires_at, sent.expires_at);
}

TEST(WriteFlow, OnlyALoginThatBeginsCanBeAStray) {
  Driven visitor({}, {{.edit = set("b", 2), .presence = Presence::absent}});
  visitor.fail(lost);
  EXPECT_TRUE(visitor.flow->take_strays().empty());
  Driven change(one, {{.edit = login("x")}});
  change.fail(lost);
  EXPECT_TRUE(change.flow->take_strays().empty());
}

}  // namespace
}  // namespace flame::session
