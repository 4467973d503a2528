#include <dirent.h>

#include <array>
#include <deque>
#include <future>
#include <thread>

#include <flame/session/test_support/inline_executor.hpp>

#include "jobs/async_job.hpp"
#include "runner/blocking_manager.hpp"
#include "runner/breaker.hpp"

namespace flame::session {
namespace {

using namespace tests;

/// The manager on a store that blocks.
class RunnerManager : public BlockingManagerTest {
 protected:
  /// A load that a test need not wait for.
  struct Pending : LoadOperation {
    explicit Pending(RunnerManager& owner, std::string its_cookie)
        : test(owner), cookie(std::move(its_cookie)), line(cookie) {
      request.cookie_lines = {&line, 1};
      request.secure = true;
      context = this;
      executor = test_support::inline_executor();
      done = [](Operation& self) noexcept {
        auto& pending = *static_cast<Pending*>(self.context);
        pending.test.note(pending);
      };
    }
    RunnerManager& test;
    const std::string cookie;
    const std::string_view line;
    int answered = 0;
  };
  Pending& start_load(const std::string& cookie) {
    Pending& pending = pending_.emplace_back(*this, cookie);
    if (manager().start(pending)) note(pending);
    return pending;
  }
  void note(Pending& pending) noexcept {
    const std::scoped_lock lock(mutex_);
    ++pending.answered;
    changed_.notify_all();
  }
  void wait_all() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::ranges::all_of(pending_, [](const Pending& each) { return each.answered > 0; });
    });
  }
  [[nodiscard]] const std::deque<Pending>& pending() const { return pending_; }
  void forget_pending() { pending_.clear(); }

  static std::size_t threads() {
    std::size_t out = 0;
    DIR* const tasks = opendir("/proc/self/task");
    while (const dirent* each = readdir(tasks)) out += each->d_name[0] != '.';
    closedir(tasks);
    return out;
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<Pending> pending_{};
};

void add_one(Session& session) {
  session.update("n", 0, [](int n) { return n + 1; });
}

TEST_F(RunnerManager, ServesSessions) {
  const auto cookie = visitor();
  request(cookie, add_one);
  EXPECT_EQ(n_of(cookie), 2);
  const auto counters = manager().counters();
  EXPECT_EQ(counters.writes.operations, 2U);
  EXPECT_EQ(counters.reads.operations, 2U);
}

TEST_F(RunnerManager, AStoreThatNeverBlocksCountsNothing) {
  options.store = store;
  visitor();
  EXPECT_EQ(manager().counters().writes.operations, 0U);
}

TEST_F(RunnerManager, AnEndThatTakesTooLongSaysThatSomeMayBeLeft) {
  const auto key = load(visitor(), Need::read).key().value();
  blocking->hold(Verb::erase);
  std::string text;
  std::thread ending([&] { text = manager().end(key).error().text; });
  blocking->wait_until_held(1);
  clock.advance(100ms);
  ending.join();
  EXPECT_EQ(text,
            "the store did not answer in time: what became of it is unknown; some of the sessions "
            "may not have ended: do it again");
}

TEST_F(RunnerManager, WithAHungStoreEveryOperationIsAnsweredAtItsDeadline) {
  blocking->ignore_aborts();
  const auto cookie = visitor();
  n_of(cookie);
  const auto before = threads();
  blocking->hold(Verb::load);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 200; ++i) start_load(cookie);
    if (round == 0) blocking->wait_until_held(2);
    clock.advance(99ms);
    for (const auto& each : pending()) EXPECT_EQ(each.answered, 0);
    clock.advance(1ms);
    wait_all();
    for (const auto& each : pending()) {
      EXPECT_EQ(each.answered, 1);
      ASSERT_FALSE(*each.result);
      EXPECT_EQ(each.result->error().code, Errc::deadline);
    }
    forget_pending();  // what comes late finds nobody: their memory is gone
  }
  EXPECT_EQ(threads(), before);
  EXPECT_LE(blocking->connected(), 5U);
  blocking->release(Verb::load);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_GE(blocking->aborts(), 1U);
}

TEST_F(RunnerManager, ALostReplyIsSettledAndItsWriteIsSeenOnce) {
  const auto cookie = visitor();
  for (int n = 2; n < 12; ++n) {
    store->next(Verb::replace, Fault::lose_reply);
    EXPECT_TRUE(request(cookie, add_one).result);
    EXPECT_EQ(n_of(cookie), n);
  }
}

TEST_F(RunnerManager, ALostLoadIsNotSeen) {
  const auto cookie = visitor();
  store->next(Verb::load, Fault::fail);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(count(event::store_down), 0U);
}

