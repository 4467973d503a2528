#include "session/record/base.hpp"

#include <gtest/gtest.h>

#include <string>

#include "values/documents.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using tests::blob_of, tests::key_of, tests::payload_of, tests::verifier_of;

constexpr auto idle = 30min;
constexpr auto absolute = 12h;
const LifetimeRules rules{{idle, absolute}};
const TimePoint born(1'700'000'000'000ms);

Record record_at(TimePoint created, TimePoint seen, TimePoint expires) {
  Header header;
  header.current = verifier_of(1);
  return {key_of(1),
          WriteToken{5},
          "alice",
          created,
          seen,
          expires,
          blob_of(header, key_of(1), payload_of({{{"n", 1}}, {}}))};
}

RecordState state_at(Record record, TimePoint now) {
  Base base;
  return open_record(record, rules, now, base);
}

TEST(OpenRecord, ReadableGoesIntoTheBaseWithItsViews) {
  auto record = record_at(born, born, born + idle);
  Base moved;
  {
    Base base;
    ASSERT_EQ(open_record(record, rules, born, base), RecordState::readable);
    moved = std::move(base);
  }
  EXPECT_EQ(moved.record.owner, "alice");
  EXPECT_EQ(decode<int>(moved.document.find("n")->value()), 1);
}

TEST(OpenRecord, ExpiryIsJudgedByEachLimitAtTheMillisecond) {
  const auto later = born + 100h;
  struct Case {
    const char* what;
    Record record;
    TimePoint end;
    RecordState over = RecordState::idle_over;
  };
  const Case cases[] = {
      {"expires_at", record_at(born, born, born + 10min), born + 10min},
      {"idle, though expires_at is later", record_at(born, born, later), born + idle},
      {"idle, from the last request", record_at(born, born + 1h, later), born + 1h + idle},
      {"absolute, though seen just now", record_at(born, born + absolute - 1ms, later),
       born + absolute, RecordState::absolute_over},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(state_at(each.record, each.end - 1ms), RecordState::readable) << each.what;
    EXPECT_EQ(state_at(each.record, each.end), each.over) << each.what;
    EXPECT_EQ(state_at(each.record, each.end + 1ms), each.over) << each.what;
  }
}

TEST(OpenRecord, WhatCannotBeReadStaysAsItWas) {
  const auto good = record_at(born, born, born + idle);
  auto newer = good.blob;
  newer[3] = 3;
  auto sealed_nonsense = blob_of({}, key_of(1), "\x80");
  struct Case {
    std::string blob;
    RecordState state;
  };
  const Case cases[] = {{"", RecordState::unreadable},
                        {"{\"json\":1}", RecordState::unreadable},
                        {good.blob.substr(1), RecordState::unreadable},
                        {sealed_nonsense, RecordState::unreadable},
                        {newer, RecordState::newer_version}};
  for (const auto& each : cases) {
    auto record = good;
    record.blob = each.blob;
    Base base;
    EXPECT_EQ(open_record(record, rules, born, base), each.state);
    EXPECT_EQ(record.blob, each.blob);
    EXPECT_EQ(record.owner, "alice");
    EXPECT_TRUE(base.record.blob.empty());
  }
}

TEST(OpenRecord, TheRecordOfAnotherKeyIsUnreadable) {
  auto record = record_at(born, born, born + idle);
  record.key = key_of(2);
  EXPECT_EQ(state_at(record, born), RecordState::unreadable);
}

TEST(Standing, ThePreviousVerifierIsKnownForItsTimeOnly) {
  Header header;
  header.current = verifier_of(1);
  header.superseded[0].verifier = verifier_of(2);
  header.superseded[0].until = born;
  EXPECT_EQ(standing(header, verifier_of(1), born + 1h), Standing::current);
  EXPECT_EQ(standing(header, verifier_of(2), born - 1ms), Standing::superseded);
  EXPECT_EQ(standing(header, verifier_of(2), born), Standing::unknown);
  EXPECT_EQ(standing(header, verifier_of(3), born - 1ms), Standing::unknown);
  header.superseded[0].verifier = {};
  header.superseded[0].until = {};
  EXPECT_EQ(standing(header, Verifier{}, born), Standing::unknown)
      << "no previous one, so no one is it";
}

TEST(Header, KeepsTheLatestSupersededVerifiers) {
  Header header;
  header.current = verifier_of(1);
  for (int i = 2; i <= 7; ++i) header.supersede(verifier_of(i), born);
  EXPECT_EQ(header.current, verifier_of(7));
  EXPECT_EQ(standing(header, verifier_of(6), born), Standing::superseded);
  EXPECT_EQ(standing(header, verifier_of(3), born), Standing::superseded);
  EXPECT_EQ(standing(header, verifier_of(2), born), Standing::unknown) << "the fifth back";
  header.forget_superseded(born + superseded_for);
  EXPECT_EQ(header.superseded[0].until, TimePoint{}) << "so that it is not written again";
}

}  // namespace
}  // namespace flame::session
