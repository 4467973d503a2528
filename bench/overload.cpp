// What overload costs, and whom: a store of set capacity, and twice as much offered to it, through
// the Manager: bench_overload [seconds of overload, default 20]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/forwarding.hpp>

namespace session = flame::session;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

namespace {

constexpr auto trip = 50ms;
constexpr std::size_t workers = 2, batch = 64;
constexpr std::size_t capacity = workers * batch * (1000 / trip.count());  // creates a second

std::atomic<std::size_t> created{0};

class Slow final : public session::Store {
 public:
  std::unique_ptr<session::StoreConnection> make_connection() override {
    return std::make_unique<Connection>(inner_->make_connection());
  }
  [[nodiscard]] session::StoreTraits traits() const noexcept override { return {}; }

 private:
  class Connection final : public session::test_support::Forwarding {
   public:
    using Forwarding::Forwarding;
    void run(std::span<session::StoreOp> ops, const session::Call& call) override {
      std::this_thread::sleep_for(trip);
      inner().run(ops, call);
      created += session::only(session::Verb::create, ops).size();
    }
  };

  const session::StorePtr inner_ = session::memory::store();
};

struct Second {
  std::atomic<std::size_t> offered{0}, saved{0}, refused{0};
  std::atomic<long> longest_ms{0};
};
std::vector<Second> seconds(120);

/// A visitor who stores something: a create.
struct Visit {
  session::CommitOperation commit{};
  session::Session session{};
  Steady::time_point at{};
  Second* in = nullptr;

  void answered() noexcept {
    const bool saved = commit.result->has_value();
    ++(saved ? in->saved : in->refused);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - at).count();
    for (long seen = in->longest_ms; saved && took > seen;)
      if (in->longest_ms.compare_exchange_weak(seen, took)) break;
    delete this;
  }
};

struct Inline final : session::Executor {
  void post(session::Operation* list) noexcept override {
    while (list) {
      auto* const each = list;
      list = list->next;
      static_cast<Visit*>(each->context)->answered();
    }
  }
};

void offer(session::Manager& manager, Inline& executor, std::size_t rate, std::size_t from,
           std::size_t count) {
  const auto began = Steady::now();
  for (std::size_t i = 0; i < rate * count; ++i) {
    std::this_thread::sleep_until(began + i * 1'000'000us / static_cast<long>(rate));
    auto* const visit = new Visit;
    visit->in = &seconds[from + i / rate];
    ++visit->in->offered;
    visit->at = Steady::now();
    visit->session.set("user_id", 123);
    visit->commit.session = &visit->session;
    visit->commit.executor = &executor;
    visit->commit.context = visit;
    if (manager.start(visit->commit)) visit->answered();
  }
}

}  // namespace

int main(int count, char** words) {
  const auto overload = static_cast<std::size_t>(count > 1 ? std::atoi(words[1]) : 20);
  constexpr std::size_t normal = 3, after = 6;
  session::Options options;
  options.store = std::make_shared<Slow>();
  options.max_created_per_second = 0;
  options.on_event = [](const session::Event&) {};
  session::Manager manager(std::move(options));
  if (!manager.open()) return 1;
  Inline executor;
  offer(manager, executor, capacity * 9 / 10, 0, normal);
  offer(manager, executor, capacity * 18 / 10, normal, overload);
  offer(manager, executor, capacity * 9 / 10, normal + overload, after);
  std::this_thread::sleep_for(3s);
  std::printf("a store of %zu creates a second, deadlines of 2 s\n", capacity);
  std::printf("%6s %8s %8s %8s %12s\n", "second", "offered", "saved", "503", "longest, ms");
  std::size_t saved = 0;
  for (std::size_t i = 0; i < normal + overload + after; ++i) {
    const auto& each = seconds[i];
    saved += each.saved;
    std::printf("%6zu %8zu %8zu %8zu %12ld\n", i + 1, each.offered.load(), each.saved.load(),
                each.refused.load(), each.longest_ms.load());
  }
  std::printf("%zu records were created, and %zu requests had a 2xx\n", created.load(), saved);
  return manager.stop() ? 0 : 1;
}
