#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>

#include "runner/dispatch.hpp"

// The gate with real threads, for the thread sanitizer: a store whose answers come in any order, on
// threads of its own, now and then lost or late.

namespace flame::session_tests {
namespace {

using namespace flame::session;

/// Answers on `threads` threads, after a random number of turns.
class ThreadedDispatch final : public Dispatch {
 public:
  ThreadedDispatch(StorePtr store, const StoreTime& time, std::size_t threads, bool faults)
      : connection_(open_connection(*store, {})), time_(time), faults_(faults), threads_(threads) {}
  ~ThreadedDispatch() override { static_cast<void>(stop({})); }

  std::optional<Failure> open() override {
    for (std::size_t i = 0; i < threads_; ++i)
      workers_.emplace_back([this, i] { work(static_cast<unsigned>(i) + 1); });
    return std::nullopt;
  }
  bool submit(StoreCall& call) noexcept override {
    {
      const std::scoped_lock lock(mutex_);
      if (!stopping_) {
        calls_.push_back(&call);
        wake_.notify_one();
        return false;
      }
    }
    call.failure = Failure{{Errc::stopped, "stopped"}, false};
    return true;
  }
  void wake_at(Deadline when) noexcept override {
    const std::scoped_lock lock(mutex_);
    wakes_at_ = std::min(when, wakes_at_.value_or(when));
  }
  std::string stop(Deadline) noexcept override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      wake_.notify_all();
    }
    for (auto& worker : workers_) worker.join();
    workers_.clear();
    return {};
  }

 private:
  void work(unsigned random) {
    const auto turn = [&random](unsigned n) {
      return (random = random * 1664525u + 1013904223u) / 65536 % n;
    };
    std::unique_lock lock(mutex_);
    for (;;) {
      // One worker looks at deadlines in passing: a hung store has no thread for it either.
      if (wakes_at_ && *wakes_at_ <= std::chrono::steady_clock::now()) {
        wakes_at_.reset();
        lock.unlock();
        on_wake();
        lock.lock();
        continue;
      }
      if (calls_.empty()) {
        if (stopping_) return;
        wake_.wait_for(lock, std::chrono::milliseconds(1));
        continue;
      }
      const std::size_t i = turn(static_cast<unsigned>(calls_.size()));
      StoreCall& call = *calls_[i];
      calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(i));
      lock.unlock();
      for (unsigned n = turn(8); n > 0; --n) std::this_thread::yield();
      answer(call, faults_ ? turn(16) : 16);
      lock.lock();
    }
  }

  void answer(StoreCall& call, unsigned fate) {
    if (fate == 0) {
      call.failure = Failure{{Errc::store_unavailable, "lost"}, false};
    } else {
      StoreOp unseen = call.op;
      connection_->run({fate == 1 ? &unseen : &call.op, 1}, {time_.now(), call.deadline});
      if (fate == 1) call.failure = Failure{{Errc::store_unavailable, "lost"}, true};
    }
    call.done(call);
  }

  std::unique_ptr<StoreConnection> connection_;
  const StoreTime& time_;
  const bool faults_;
  const std::size_t threads_;
  std::mutex mutex_{};
  std::condition_variable wake_{};
  std::deque<StoreCall*> calls_{};
  std::optional<Deadline> wakes_at_{};
  bool stopping_ = false;
  std::vector<std::thread> workers_{};
};

class ThreadedStore final : public Store, public DispatchSource {
 public:
  ThreadedStore(StorePtr inner, std::size_t threads, bool faults)
      : inner_(std::move(inner)), threads_(threads), faults_(faults) {}
  std::unique_ptr<StoreConnection> make_connection() override { return inner_->make_connection(); }
  [[nodiscard]] StoreTraits traits() const noexcept override { return {}; }
  [[nodiscard]] std::unique_ptr<Dispatch> dispatch(const StoreTime& time) override {
    return std::make_unique<ThreadedDispatch>(inner_, time, threads_, faults_);
  }

 private:
  StorePtr inner_;
  std::size_t threads_;
  bool faults_;
};

Options options(StorePtr store) {
  Options out;
  out.store = std::move(store);
  out.on_event = [](const Event&) {};
  return out;
}

std::string new_id(const ResponseFields& response) {
  for (const auto& [name, value] : response.fields)
    if (name == "Set-Cookie")
      return value.substr(value.find('=') + 1, value.find(';') - value.find('=') - 1);
  return {};
}

Result<Session> load(Manager& manager, const std::string& id, Need need = Need::write,
                     Flash* flash = nullptr) {
  const std::string cookie = "__Host-session=" + id;
  const std::string_view line = cookie;
  RequestView view;
  if (!id.empty()) view.cookie_lines = {&line, 1};
  view.method = "GET";
  return flash ? manager.load(view, need, *flash) : manager.load(view, need);
}

std::string begin(Manager& manager) {
  auto session = load(manager, {});
  session->set("begun", true);
  return new_id(*manager.commit(*session));
}

void add_one(Session& session) {
  session.update<int>("n", 0, [](int n) { return n + 1; });
}

