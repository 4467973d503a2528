#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <flame/session/test_support/fake_clock.hpp>

#include "session/jobs/events.hpp"
#include "session/runner/semaphore.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using test_support::FakeClock;

/// A handler that keeps what it is told, and stays in it where a test says so.
class Listener {
 public:
  [[nodiscard]] Teller::Handler handler() {
    return [state = state_](const Event& event) {
      state->told.push_back(std::string(event.name) + ": " + std::string(event.text));
      state->threads.push_back(std::this_thread::get_id());
      if (!state->holds) return;
      state->held.release();
      state->go.acquire();
    };
  }
  /// Emits an event with which the handler does not return until release().
  void hold(Events& events) {
    state_->holds = true;
    events.emit(event::created, nullptr, "held");
    state_->held.acquire();
  }
  /// And now with the one after it.
  void hold_next() {
    state_->go.release();
    state_->held.acquire();
  }
  void release() {
    let_pass();
    state_->go.release();
  }
  void let_pass() { state_->holds = false; }
  /// After Events::wait() or stop().
  [[nodiscard]] const std::vector<std::string>& told() const { return state_->told; }
  [[nodiscard]] const std::vector<std::thread::id>& threads() const { return state_->threads; }
  [[nodiscard]] long owners() const { return state_.use_count(); }

 private:
  struct State {
    std::vector<std::string> told{};
    std::vector<std::thread::id> threads{};
    std::atomic<bool> holds{false};
    Semaphore held, go;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

const auto ended = [] { return std::chrono::steady_clock::now(); };
const auto in_an_hour = [] { return std::chrono::steady_clock::now() + 1h; };

TEST(EventThread, TellsInOrderAndIsOne) {
  FakeClock clock;
  Listener listener;
  Events events(listener.handler(), clock);
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    events.emit(event::created, nullptr, std::to_string(i));
    expected.push_back("created: " + std::to_string(i));
  }
  events.wait();
  EXPECT_EQ(listener.told(), expected);
  EXPECT_EQ(
      std::count(listener.threads().begin(), listener.threads().end(), listener.threads().front()),
      1000);
  EXPECT_NE(listener.threads().front(), std::this_thread::get_id());
}

TEST(EventThread, OwnsWhatItTells) {
  FakeClock clock;
  SessionKey told{};
  std::string text;
  Semaphore entered, go;
  bool first = true;
  Events events(
      [&](const Event& event) {
        if (std::exchange(first, false)) entered.release(), go.acquire();
        if (event.key) told = *event.key;
        text = event.text;
      },
      clock);
  events.emit(event::created, nullptr, "x");
  entered.acquire();
  const std::string expected(100, 'a');
  {
    std::string gone = expected;
    SessionKey key{};
    key.bytes[3] = std::byte{7};
    events.emit(event::expired, &key, gone);
    gone.assign(100, 'z');
    key = {};
  }
  go.release();
  events.wait();
  EXPECT_EQ(text, expected);
  EXPECT_EQ(told.bytes[3], std::byte{7});
}

TEST(EventThread, WhatFindsTooManyWaitingIsCountedAndTheCountTold) {
  FakeClock clock;
  Listener listener;
  Events events(listener.handler(), clock);
  listener.hold(events);
  for (std::size_t i = 0; i < max_waiting_events + 10; ++i)
    events.emit(event::id_rejected, nullptr, std::to_string(i));
  events.store_down("lost as well");
  listener.release();
  events.wait();
  ASSERT_EQ(listener.told().size(), 1 + max_waiting_events + 1);
  EXPECT_EQ(listener.told()[max_waiting_events],
            "id_rejected: " + std::to_string(max_waiting_events - 1));
  EXPECT_EQ(listener.told().back().find("events_lost: 11 events were not told"), 0U)
      << listener.told().back();
  events.store_down("told at the next occasion");
  events.wait();
  EXPECT_EQ(listener.told().back(), "store_down: told at the next occasion");
}

TEST(EventThread, StopTellsWhatWaitsAndNothingAfterIt) {
  FakeClock clock;
  Listener listener;
  Events events(listener.handler(), clock);
  listener.hold(events);
  for (int i = 0; i < 1000; ++i) events.emit(event::created, nullptr, "x");
  listener.release();
  EXPECT_TRUE(events.stop(in_an_hour()));
  EXPECT_EQ(listener.told().size(), 1001U);
  events.emit(event::created, nullptr, "x");
  events.wait();
  EXPECT_TRUE(events.stop(ended()));
  EXPECT_EQ(listener.told().size(), 1001U);
}

TEST(EventThread, StopsAtOnceWhereThereIsNothingToTell) {
  FakeClock clock;
  Listener listener;
  Events quiet(listener.handler(), clock), told(listener.handler(), clock);
  EXPECT_TRUE(quiet.stop(ended()));
  told.emit(event::created, nullptr, "x");
  told.wait();
  EXPECT_TRUE(told.stop(ended()));
}

TEST(EventThread, AHandlerThatDoesNotReturnIsLeftBehindWithAllItNeeds) {
  FakeClock clock;
  Listener listener;
  {
    Events events(listener.handler(), clock);
    listener.hold(events);
    for (const char* text : {"of one list", "with this", "never told"})
      events.emit(event::created, nullptr, text);
    listener.hold_next();
    EXPECT_FALSE(events.stop(ended()));
    events.wait();
  }
  EXPECT_EQ(listener.owners(), 2) << "the test's, and that of the thread";
  listener.release();
  while (listener.owners() > 1) std::this_thread::yield();
  EXPECT_EQ(listener.told(), (std::vector<std::string>{"created: held", "created: of one list"}));
}

TEST(EventThread, AHandlerMayEmitAndWait) {
  FakeClock clock;
  std::vector<std::string> told;
  Events* self = nullptr;
  Events events(
      [&](const Event& event) {
        told.emplace_back(event.name);
        if (event.name == event::created) self->emit(event::renewed, nullptr, "x");
        self->wait();
      },
      clock);
  self = &events;
  events.emit(event::created, nullptr, "x");
  events.wait();
  EXPECT_TRUE(events.stop(in_an_hour()));
  EXPECT_EQ(told, (std::vector<std::string>{"created", "renewed"}));
}

TEST(EventThread, ChangesOfTheStoreAreToldInTheOrderTheyHappened) {
  FakeClock clock;
  Listener listener;
  Events events(listener.handler(), clock);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        for (int n = 0; n < 500; ++n) i % 2 ? events.store_down("x") : events.store_answered();
      });
  }
  events.wait();
  const auto& told = listener.told();
  ASSERT_FALSE(told.empty());
  for (std::size_t i = 0; i < told.size(); ++i)
    EXPECT_EQ(told[i].substr(0, told[i].find(':')), i % 2 ? "store_up" : "store_down") << i;
}

