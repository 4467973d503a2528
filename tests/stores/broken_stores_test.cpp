#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include <flame/session/memory.hpp>
#include <flame/session/test_support/forwarding.hpp>
#include <flame/session/test_support/store_checks.hpp>

#include "test_support/meeting.hpp"

/// The conformance suite finds what is wrong with a store: each of these breaks one promise.
namespace flame::session::test_support {
namespace {

// Runs a batch on `inner` in a broken way.
using Break = void (*)(StoreConnection& inner, std::span<StoreOp> batch, const Call& call);
// Spoils a page of all keys, which was asked for after `from`.
using BreakScan = void (*)(StoreConnection& inner, std::string_view from, KeyPage& page);

class BrokenConnection final : public test_support::Forwarding {
 public:
  BrokenConnection(std::unique_ptr<StoreConnection> inner, Break broken, BreakScan of_scan)
      : Forwarding(std::move(inner)), break_(broken), break_scan_(of_scan) {}
  void run(std::span<StoreOp> batch, const Call& call) override {
    if (break_) return break_(inner(), batch, call);
    inner().run(batch, call);
  }
  KeyPage scan(std::string_view from, std::size_t limit, const Call& call) override {
    auto page = inner().scan(from, limit, call);
    if (break_scan_) break_scan_(inner(), from, page);
    return page;
  }

 private:
  Break break_;
  BreakScan break_scan_;
};

class BrokenStore final : public Store {
 public:
  explicit BrokenStore(Break broken) : break_(broken) {}
  explicit BrokenStore(BreakScan broken) : break_scan_(broken) {}
  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<BrokenConnection>(inner_->make_connection(), break_, break_scan_);
  }
  [[nodiscard]] StoreTraits traits() const noexcept override { return inner_->traits(); }

 private:
  StorePtr inner_ = memory::store();
  Break break_ = nullptr;
  BreakScan break_scan_ = nullptr;
};

template <class Broken>
std::vector<std::string> failed_checks(Broken broken) {
  std::vector<std::string> names;
  for (const auto& check : store_checks()) {
    if (!failures(check, [&] { return std::make_shared<BrokenStore>(broken); }).empty()) {
      names.emplace_back(check.name);
    }
  }
  return names;
}

template <class Broken>
void expect_found(Broken broken, std::string_view check) {
  const auto failed = failed_checks(broken);
  EXPECT_NE(std::ranges::find(failed, check), failed.end())
      << check << " passed; failed: " << ::testing::PrintToString(failed);
}

StoreOp answer(StoreConnection& inner, StoreOp op, const Call& call) {
  inner.run({&op, 1}, call);
  return op;
}

// Runs each operation as it should be, after `change` had its way with it.
template <auto change>
void one_by_one(StoreConnection& inner, std::span<StoreOp> batch, const Call& call) {
  for (auto& op : batch) {
    change(inner, op, call);
    if (op.outcome == Outcome::unanswered) inner.run({&op, 1}, call);
  }
}

TEST(BrokenStores, AWholeOneIsNot) {
  EXPECT_EQ(failed_checks(Break{}), std::vector<std::string>{});
}

void upsert(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != Verb::replace) return;
  op = answer(inner, op, call);
  if (op.outcome == Outcome::missing) {
    op.outcome = answer(inner, {Verb::create, op.record, {}, {}}, call).outcome;
  }
}
TEST(BrokenStores, FindsOneThatUpserts) {
  expect_found(one_by_one<upsert>, "ReplaceNeverCreates");
  expect_found(one_by_one<upsert>, "WhatIsErasedStaysErased");
}

void forget_the_token(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != Verb::replace) return;
  op.expected = answer(inner, {Verb::load, {.key = op.record.key}, {}, {}}, call).record.token;
}
TEST(BrokenStores, FindsOneThatForgetsTheToken) {
  expect_found(one_by_one<forget_the_token>, "ReplaceNeedsTheToken");
  expect_found(one_by_one<forget_the_token>, "FullBatches");
}

// As it was a rule for all: the later times stay, whoever wrote them.
template <Verb verb>
void never_set_back(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != verb) return;
  const auto old = answer(inner, {Verb::load, {.key = op.record.key}, {}, {}}, call).record;
  op.record.last_seen = std::max(op.record.last_seen, old.last_seen);
  op.record.expires_at = std::max(op.record.expires_at, old.expires_at);
}
TEST(BrokenStores, FindsOneThatNeverSetsBack) {
  expect_found(one_by_one<never_set_back<Verb::touch>>, "TouchSetsBackWhatIsAhead");
  expect_found(one_by_one<never_set_back<Verb::replace>>, "ReplaceSetsBackWhatIsAhead");
}