TEST_F(RunnerManager, WhatMayNotLastIsNotAcknowledged) {
  const auto cookie = visitor();
  for (int i = 0; i < 2 * Breaker::opens_after; ++i) {
    store->next(Verb::replace, Fault::unconfirm);
    const auto saved = request(cookie, add_one);
    ASSERT_FALSE(saved.result);
    EXPECT_EQ(saved.result.error().code, Errc::store_unavailable);
    EXPECT_EQ(n_of(cookie), i + 2);
  }
  EXPECT_EQ(blocking->sent(Verb::replace, key_of(cookie)), 2U * Breaker::opens_after);
  store->next(Verb::erase, Fault::unconfirm);
  EXPECT_FALSE(request(cookie, [](Session& s) { s.destroy(); }).result);
  EXPECT_EQ(blocking->sent(Verb::erase, key_of(cookie)), 1U);
  EXPECT_EQ(blocking->connects(), blocking->connected() + 1) << "no connection was lost";
}

TEST_F(RunnerManager, CommitsUnderWayAreBounded) {
  options.deadline = 60s;
  const auto cookie = visitor();
  auto begun = load(cookie);
  add_one(begun);
  blocking->hold(Verb::replace);
  std::vector<CommitOperation> commits(AsyncJobs::max_under_way);
  std::vector<Session> sessions;
  for (auto& commit : commits) {
    sessions.push_back(load(cookie));
    add_one(sessions.back());
    commit.session = &sessions.back();
    commit.done = [](Operation&) noexcept {};
    commit.executor = test_support::inline_executor();
    EXPECT_FALSE(manager().start(commit));
    sessions.clear();  // start() took its changes
  }
  const auto refused = manager().commit(begun);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::overloaded);
  blocking->release(Verb::replace);
  manager().stop();
  EXPECT_EQ(count("turned_away"), 1U) << "an operator finds a line for each 503";
  for (const auto& commit : commits) EXPECT_TRUE(commit.result->has_value());
  restart();
  EXPECT_EQ(n_of(cookie), 1 + static_cast<int>(AsyncJobs::max_under_way));
}

TEST_F(RunnerManager, CommitsUnderWayAreBoundedInBytes) {
  options.deadline = 60s;
  const auto cookie = visitor();
  const auto writes = [&](std::size_t bytes) {
    auto session = load(cookie);
    session.set("text", std::string(bytes, 'x'));
    return session;
  };
  auto small = writes(1);
  blocking->hold(Verb::replace);
  std::deque<CommitOperation> commits;
  for (bool refused = false; !refused;) {
    ASSERT_LT(commits.size() * 60'000, AsyncJobs::max_bytes_under_way);
    auto session = writes(60'000);
    auto& commit = commits.emplace_back();
    commit.session = &session;
    commit.done = [](Operation&) noexcept {};
    commit.executor = test_support::inline_executor();
    refused = manager().start(commit);
  }
  EXPECT_EQ(commits.back().result->error().code, Errc::overloaded);
  commits.pop_back();
  EXPECT_GT(commits.size() * 61'000, AsyncJobs::max_bytes_under_way);
  CommitOperation other;
  other.session = &small;
  other.done = [](Operation&) noexcept {};
  other.executor = test_support::inline_executor();
  EXPECT_FALSE(manager().start(other)) << "there is room for a small one";
  blocking->release(Verb::replace);
  manager().stop();
  EXPECT_EQ(count("turned_away"), 1U);
  for (const auto& commit : commits) EXPECT_TRUE(commit.result->has_value());
}

TEST_F(RunnerManager, WhatIsFullSaysWhyAndNeitherIsDownNorRefuses) {
  const auto cookie = visitor();
  blocking->on_run = [](std::span<StoreOp> batch) {
    if (batch.front().verb == Verb::replace) throw StoreError(StoreError::Kind::full, "free some");
  };
  const auto answer = request(cookie, add_one);
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().text, "free some");
  EXPECT_EQ(http_status(answer.result.error().code), 503);
  EXPECT_EQ(count(event::store_full), 1U);
  EXPECT_EQ(count(event::store_down) + count(event::store_refused), 0U);
}

TEST_F(RunnerManager, AStoreThatGoesAwayAndComesBack) {
  const auto cookie = visitor();
  blocking->down();
  for (int i = 0; i < 20; ++i) {
    const auto session = try_load(cookie);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, Errc::store_unavailable);
  }
  EXPECT_EQ(names().back(), event::failed);
  EXPECT_GE(count(event::store_down), 1U);
  EXPECT_LE(count(event::store_down), 2U) << "it went away, and cannot be connected to";
  blocking->down(false);
  advance(1s);
  EXPECT_EQ(n_of(cookie), 1);
  EXPECT_EQ(names().back(), event::store_up);
}

TEST_F(RunnerManager, FourHundredCallsAtASlowStoreAreAnsweredAndItRecovers) {
  blocking->max_batch = 1;
  std::vector<std::string> cookies;
  for (int i = 0; i < 20; ++i) cookies.push_back(visitor());
  n_of(cookies[0]);
  std::atomic<int> served{0};
  blocking->on_run = [&](std::span<StoreOp>) {  // forty and the deadline is over for all others
    if (++served == 40) clock.advance(100ms);
  };
  for (std::size_t i = 0; i < 400; ++i) start_load(cookies[i % cookies.size()]);
  wait_all();
  std::size_t good = 0;
  for (const auto& each : pending()) {
    EXPECT_EQ(each.answered, 1);
    good += each.result->has_value();
    EXPECT_TRUE(each.result->has_value() || http_status(each.result->error().code) == 503);
  }
  EXPECT_GE(good, 38U);
  EXPECT_EQ(n_of(cookies[0]), 1);
}

TEST_F(RunnerManager, WhatBeginsWaitsForTheBackendsTime) {
  const auto ahead = 40min;  // and the first login would be dead on its next request
  blocking->down();
  manager();
  EXPECT_EQ(count(event::store_down), 1U);
  blocking->its_clock = [its_time = now() + ahead] { return its_time; };
  blocking->down(false);
  const auto answer = request({}, [](Session& s) { s.set("n", 1); });
  ASSERT_TRUE(answer.result) << answer.result.error().text;
  passed += ahead;
  EXPECT_EQ(stored(answer.cookie()).created_at, now());
  EXPECT_EQ(n_of(answer.cookie()), 1);
}

TEST_F(RunnerManager, WhatBeginsByAnUnknownTimeFailsWithTheStore) {
  blocking->down();
  const auto answer = request({}, [](Session& s) { s.set("n", 1); });
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().code, Errc::store_unavailable);
  EXPECT_EQ(answer.result.error().text.find("unknown"), std::string::npos);
}

