#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <flame/task.hpp>

namespace flame {
namespace {

/// Suspends until the test says go.
struct Gate {
  std::coroutine_handle<> waiting{};
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { waiting = handle; }
  void await_resume() const noexcept {}
};

struct Root {
  Task<> task;
  bool done = false;
  explicit Root(Task<> started) : task(std::move(started)) {
    detail::TaskAccess::start(
        task, [](void* self) noexcept { static_cast<Root*>(self)->done = true; }, this);
  }
};

Task<> append(std::vector<std::string>& log, std::string text) {
  log.push_back(std::move(text));
  co_return;
}

Task<std::string> joined(Gate& gate, std::string a, std::string b) {
  co_await gate;
  co_return a + b;
}

Task<int> failing(Gate* gate) {
  if (gate != nullptr) co_await *gate;
  throw std::runtime_error("failed");
}

TEST(Task, IsLazy) {
  std::vector<std::string> log;
  auto task = append(log, "ran");
  EXPECT_TRUE(log.empty());
  const Root root(std::move(task));
  EXPECT_EQ(log, std::vector<std::string>{"ran"});
  EXPECT_TRUE(root.done);
}

TEST(Task, DestroyedWithoutARunDoesNotRun) {
  std::vector<std::string> log;
  { auto task = append(log, "ran"); }
  EXPECT_TRUE(log.empty());
}

TEST(Task, AnEmptyOneIsDone) {
  bool went_on = false;
  const auto outer = [](bool& flag) -> Task<> {
    Task<> empty;
    co_await empty;
    flag = true;
  };
  const Root root(outer(went_on));
  EXPECT_TRUE(went_on);
}

TEST(Task, HandsItsValueToWhoAwaitsItAfterAWait) {
  Gate gate;
  std::string got;
  const auto outer = [](Gate& g, std::string& out) -> Task<> {
    out = co_await joined(g, "a", "b");
  };
  const Root root(outer(gate, got));
  EXPECT_FALSE(root.done);
  gate.waiting.resume();
  EXPECT_TRUE(root.done);
  EXPECT_EQ(got, "ab");
}

TEST(Task, MoveOnlyValues) {
  std::unique_ptr<int> got;
  const auto inner = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  const auto outer = [](const auto& make, std::unique_ptr<int>& out) -> Task<> {
    out = co_await make();
  };
  const Root root(outer(inner, got));
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(*got, 7);
}

TEST(Task, ExceptionsComeOutOfTheAwait) {
  for (const bool waits : {false, true}) {
    Gate gate;
    std::string caught;
    const auto outer = [](Gate* g, std::string& out) -> Task<> {
      try {
        co_await failing(g);
      } catch (const std::runtime_error& error) {
        out = error.what();
      }
    };
    const Root root(outer(waits ? &gate : nullptr, caught));
    if (waits) gate.waiting.resume();
    EXPECT_TRUE(root.done);
    EXPECT_EQ(caught, "failed");
  }
}

TEST(Task, ExceptionsOfARootAreKept) {
  const auto outer = []() -> Task<> { co_await failing(nullptr); };
  Root root(outer());
  EXPECT_TRUE(root.done);
  EXPECT_THROW(root.task.await_resume(), std::runtime_error);
}

Task<std::size_t> one(std::size_t) { co_return 1; }

TEST(Task, ALoopOverTasksThatEndAtOnceNeedsNoStack) {
  const auto loop = [](std::size_t rounds, std::size_t& sum) -> Task<> {
    for (std::size_t i = 0; i < rounds; ++i) sum += co_await one(i);
  };
  std::size_t sum = 0;
  const Root root(loop(1'000'000, sum));
  EXPECT_TRUE(root.done);
  EXPECT_EQ(sum, 1'000'000U);
}

TEST(Task, MayBeEndedByAnotherThreadWhileItStarts) {
  for (int round = 0; round < 200; ++round) {
    std::thread other;
    struct Elsewhere {
      std::thread& thread;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        thread = std::thread([waiting] { waiting.resume(); });
      }
      void await_resume() const noexcept {}
    };
    const auto inner = [](std::thread& thread) -> Task<int> {
      Elsewhere elsewhere{thread};
      co_await elsewhere;
      co_return 7;
    };
    std::atomic<int> got{0};
    const auto outer = [](const auto& call, std::thread& thread, std::atomic<int>& out) -> Task<> {
      out = co_await call(thread);
      out.notify_all();
    };
    Root root(outer(inner, other, got));
    got.wait(0);
    other.join();
    EXPECT_EQ(got, 7);
  }
}

TEST(Task, DestroyingASuspendedOneDestroysAllItHolds) {
  const auto token = std::make_shared<int>(1);
  Gate gate;
  {
    const auto inner = [](Gate& g, std::shared_ptr<int> held) -> Task<> {
      co_await g;
      static_cast<void>(held);
    };
    const auto outer = [](const auto& call, Gate& g, std::shared_ptr<int> held) -> Task<> {
      co_await call(g, held);
    };
    const Root root(outer(inner, gate, token));
    EXPECT_GT(token.use_count(), 1);
  }
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace flame
