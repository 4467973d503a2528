#include <string>

#include "manager_fixture.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerTime : public ManagerTest {};

TEST_F(ManagerTime, IdleEndsAtItsMillisecond) {
  for (const auto& [after, alive] : {std::pair{-1ms, true}, {0ms, false}, {1ms, false}}) {
    const auto cookie = visitor();
    advance(options.idle_timeout + after);
    EXPECT_EQ(n_of(cookie), alive ? 1 : -1) << after.count();
  }
}

TEST_F(ManagerTime, AbsoluteEndsAtItsMillisecondWhateverItWasUsed) {
  for (const auto& [after, alive] : {std::pair{-1ms, true}, {0ms, false}, {1ms, false}}) {
    const auto cookie = visitor();
    for (int minutes = 0; minutes + 10 < 720; minutes += 10) {
      advance(10min);
      read(cookie);
    }
    advance(10min + after);
    EXPECT_EQ(n_of(cookie), alive ? 1 : -1) << after.count();
    advance(10min - after);
  }
}

/// Requests at a steady pace, and whether the session is there all the while.
TEST_F(ManagerTime, IdleCountsFromTheLastRequestOfAnyKind) {
  const std::vector<std::function<void(Session&)>> edits{
      [](Session&) {}, [](Session& s) { s.set("n", 1); },
      [](Session& s) { s.erase("none"); },  // changes that come to nothing are a request, too
      [](Session& s) { s.set_owner(""); }};
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const auto cookie = visitor();
    for (int round = 0; round < 10; ++round) {
      advance(10min);
      EXPECT_TRUE(load(cookie).exists()) << "kind " << i << ", round " << round;
      request(cookie, edits[i]);
    }
    advance(options.idle_timeout * 95 / 100 - 1ms);
    EXPECT_EQ(n_of(cookie), 1) << i;
    advance(options.idle_timeout * 5 / 100 + 1ms);
    EXPECT_EQ(n_of(cookie), -1) << i;
  }
}

TEST_F(ManagerTime, TouchesAreOnePerTwentiethOfTheIdleTimeout) {
  const auto cookie = visitor();
  store->reset_counts();
  for (int second = 0; second < 1800; ++second) {
    advance(1s);
    read(cookie);
  }
  EXPECT_EQ(store->count(Verb::touch), 20U);
  EXPECT_EQ(store->count(Verb::replace), 0U);
}

/// Each is loaded just after the last touch, and takes half of the idle timeout.
TEST_F(ManagerTime, LongRequestsKeepTheirSession) {
  const auto cookie = visitor();
  for (int i = 0; i < 20; ++i) {
    auto session = load(cookie);
    EXPECT_TRUE(session.exists()) << i;
    advance(options.idle_timeout / 2);
    commit(session);
    advance(1s);
  }
}

TEST_F(ManagerTime, ATouchThatFailsIsNoMatterOfItsRequest) {
  const auto cookie = visitor();
  advance(20min);
  store->next(Verb::touch, Fault::fail);
  EXPECT_TRUE(read(cookie).result);
  EXPECT_EQ(count(event::store_down), 1U);
  advance(10min);
  EXPECT_EQ(n_of(cookie), -1) << "it ends earlier, no more than that";
}

TEST_F(ManagerTime, StepsOfTheWallClockEndAndReviveNothing) {
  const auto live = visitor(), ended = visitor();
  clock.step_wall(24h);
  EXPECT_EQ(n_of(live), 1);
  clock.step_wall(-48h);
  EXPECT_EQ(n_of(live), 1);
  advance(20min);
  read(live);
  advance(10min);
  EXPECT_EQ(n_of(ended), -1);
  clock.step_wall(-48h);
  EXPECT_EQ(n_of(ended), -1);
  EXPECT_EQ(n_of(live), 1);
  advance(20min);
  EXPECT_EQ(n_of(live), -1) << "no longer than its timeout either";
}

TEST_F(ManagerTime, TheTimeAsleepCounts) {
  options.idle_timeout = 60s;
  const auto cookie = visitor();
  clock.sleep(8h);
  EXPECT_EQ(n_of(cookie), -1);
}

TEST_F(ManagerTime, AClockThatWasADayAheadLeavesNoSessionThatOutlivesItsIdleTimeout) {
  const std::vector<std::function<void(Session&)>> edits{[](Session&) {},
                                                         [](Session& s) { s.set("n", 1); }};
  for (const auto& edit : edits) {
    clock.step_wall(24h);
    restart();  // store time starts at the wall clock
    const auto cookie = visitor();
    clock.step_wall(-24h);
    restart();
    request(cookie, edit);
    EXPECT_EQ(stored(cookie).last_seen, now());
    EXPECT_EQ(stored(cookie).expires_at, now() + options.idle_timeout);
    advance(options.idle_timeout - 1ms);
    EXPECT_EQ(n_of(cookie), 1);
    advance(1ms);
    EXPECT_EQ(n_of(cookie), -1);
  }
}

TEST_F(ManagerTime, ASweepLeavesAMarginAlone) {
  const auto cookie = visitor();
  const auto is_kept = [&] {
    StoreOp op{Verb::load, {.key = key_of(cookie)}, {}, {}};
    open_connection(*inner, {})->run({&op, 1}, {TimePoint(1ms), {}});
    return op.outcome == Outcome::done;
  };
  advance(options.idle_timeout + 4s);
  EXPECT_EQ(n_of(cookie), -1);
  EXPECT_TRUE(is_kept());
  advance(1s);
  EXPECT_EQ(n_of(cookie), -1);
  EXPECT_FALSE(is_kept());
}

TEST_F(ManagerTime, WhatARequestEndedStaysEndedWhateverTheTime) {
  const auto ended = visitor(), replaced = visitor();
  advance(5min);
  request(ended, [](Session& s) { s.destroy(); });
  const auto renewed = request(replaced, [](Session& s) { s.regenerate(); }).cookie();
  for (const std::chrono::minutes step : {-4min, -26 * 60min}) {
    clock.step_wall(step);
    restart();
    EXPECT_EQ(n_of(ended), -1);
    EXPECT_EQ(n_of(replaced), -1);
    EXPECT_EQ(n_of(renewed), 1);
  }
}

TEST_F(ManagerTime, AStricterTimeoutHoldsForRecordsOfBefore) {
  const auto cookie = visitor();
  restart();
  options.idle_timeout = 60s;
  // The other manager's store time starts at the wall clock, which is the same here.
  advance(59s);
  EXPECT_EQ(n_of(cookie), 1);
  advance(1s);
  EXPECT_EQ(n_of(cookie), -1);
  EXPECT_EQ(count(event::expired), 1U);
}

TEST_F(ManagerTime, ExpiryDuringARequestEndsIt) {
  const auto cookie = visitor();
  auto session = load(cookie);
  session.set("n", 2);
  advance(options.idle_timeout);
  const auto answer = commit(session);
  EXPECT_TRUE(answer.result);
  EXPECT_TRUE(answer.all("Set-Cookie").empty());
  EXPECT_EQ(count(event::dropped), 1U);
  EXPECT_EQ(n_of(cookie), -1);
}

}  // namespace
}  // namespace flame::session