void keep_the_owner_of_what_was_written(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != Verb::replace) return;
  op.outcome = answer(inner, op, call).outcome;
  op.record.owner.clear();
}
TEST(BrokenStores, FindsOneThatTakesAPartOfWhatWasWritten) {
  expect_found(one_by_one<keep_the_owner_of_what_was_written>, "ReplaceWritesEveryField");
}

void compare_tokens_as_doubles(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != Verb::replace) return;
  const auto held = answer(inner, {Verb::load, {.key = op.record.key}, {}, {}}, call).record.token;
  const auto number = [](WriteToken token) { return static_cast<double>(token); };
  if (number(held) == number(op.expected)) op.expected = held;
}
TEST(BrokenStores, FindsOneThatComparesTokensAsDoubles) {
  expect_found(one_by_one<compare_tokens_as_doubles>, "ReplaceNeedsTheToken");
}

// Racers meet in pairs between the comparison and the write, so that it never wins by luck.
void compare_then_set(StoreConnection& inner, StoreOp& op, const Call& call) {
  static Meeting pair(2);
  if (op.verb != Verb::replace) return;
  const auto present = answer(inner, {Verb::load, {.key = op.record.key}, {}, {}}, call).record;
  pair.arrive_and_wait();
  if (present.token != op.expected) return;
  answer(inner, {Verb::erase, present, {}, {}}, call);
  answer(inner, {Verb::create, op.record, {}, {}}, call);
  op.outcome = Outcome::done;
}
TEST(BrokenStores, FindsOneThatComparesAndSetsInTwoSteps) {
  const auto checks = store_checks();
  const auto race = std::ranges::find(checks, std::string_view("OneReplaceOfATokenWins"),
                                      [](const StoreCheck& check) { return check.name; });
  ASSERT_NE(race, checks.end());
  const auto make = [] { return std::make_shared<BrokenStore>(one_by_one<compare_then_set>); };
  EXPECT_FALSE(failures(*race, make).empty());
}

void answer_expired(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb == Verb::load) op = answer(inner, op, {TimePoint{}, call.deadline});
}
TEST(BrokenStores, FindsOneThatAnswersExpiredRecords) {
  expect_found(one_by_one<answer_expired>, "ExpiryIsExact");
}

void leave_the_times_alone(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != Verb::load) return;
  op = answer(inner, op, call);
  if (op.outcome == Outcome::missing) op.record.blob.clear();
}
TEST(BrokenStores, FindsOneThatLeavesOfAnExpiredRecordItsTimesAlone) {
  expect_found(one_by_one<leave_the_times_alone>, "LoadLeavesWhatExpired");
}

void give_to_who_is_named(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != Verb::touch) return;
  auto present = answer(inner, {Verb::load, {.key = op.record.key}, {}, {}}, call);
  if (present.outcome != Outcome::done) return;
  present.record.owner = op.record.owner;
  answer(inner, {Verb::replace, present.record, present.record.token, {}}, call);
}
TEST(BrokenStores, FindsOneThatTrustsTheOwnerOfATouch) {
  expect_found(one_by_one<give_to_who_is_named>, "AnOwnerMayBeStale");
}

void expire_one_late(StoreConnection& inner, StoreOp& op, const Call& call) {
  op = answer(inner, op, {call.now - std::chrono::milliseconds{1}, call.deadline});
}
TEST(BrokenStores, FindsOneThatExpiresAMillisecondLate) {
  expect_found(one_by_one<expire_one_late>, "ExpiryIsExact");
}

void lose_the_last(StoreConnection& inner, std::span<StoreOp> batch, const Call& call) {
  inner.run(batch.size() > 1 ? batch.first(batch.size() - 1) : batch, call);
  if (batch.size() > 1) batch.back().outcome = Outcome::done;
}
TEST(BrokenStores, FindsOneThatLosesAnItemOfABatch) { expect_found(lose_the_last, "FullBatches"); }

void answer_all_but_one(StoreConnection& inner, std::span<StoreOp> batch, const Call& call) {
  inner.run(batch, call);
  if (batch.size() > 1) batch[batch.size() / 2].outcome = Outcome::unanswered;
}
TEST(BrokenStores, FindsOneThatLeavesAnItemUnanswered) {
  expect_found(answer_all_but_one, "MixedBatch");
}