/// One request with whatever `random` makes of it. False where it was refused or failed.
bool any_request(Manager& manager, const std::string& id, unsigned random) {
  auto session = load(manager, id, random % 3 == 0 ? Need::flash | Need::write : Need::write);
  if (!session) return false;
  switch (random % 11) {
    case 0:
      session->set("key", random);
      break;
    case 1:
      add_one(*session);
      break;
    case 2:
      session->set_flash(random);
      break;
    case 3:
      session->regenerate();
      break;
    case 4:
      session->set_owner("u" + std::to_string(random % 5));
      break;
    case 5:
      session->destroy();
      break;
    case 6:
      return manager.abandon(*session).has_value();
    default:
      session->set("k" + std::to_string(random % 7), random);
      break;
  }
  return manager.commit(*session).has_value();
}

void on_threads(std::size_t count, const std::function<void(unsigned)>& body) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back(body, static_cast<unsigned>(i));
  for (auto& thread : threads) thread.join();
}

TEST(GateThreads, EveryUpdateCountsOnce) {
  constexpr int rounds = 250;
  constexpr std::size_t clients = 4;
  Manager manager(options(std::make_shared<ThreadedStore>(memory::store(), 3, false)));
  ASSERT_TRUE(manager.open().has_value());
  const std::array ids{begin(manager), begin(manager)};
  on_threads(clients, [&](unsigned) {
    for (int i = 0; i < rounds; ++i) {
      auto session = load(manager, ids[static_cast<std::size_t>(i) % ids.size()]);
      add_one(*session);
      EXPECT_TRUE(manager.commit(*session).has_value());
    }
  });
  for (const auto& id : ids)
    EXPECT_EQ(load(manager, id)->get<int>("n"), static_cast<int>(clients) * rounds / 2);
}

TEST(GateThreads, LostRepliesLoseAndRepeatNothing) {
  Manager manager(options(std::make_shared<ThreadedStore>(memory::store(), 4, true)));
  ASSERT_TRUE(manager.open().has_value());
  std::string id;
  while (id.empty()) {
    auto session = load(manager, {});
    if (!session) continue;  // it met its deadline
    session->set("begun", true);
    if (auto response = manager.commit(*session)) id = new_id(*response);
  }
  std::atomic<int> acknowledged{0};
  std::atomic<int> unknown{0};
  on_threads(4, [&](unsigned) {
    for (int i = 0; i < 250; ++i) {
      auto session = load(manager, id);
      if (!session) continue;
      add_one(*session);
      const auto response = manager.commit(*session);
      if (response)
        ++acknowledged;
      else if (response.error().text.find("unknown") != std::string::npos)
        ++unknown;
    }
  });
  auto session = load(manager, id);
  while (!session) session = load(manager, id);
  const int n = session->get_or("n", 0);
  EXPECT_GE(n, acknowledged);
  EXPECT_LE(n, acknowledged + unknown);
}

TEST(GateThreads, EachFlashIsTakenOnce) {
  Manager manager(options(std::make_shared<ThreadedStore>(memory::store(), 3, false)));
  ASSERT_TRUE(manager.open().has_value());
  const auto id = begin(manager);
  for (int round = 0; round < 50; ++round) {
    auto session = load(manager, id);
    session->set_flash(round);
    ASSERT_TRUE(manager.commit(*session).has_value());
    std::atomic<int> taken{0};
    on_threads(4, [&](unsigned) {
      Flash flash;
      auto taker = load(manager, id, Need::flash, &flash);
      if (flash.get<int>() == round) ++taken;
      EXPECT_TRUE(taker->exists());
      EXPECT_TRUE(manager.commit(*taker).has_value());
    });
    EXPECT_EQ(taken, 1);
  }
}

TEST(GateThreads, AllOperationsOfManySessionsAndStopUnderLoad) {
  for (int round = 0; round < 20; ++round) {
    Manager manager(
        options(std::make_shared<ThreadedStore>(memory::store(), 2 + round % 3, round % 2 == 1)));
    ASSERT_TRUE(manager.open().has_value());
    std::vector<std::string> ids(8);
    for (auto& id : ids) {
      auto session = load(manager, {});
      session->set("begun", true);
      if (auto response = manager.commit(*session)) id = new_id(*response);
    }
    std::atomic<int> done{0};
    std::thread stopper;
    on_threads(4, [&](unsigned self) {
      unsigned random = self + static_cast<unsigned>(round) * 97;
      for (int i = 0; i < 200; ++i) {
        random = random * 1664525u + 1013904223u;
        any_request(manager, ids[random / 7 % ids.size()], random / 65536);
        if (++done == 500) stopper = std::thread([&] { manager.stop(); });
      }
    });
    stopper.join();
    EXPECT_EQ(load(manager, ids[0]).error().code, Errc::stopped);
  }
}

TEST(GateThreads, DeadlinesThatPassInTheMiddleOfEverything) {
  auto given = options(std::make_shared<ThreadedStore>(memory::store(), 2, true));
  given.deadline = std::chrono::milliseconds(1);
  Manager manager(std::move(given));
  ASSERT_TRUE(manager.open().has_value());
  std::string id;
  for (int i = 0; i < 1000 && id.empty(); ++i) {
    auto session = load(manager, {});
    session->set("begun", true);
    if (auto response = manager.commit(*session)) id = new_id(*response);
  }
  on_threads(4, [&](unsigned self) {
    unsigned random = self;
    for (int i = 0; i < 500; ++i) {
      random = random * 1664525u + 1013904223u;
      any_request(manager, id, random / 65536);
    }
  });
  manager.stop();
}

}  // namespace
}  // namespace flame::session_tests
