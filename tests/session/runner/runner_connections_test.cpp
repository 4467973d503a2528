#include <pthread.h>

#include "runner_support.hpp"

namespace flame::session {
namespace {

using namespace tests;

/// How long connections live, and what the store tells as it is prepared.
class RunnerConnections : public RunnerTest {
 protected:
  RunnerConnections() {
    store->workers = 1;
    store->sweep_every = 24h * 365;  // a sweep would make a connection of its own
  }
};

TEST_F(RunnerConnections, OneThatIsNotUsedIsClosedAndTheNextCallMakesAnother) {
  store->idle_close = 20ms;
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
  EXPECT_EQ(store->connected(), 1U);
  clock.advance(20ms);
  store->wait_until_connected(0);
  const auto before = store->connects();
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
  EXPECT_EQ(store->connects(), before + 1);
}

TEST_F(RunnerConnections, OneThatIsUsedIsNotIdle) {
  store->idle_close = 10s;
  run(Verb::load, 1);
  const auto before = store->connects();
  for (int i = 0; i < 10; ++i) {
    clock.advance(9s);
    EXPECT_FALSE(run(Verb::load, 1).call.failure);
  }
  EXPECT_EQ(store->connects(), before);
}

TEST_F(RunnerConnections, OneThatIsOldIsMadeAnewBetweenTwoBatches) {
  store->max_age = 60s;
  run(Verb::load, 1);
  const auto before = store->connects();
  clock.advance(44s);  // none is closed before three quarters of it
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
  EXPECT_EQ(store->connects(), before);
  clock.advance(16s);
  while (store->connects() == before) EXPECT_FALSE(run(Verb::load, 1).call.failure);
  EXPECT_EQ(store->connects(), before + 1);
  EXPECT_EQ(store->connected(), 1U);
}

TEST_F(RunnerConnections, ByDefaultOneStays) {
  run(Verb::load, 1);
  const auto before = store->connects();
  clock.advance(24h * 30);
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
  EXPECT_EQ(store->connects(), before);
}

TEST_F(RunnerConnections, WhatAStoreWarnsOfIsToldOnceAtOpen) {
  store->warnings = {"no disk is that slow", "nor any network"};
  runner();
  EXPECT_EQ(warnings(), store->warnings);
  run(Verb::load, 1);
  run(Verb::create, 2);
  EXPECT_EQ(warnings(), store->warnings);
}

TEST_F(RunnerConnections, WhatAStoreWarnsOfIsToldWithTheFirstConnectionToOneThatWasDown) {
  store->warnings = {"no disk is that slow"};
  opens = false;
  run(Verb::load, 1);
  run(Verb::create, 2);
  EXPECT_EQ(warnings(), store->warnings);
}

/// No thread can be started while one lives: there is no room for such a stack.
class NoThreads {
 public:
  NoThreads() {
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    ::pthread_attr_init(&huge);
    ::pthread_attr_setstacksize(&huge, std::size_t{1} << 47);
    EXPECT_EQ(::pthread_setattr_default_np(&huge), 0);
    ::pthread_attr_destroy(&huge);
  }
  ~NoThreads() { ::pthread_setattr_default_np(&before_); }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_{};
};

TEST_F(RunnerConnections, ThreadsThatCannotBeStartedAreTriedNowAndThen) {
  opens = false;
  runner();
  {
    const NoThreads none;
    EXPECT_EQ(ask(Verb::load, 1).error(), Errc::overloaded);
  }
  EXPECT_EQ(ask(Verb::load, 1).error(), Errc::overloaded) << "it was tried just now";
  clock.advance(100ms);
  EXPECT_FALSE(run(Verb::load, 1).call.failure);
}

TEST_F(RunnerConnections, AnAlarmThatWasSetWithoutThreadsRingsWhenTheyAreThere) {
  opens = false;
  runner();
  {
    const NoThreads none;
    runner().wake_at(clock.steady() + 50ms);
  }
  clock.advance(100ms);
  run(Verb::load, 1);
  wait_until_rung(1);
}

}  // namespace
}  // namespace flame::session
