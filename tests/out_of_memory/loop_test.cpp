// What an event loop is handed by others, it takes without memory of its own: who hands it over
// could not be told.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "failing.hpp"
#include "host/asio_loop.hpp"

namespace flame::detail {
namespace {

using test::Failing;

struct Counted : session::Operation {
  Counted() {
    done = [](Operation& self) noexcept { ++static_cast<Counted&>(self).times; };
  }
  int times = 0;
};

TEST(Loop, IsHandedOperationsWithoutMemory) {
  AsioLoop loop;
  Counted posted, finished;
  for (int round = 1; round <= 3; ++round) {
    {
      const Failing failing(0);
      loop.post(&posted);
      loop.finished(finished);
    }
    loop.io().poll();
    loop.io().restart();
    EXPECT_EQ(posted.times, round);
    EXPECT_EQ(finished.times, round);
  }
}

TEST(Loop, IsHandedOperationsByManyThreads) {
  constexpr int rounds = 2'000;
  struct Again : session::Operation {
    AsioLoop* loop = nullptr;
    std::atomic<int> times{0};
    std::atomic<bool> ready{true};
  };
  AsioLoop loop;
  std::array<Again, 4> operations;
  std::vector<std::thread> threads;
  for (auto& operation : operations) {
    operation.loop = &loop;
    operation.done = [](session::Operation& self) noexcept {
      auto& again = static_cast<Again&>(self);
      ++again.times;
      again.ready = true;
      again.ready.notify_one();
    };
    threads.emplace_back([&operation] {
      for (int i = 0; i < rounds; ++i) {
        operation.ready.wait(false);
        operation.ready = false;
        const Failing failing(0);
        operation.loop->post(&operation);
      }
      operation.ready.wait(false);
    });
  }
  std::thread running([&] { loop.run(); });
  for (auto& thread : threads) thread.join();
  loop.io().stop();
  running.join();
  for (const auto& operation : operations) EXPECT_EQ(operation.times, rounds);
}

}  // namespace
}  // namespace flame::detail
