#include <atomic>
#include <future>
#include <thread>

#include "runner/blocking_manager.hpp"

/// Logins that the store may have, or has, and whose ID nobody got.
namespace flame::session {
namespace {

using namespace tests;

class Strays : public BlockingManagerTest {
 protected:
  static void log_in(Session& session) { session.set_owner("ada"); }
  static void visit(Session& session) { session.set("n", 1); }

  Strays() {
    blocking->on_run = [this](std::span<StoreOp> batch) {
      if (batch.front().verb == Verb::create) created_ = batch.front().record.key;
    };
  }
  /// Of "ada", once what was begun has ended.
  std::vector<SessionKey> listed() {
    restart();
    auto reading = options;
    reading.store = store;  // the one that blocks lists nothing
    Manager reader(reading, Environment{&clock, &random});
    EXPECT_TRUE(reader.open());
    const auto sessions = reader.list("ada").value();
    std::vector<SessionKey> keys;
    for (const auto& each : sessions) keys.push_back(each.key);
    return keys;
  }
  /// How often the session that was created last was erased, once that was as often as expected.
  std::size_t erased(std::size_t expected) {
    for (int i = 0; i < 1000 && blocking->sent(Verb::erase, created_) < expected; ++i) {
      advance(50ms);
      read(other_);  // its touch has the background's worker look at the clock again
      while (stored(other_).last_seen != now()) std::this_thread::yield();
    }
    return blocking->sent(Verb::erase, created_);
  }

  std::string other_{};
  SessionKey created_{};
};

TEST_F(Strays, ALoginThatMayHaveBegunIsInNoList) {
  manager();
  store->next(Verb::create, Fault::unconfirm);
  EXPECT_FALSE(request({}, log_in).result);
  EXPECT_TRUE(listed().empty());
}

TEST_F(Strays, OfTwoTriesOfALoginTheSecondAloneIsListed) {
  manager();
  store->next(Verb::create, Fault::lose_reply);
  const auto answer = request({}, log_in);
  ASSERT_TRUE(answer.result) << answer.result.error().text;
  const auto own = load(answer.cookie()).key().value();
  EXPECT_EQ(listed(), std::vector{own});
  EXPECT_EQ(blocking->sent(Verb::erase, own), 0U);
}

TEST_F(Strays, ALoginThatIsAnsweredTooLateIsInNoList) {
  for (const bool renews : {false, true}) {
    const auto cookie = renews ? visitor() : std::string();
    const auto verb = renews ? Verb::replace : Verb::create;
    blocking->hold(verb);
    auto late = std::async(std::launch::async, [&] { return request(cookie, log_in); });
    blocking->wait_until_held(1);
    clock.advance(100ms);
    const auto answer = late.get();
    ASSERT_FALSE(answer.result);
    EXPECT_EQ(answer.result.error().code, Errc::deadline);
    blocking->release(verb);
    EXPECT_TRUE(listed().empty()) << renews;
  }
}

TEST_F(Strays, WhatIsWrittenLateIsErasedAgain) {
  options.idle_timeout = 1s;
  other_ = visitor();
  store->next(Verb::create, Fault::unconfirm);
  EXPECT_FALSE(
      request({}, [](Session& session) { session.set_owner("ada", {.idle = 1h}); }).result);
  EXPECT_EQ(erased(1), 1U);
  const auto began = now();
  EXPECT_EQ(erased(3), 3U);
  EXPECT_GE(now() - began, 32s);
  advance(5min);
  restart();  // whatever still waits is sent, or dropped
  EXPECT_EQ(blocking->sent(Verb::erase, created_), 3U);
}

TEST_F(Strays, ANewIdThatNobodyGotEndsItsOwnersSession) {
  const auto cookie = request({}, log_in).cookie();
  blocking->hold(Verb::replace);
  const auto renew = [](Session& session) { session.regenerate(); };
  auto late = std::async(std::launch::async, [&] { return request(cookie, renew); });
  blocking->wait_until_held(1);
  clock.advance(100ms);
  EXPECT_FALSE(late.get().result);
  blocking->release(Verb::replace);
  EXPECT_TRUE(listed().empty());
}

TEST_F(Strays, OneThatCannotBeErasedIsTold) {
  blocking->answers = [](StoreOp& op) {
    if (op.verb != Verb::erase) return false;
    op.outcome = Outcome::unknown;
    return true;
  };
  manager();
  store->next(Verb::create, Fault::unconfirm);
  EXPECT_FALSE(request({}, log_in).result);
  restart();
  ASSERT_EQ(count(event::failed), 2U);
  EXPECT_NE(told().back().text.find("in lists"), std::string::npos) << told().back().text;
}

TEST_F(Strays, TheyTakeNoPlaceOfACommit) {
  std::atomic<bool> later{false};
  blocking->on_run = [](std::span<StoreOp>) {};
  blocking->answers = [&](StoreOp& op) {
    if (op.verb != Verb::replace || !later.exchange(false)) return false;
    op.outcome = Outcome::later;
    return true;
  };
  const auto cookie = visitor();
  for (int i = 0; i < 3000; ++i) {
    store->next(Verb::create, Fault::unconfirm);
    EXPECT_FALSE(request({}, log_in).result);
  }
  later = true;
  auto waits = std::async(std::launch::async, [&] { return request(cookie, visit); });
  while (manager().counters().writes.later == 0 &&
         waits.wait_for(1ms) == std::future_status::timeout)
    continue;
  clock.advance(20ms);  // it is sent again by then
  const auto answer = waits.get();
  EXPECT_TRUE(answer.result) << answer.result.error().text;
}

TEST_F(Strays, AVisitorsSessionExpires) {
  store->next(Verb::create, Fault::unconfirm);
  EXPECT_FALSE(request({}, visit).result);
  restart();
  EXPECT_EQ(blocking->sent(Verb::erase, created_), 0U);
}

}  // namespace
}  // namespace flame::session
