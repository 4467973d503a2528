// What foreign code may do to the threads that serve everybody: nothing.
#include <thread>

#include <flame/session/test_support/inline_executor.hpp>

#include "runner/blocking_manager.hpp"
#include "runner/semaphore.hpp"

namespace flame::session {
namespace {

using namespace tests;
using test_support::inline_executor;

/// A manager on a store that blocks where a test says so.
class ForeignCode : public BlockingManagerTest {
 protected:
  /// A load that says when it was done.
  struct Pending : LoadOperation {
    Pending(std::string its_cookie, Executor* its_executor)
        : cookie(std::move(its_cookie)), line(cookie) {
      request.cookie_lines = {&line, 1};
      request.secure = true;
      executor = its_executor;
      done = [](Operation& self) noexcept { static_cast<Pending&>(self).answered.release(); };
    }
    const std::string cookie;
    const std::string_view line;
    Semaphore answered;
  };

  /// on_event counts, and stays in the first one until `go`.
  void stay_in_first_event() {
    options.on_event = [this](const Event&) {
      if (handled++ > 0) return;
      entered.release();
      go.acquire();
    };
  }

  std::atomic<int> handled{0};
  Semaphore entered, go;
  std::optional<Result<ResponseFields>> committed{};  // by on_event
};

/// An event loop of one thread, which may wait within done().
class LoopThread final : public Executor {
 public:
  ~LoopThread() {
    stopping_ = true;
    posted_.release();
    thread_.join();
  }
  void post(Operation* list) noexcept override {
    {
      const std::scoped_lock lock(mutex_);
      for (; list; list = list->next) waiting_.push_back(list);
    }
    posted_.release();
  }

 private:
  void run() {
    for (;;) {
      posted_.acquire();
      std::unique_lock lock(mutex_);
      const auto all = std::exchange(waiting_, {});
      lock.unlock();
      for (Operation* each : all) each->done(*each);
      if (stopping_) return;
    }
  }

  std::mutex mutex_{};
  std::vector<Operation*> waiting_{};
  Semaphore posted_;
  std::atomic<bool> stopping_{false};
  std::thread thread_{[this] { run(); }};
};

TEST_F(ForeignCode, AnOperationWithoutAnExecutorIsRefusedOnEveryStore) {
  for (const StorePtr& each : std::array<StorePtr, 2>{store, blocking}) {
    restart();
    options.store = each;
    auto session = load(visitor());
    session.set("n", 2);
    LoadOperation loading;
    CommitOperation committing;
    committing.session = &session;
    loading.done = committing.done = [](Operation&) noexcept { ADD_FAILURE(); };
    store->reset_counts();
    ASSERT_TRUE(manager().start(loading));
    ASSERT_TRUE(manager().start(committing));
    EXPECT_EQ(store->count(), 0U);
    for (const Error& error : {loading.result->error(), committing.result->error()}) {
      EXPECT_EQ(error.code, Errc::misuse);
      EXPECT_EQ(http_status(error.code), 500);
      EXPECT_NE(error.text.find("set Operation::executor"), std::string::npos) << error.text;
    }
    EXPECT_TRUE(commit(session).result) << "its changes are still there";
  }
}

TEST_F(ForeignCode, ADoneThatWaitsStopsNobodysDeadline) {
  const auto cookie = visitor();
  n_of(cookie);
  struct Nested : LoadOperation {
    std::function<Result<Session>()> load{};
    std::optional<Result<Session>> inner{};
    Semaphore ended;
  } nested;
  LoopThread loop, other;
  nested.load = [&] { return try_load(cookie); };
  const std::string_view line = cookie;
  nested.request.cookie_lines = {&line, 1};
  nested.executor = &loop;
  nested.done = [](Operation& operation) noexcept {
    auto& self = static_cast<Nested&>(operation);
    self.inner.emplace(self.load());
    self.ended.release();
  };
  blocking->hold(Verb::load);
  ASSERT_FALSE(manager().start(nested));
  blocking->wait_until_held(1);
  clock.advance(100ms);
  blocking->wait_until_held(2);  // done() waits for a load of its own
  Pending pending(cookie, &other);
  ASSERT_FALSE(manager().start(pending));
  clock.advance(100ms);
  pending.answered.acquire();
  EXPECT_EQ(pending.result->error().code, Errc::deadline);
  nested.ended.acquire();
  EXPECT_EQ((*nested.inner).error().code, Errc::deadline);
}

TEST_F(ForeignCode, AnOnEventThatBlocksStopsNoOperationAndNoDeadline) {
  stay_in_first_event();
  const auto cookie = visitor();
  entered.acquire();
  EXPECT_EQ(request(cookie, [](Session& s) { s.set("n", 2); }).id(), "");
  EXPECT_EQ(n_of(cookie), 2);
  blocking->hold(Verb::load);
  Pending pending(cookie, inline_executor());
  ASSERT_FALSE(manager().start(pending));
  blocking->wait_until_held(1);
  clock.advance(100ms);
  pending.answered.acquire();
  EXPECT_EQ(pending.result->error().code, Errc::deadline);
  blocking->down();
  blocking->release(Verb::load);
  EXPECT_EQ(try_load(cookie).error().code, Errc::store_unavailable);
  go.release();
}

TEST_F(ForeignCode, OnEventMayLoadAndCommit) {
  options.on_event = [this](const Event& event) {
    if (event.name != event::created || committed) return;
    committed.emplace();  // the one below is told of too
    auto session = try_load();
    session->set("n", 2);
    committed = manager().commit(*session);
    manager().wait_for_events();
  };
  for (const StorePtr& each : std::array<StorePtr, 2>{blocking, store}) {
    options.store = each;
    committed.reset();
    const auto cookie = visitor();
    manager().wait_for_events();
    ASSERT_TRUE(committed);
    EXPECT_TRUE(*committed);
    EXPECT_EQ(store->count(Verb::create), 2U);
    EXPECT_EQ(n_of(cookie), 1);
    restart();
  }
}

TEST_F(ForeignCode, EventsAreToldBeforeStopReturns) {
  stay_in_first_event();
  for (int i = 0; i < 100; ++i) visitor();
  go.release();
  manager().stop();
  EXPECT_EQ(handled, 100);
}

}  // namespace
}  // namespace flame::session