TEST_F(RunnerManager, ATouchIsKeptUntilItIsSent) {
  const auto cookie = visitor();
  const auto ends = stored(cookie).expires_at;
  blocking->hold(Verb::touch);
  advance(10min);
  read(cookie);
  blocking->wait_until_held(1);
  blocking->down();
  advance(10s);  // far beyond its request's deadline
  blocking->release(Verb::touch);
  while (count(event::store_down) == 0) std::this_thread::yield();
  blocking->down(false);
  for (int i = 0; stored(cookie).expires_at == ends; ++i) {
    ASSERT_LT(i, 10'000);
    advance(10ms);
    std::this_thread::sleep_for(1ms);  // until somebody looks at the clock again
  }
  EXPECT_GE(stored(cookie).expires_at, ends + 10min);
}

TEST_F(RunnerManager, OfASessionsTouchesOneIsKeptAndItIsTheLatest) {
  const auto cookie = visitor();
  const auto ends = stored(cookie).expires_at;
  blocking->hold(Verb::touch);
  for (int i = 0; i < 5; ++i) {
    advance(2min);
    read(cookie);
    if (i == 0) blocking->wait_until_held(1);
  }
  blocking->release(Verb::touch);
  restart();  // sends what waits
  // That under way, the same again where it was taken for one that hangs, and the latest.
  EXPECT_LE(blocking->sent(Verb::touch, key_of(cookie)), 3U);
  EXPECT_EQ(stored(cookie).expires_at, ends + 10min);
}

TEST_F(RunnerManager, TouchesTakeNoPlaceOfACommit) {
  options.max_created_per_second = 0;
  std::vector<std::string> cookies;
  for (std::size_t i = 0; i <= Unawaited::most_kept; ++i) cookies.push_back(visitor());
  blocking->hold(Verb::touch);
  advance(10min);
  for (const auto& each : cookies) read(each);
  EXPECT_EQ(manager().counters().touches_dropped, 1U);
  EXPECT_TRUE(request(cookies.front(), add_one).result);
  blocking->release(Verb::touch);
}

TEST_F(RunnerManager, WhatMayBeAppliedIsNotToldAsNothingDone) {
  const auto cookie = visitor();
  auto session = load(cookie);
  session.set("n", 2);
  store->next(Verb::replace, Fault::doubt);
  blocking->answers = [](StoreOp& op) {
    if (op.verb == Verb::load) op.outcome = Outcome::later;
    return op.verb == Verb::load;
  };
  CommitOperation commit;
  std::promise<void> answered;
  commit.session = &session;
  commit.executor = test_support::inline_executor();
  commit.context = &answered;
  commit.done = [](Operation& self) noexcept {
    static_cast<std::promise<void>*>(self.context)->set_value();
  };
  ASSERT_FALSE(manager().start(commit));
  while (manager().counters().reads.later == 0) std::this_thread::yield();
  advance(options.deadline);
  answered.get_future().wait();
  EXPECT_NE(commit.result->error().text.find("unknown"), std::string::npos)
      << commit.result->error().text;
}

TEST_F(RunnerManager, StopFromACallbackIsAnErrorAndStopsNothing) {
  struct Stopping final : Executor {
    explicit Stopping(Manager& its_manager) : manager(its_manager) {}
    void post(Operation* list) noexcept override {
      const auto stopped = manager.stop();
      answered.set_value(stopped ? std::nullopt : std::optional(stopped.error().code));
      static_cast<void>(list);
    }
    Manager& manager;
    std::promise<std::optional<Errc>> answered{};
  };
  const auto cookie = visitor();
  Stopping executor(manager());
  Pending operation(*this, cookie);
  operation.executor = &executor;
  ASSERT_FALSE(manager().start(operation));
  EXPECT_EQ(executor.answered.get_future().get(), Errc::misuse);
  EXPECT_EQ(n_of(cookie), 1) << "nothing was stopped";
}

TEST_F(RunnerManager, StopAnswersWhatWaits) {
  const auto cookie = visitor();
  blocking->hold(Verb::load);
  for (int i = 0; i < 100; ++i) start_load(cookie);
  blocking->wait_until_held(1);
  std::thread stops([this] { manager().stop(); });
  blocking->release(Verb::load);
  stops.join();
  for (const auto& each : pending()) {
    EXPECT_EQ(each.answered, 1);
    EXPECT_TRUE(each.result->has_value());
  }
  EXPECT_EQ(try_load(cookie).error().code, Errc::stopped);
  EXPECT_EQ(blocking->connected(), 0U);
}

// The second write waits in the gate, and not in the store's queue, when stop() comes.
TEST_F(RunnerManager, StopSavesAlsoWhatWaitsForAnotherWrite) {
  options.deadline = 60s;
  const auto cookie = visitor();
  std::array sessions{load(cookie), load(cookie)};
  blocking->hold(Verb::replace);
  std::array<CommitOperation, 2> commits;
  for (std::size_t i = 0; i < 2; ++i) {
    add_one(sessions[i]);
    commits[i].session = &sessions[i];
    commits[i].done = [](Operation&) noexcept {};
    commits[i].executor = test_support::inline_executor();
    EXPECT_FALSE(manager().start(commits[i]));
    blocking->wait_until_held(1);
  }
  std::thread stops([this] { manager().stop(); });
  while (try_load().has_value()) std::this_thread::yield();
  for (int i = 0; i < 1'000; ++i) std::this_thread::yield();  // most of the times it waits by then
  blocking->release(Verb::replace);
  stops.join();
  for (const auto& each : commits) EXPECT_TRUE(each.result->has_value());
  restart();
  EXPECT_EQ(n_of(cookie), 3);
}

TEST_F(RunnerManager, StopEndsThoughTheStoreHangs) {
  const auto cookie = visitor();
  blocking->hold(Verb::load);
  start_load(cookie);
  blocking->wait_until_held(1);
  clock.advance(300ms);  // the exchange's limit: it is aborted, and so is its repetition
  std::thread stops([this] { manager().stop(); });
  while (blocking->aborts() < 1) std::this_thread::yield();
  blocking->release(Verb::load);
  stops.join();
  EXPECT_EQ(pending().front().answered, 1);
}

TEST_F(RunnerManager, ASweepThatFailsIsAnEvent) {
  blocking->on_sweep = []() -> std::size_t { throw BlockingStore::refused("no right to delete"); };
  const auto cookie = visitor();
  for (int i = 0; i < 2; ++i) {  // each touch of the session, and then what is due
    advance(100s);
    read(cookie);
  }
  blocking->wait_until_swept(1);
  manager().stop();
  EXPECT_GE(count(event::sweep_failed), 1U);
  EXPECT_EQ(told().back().text, "no right to delete");
}

}  // namespace
}  // namespace flame::session