#ifndef __SANITIZE_THREAD__  // it knows no threads in a child of several
/// Waits for a child, which exits with 0 where all was as it should be.
void expect_good_end(pid_t child) {
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(EventThread, AChildProcessTellsItsOwnThoughTheParentsIsBusy) {
  FakeClock clock;
  Listener listener;
  std::atomic<bool> over{false};
  Events events(listener.handler(), clock);
  listener.hold(events);
  for (std::size_t i = 0; i <= max_waiting_events; ++i)  // what comes then needs no memory
    events.emit(event::created, nullptr, "the parent's");
#ifdef __SANITIZE_ADDRESS__
  constexpr int busy =
      0;  // one that runs may hold a lock of the sanitizer's, for ever in the child
#else
  constexpr int busy = 2;  // so that locks of the parent's are held as it forks
#endif
  std::vector<std::jthread> threads;
  for (int i = 0; i < busy; ++i)
    threads.emplace_back([&] {
      while (!over) events.emit(event::id_rejected, nullptr, "x");
    });
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(60);  // instead of hanging for ever
      int told = 0;
      Events fresh([&](const Event&) { ++told; }, clock);
      fresh.emit(event::created, nullptr, "x");
      const bool tells = fresh.stop(in_an_hour()) && told == 1;
      const auto before = listener.told().size();
      listener.let_pass();
      events.emit(event::created, nullptr, "the child's");
      events.wait();
      const bool own =
          listener.told().size() == before + 1 && listener.told().back() == "created: the child's";
      _exit(tells && own && events.stop(in_an_hour()) ? 0 : 1);
    }
    expect_good_end(child);
  }
  over = true;
  threads.clear();
  listener.release();
}

TEST(EventThread, AChildProcessThatTellsNothingLeavesTheParentsAlone) {
  FakeClock clock;
  Listener listener;
  auto events = std::make_unique<Events>(listener.handler(), clock);
  listener.hold(*events);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);
    events->wait();
    const bool stopped = events->stop(in_an_hour());
    events.reset();
    _exit(stopped ? 0 : 1);
  }
  expect_good_end(child);
  listener.release();
}
#endif

}  // namespace
}  // namespace flame::session