void revive_by_touch(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb == Verb::touch) op = answer(inner, op, {TimePoint{}, call.deadline});
}
TEST(BrokenStores, FindsOneThatRevivesByTouch) {
  expect_found(one_by_one<revive_by_touch>, "TouchNeverRevives");
}

void shorten_by_touch(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb != Verb::touch) return;
  auto present = answer(inner, {Verb::load, {.key = op.record.key}, {}, {}}, call);
  if (present.outcome != Outcome::done) return;
  present.record.last_seen = op.record.last_seen;
  present.record.expires_at = op.record.expires_at;
  answer(inner, {Verb::erase, present.record, {}, {}}, call);
  op.outcome = answer(inner, {Verb::create, present.record, {}, {}}, call).outcome;
}
TEST(BrokenStores, FindsOneThatShortensByTouch) {
  expect_found(one_by_one<shorten_by_touch>, "TouchNeverShortens");
}

void conflict_without_the_newest(StoreConnection& inner, StoreOp& op, const Call& call) {
  if (op.verb == Verb::replace) op.outcome = answer(inner, op, call).outcome;
}
TEST(BrokenStores, FindsOneWhoseConflictsBringNothingAlong) {
  expect_found(one_by_one<conflict_without_the_newest>, "ReplaceNeedsTheToken");
  expect_found(one_by_one<conflict_without_the_newest>, "OneReplaceOfATokenWins");
}

void cut_at_nul(StoreConnection&, StoreOp& op, const Call&) {
  op.record.blob = op.record.blob.c_str();
}
TEST(BrokenStores, FindsOneThatCutsBlobsAtNul) { expect_found(one_by_one<cut_at_nul>, "AnyBytes"); }

void lower_case_owners(StoreConnection&, StoreOp& op, const Call&) {
  for (auto& c : op.record.owner) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
TEST(BrokenStores, FindsOneWhoseOwnersHaveNoCase) {
  expect_found(one_by_one<lower_case_owners>, "OwnersAreBytes");
}

TEST(BrokenStores, TellsWhatAStoreThrows) {
  const auto check = store_checks().front();
  const auto throwing = [](StoreConnection&, std::span<StoreOp>, const Call&) {
    throw StoreError(StoreError::Kind::connection_lost, "the line");
  };
  EXPECT_EQ(failures(check, [&] { return std::make_shared<BrokenStore>(throwing); }),
            std::vector<std::string>{"threw: the line"});
  EXPECT_EQ(failures(check, [] { return memory::store({.max_sessions = 0}); }).size(), 1u);
}

TEST(BrokenStores, FindsOneWhoseScanEndsEarly) {
  const BreakScan broken = [](auto&, auto, KeyPage& page) { page.next.clear(); };
  expect_found(broken, "ScansAllSessions");
}

TEST(BrokenStores, FindsOneWhoseScanNeverEnds) {
  const BreakScan broken = [](auto&, auto from, KeyPage& page) {
    if (page.next.empty()) page.next = from.empty() ? page_end({}) : std::string(from);
  };
  expect_found(broken, "ScansNothingOfAnEmptyStore");
}

TEST(BrokenStores, FindsOneWhoseScanSkipsTheEndOfAPage) {
  const BreakScan broken = [](auto&, auto, KeyPage& page) {
    if (!page.next.empty() && !page.keys.empty()) page.keys.pop_back();
  };
  expect_found(broken, "ScansAllSessions");
}

TEST(BrokenStores, FindsOneWhoseScanSkipsTheFirst) {
  const BreakScan broken = [](auto&, auto, KeyPage& page) { std::erase(page.keys, SessionKey{}); };
  expect_found(broken, "ScansAllSessions");
}

// As a page by number would: what went before it moves the rest.
TEST(BrokenStores, FindsOneWhoseScanGoesByNumbers) {
  const BreakScan broken = [](StoreConnection& inner, std::string_view from, KeyPage& page) {
    static std::size_t given = 0;
    if (from.empty()) given = 0;
    const auto all = inner.scan({}, 100'000, {}).keys;
    const auto first = std::min(given, all.size()), last = std::min(given + 7, all.size());
    page.keys.assign(all.begin() + static_cast<std::ptrdiff_t>(first),
                     all.begin() + static_cast<std::ptrdiff_t>(last));
    given = last;
    page.next = given < all.size() ? "more........" : "";
  };
  expect_found(broken, "AScanLosesNothingWhileOthersComeAndGo");
}

}  // namespace
}  // namespace flame::session::test_support
