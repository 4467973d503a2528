// What the runner adds to a session's load and commit: CPU time and allocations per operation, with
// 64 of them always under way, over a store that blocks for no time: bench_runner [operations,
// default 200000]
#include <semaphore.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>

namespace session = flame::session;

static std::atomic<std::size_t> allocations{0};

// Not inlined: g++ 12 would see memory of one kind of allocation freed as another's.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

constexpr std::size_t connections = 64;
constexpr std::size_t rounds = 11;

/// A memory store that says it blocks, or not.
class Instant final : public session::Store {
 public:
  explicit Instant(bool blocking) : blocking_(blocking) {}
  std::unique_ptr<session::StoreConnection> make_connection() override {
    return inner_->make_connection();
  }
  [[nodiscard]] session::StoreTraits traits() const noexcept override {
    return {.blocking = blocking_};
  }

 private:
  const session::StorePtr inner_ = session::memory::store();
  const bool blocking_;
};

/// An event loop of one thread, as far as completions go: woken once for what came together.
class Loop final : public session::Executor {
 public:
  Loop() { ::sem_init(&posted_, 0, 0); }
  void post(session::Operation* list) noexcept override {
    auto* last = list;
    while (last->next) last = last->next;
    auto* before = done_.load(std::memory_order_relaxed);
    do {
      last->next = before;
    } while (!done_.compare_exchange_weak(before, list, std::memory_order_acq_rel));
    if (!before) ::sem_post(&posted_);
  }
  session::Operation* wait() {
    while (::sem_wait(&posted_) != 0) continue;  // a signal came
    return done_.exchange(nullptr, std::memory_order_acq_rel);
  }

 private:
  std::atomic<session::Operation*> done_{nullptr};
  sem_t posted_;
};

/// One visitor, who loads his session over and over; and commits a change where he writes.
struct Visitor {
  session::LoadOperation load{};
  session::CommitOperation commit{};
  std::string cookie{};
  std::string_view line{};
  session::Session held{};
  bool writes = false, committing = false;
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

class Bench {
 public:
  explicit Bench(bool blocking) : manager_(options(blocking)) {
    check(manager_.open().has_value());
    for (auto& visitor : visitors_) {
      auto created = manager_.load({}, session::Need::write);
      created->set("user_id", 123);
      const auto answer = manager_.commit(*created);
      check(answer.has_value());
      for (const auto& [name, value] : answer->fields)
        if (name == "Set-Cookie") visitor.cookie = value.substr(0, value.find(';'));
      visitor.line = visitor.cookie;
    }
  }

  /// Microseconds of CPU, and allocations, for each operation (a load, or a commit).
  std::pair<double, double> run(std::size_t operations, bool writes) {
    const auto cpu = cpu_seconds();
    const auto before = allocations.load();
    left_ = operations;
    for (auto& visitor : visitors_) {
      visitor.writes = writes;
      next(visitor);
    }
    while (under_way_ > 0)
      for (auto* at = loop_.wait(); at;) {
        auto& visitor = *static_cast<Visitor*>(at->context);
        at = at->next;
        --under_way_;
        finish(visitor);
        next(visitor);
      }
    const auto n = static_cast<double>(operations);
    return {(cpu_seconds() - cpu) * 1e6 / n, static_cast<double>(allocations - before) / n};
  }

  session::Manager& manager() { return manager_; }

 private:
  static session::Options options(bool blocking) {
    session::Options out;
    out.store = std::make_shared<Instant>(blocking);
    out.cookie.plain_http = true;
    out.on_event = [](const session::Event&) {};
    return out;
  }
  static void check(bool good) {
    if (good) return;
    std::fprintf(stderr, "bench_runner: an operation failed\n");
    std::exit(1);
  }

  /// Until one is under way; a store that does not block answers at once.
  void next(Visitor& visitor) {
    while (left_ > 0) {
      --left_;
      if (!(visitor.committing ? start_commit(visitor) : start_load(visitor))) {
        ++under_way_;
        return;
      }
      finish(visitor);
    }
  }
  bool start_load(Visitor& visitor) {
    visitor.load.request.cookie_lines = {&visitor.line, 1};
    visitor.load.need = visitor.writes ? session::Need::write : session::Need::read;
    visitor.load.executor = &loop_;
    visitor.load.context = &visitor;
    visitor.load.result.reset();
    return manager_.start(visitor.load);
  }
  bool start_commit(Visitor& visitor) {
    visitor.held.set("n", left_);
    visitor.commit.session = &visitor.held;
    visitor.commit.executor = &loop_;
    visitor.commit.context = &visitor;
    visitor.commit.result.reset();
    return manager_.start(visitor.commit);
  }
  static void finish(Visitor& visitor) {
    if (visitor.committing) {
      check(visitor.commit.result->has_value());
    } else {
      check(visitor.load.result->has_value() && (*visitor.load.result)->exists());
      visitor.held = std::move(**visitor.load.result);
    }
    visitor.committing = visitor.writes && !visitor.committing;
  }

  Loop loop_{};
  session::Manager manager_;
  std::deque<Visitor> visitors_{connections};
  std::size_t left_ = 0;
  std::size_t under_way_ = 0;
};

double median(std::vector<double> numbers) {
  std::ranges::sort(numbers);
  return numbers[numbers.size() / 2];
}

void print_batches(const char* name, const session::StoreCounters::Lane& lane) {
  const auto n = static_cast<double>(std::max<std::uint64_t>(lane.operations, 1));
  std::printf("  %-10s %5.1f operations an exchange, %6.1f us in the queue\n", name,
              n / static_cast<double>(std::max<std::uint64_t>(lane.exchanges, 1)),
              static_cast<double>(lane.queue_time.count()) / n / 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t operations = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200'000;
  Bench direct(false), runner(true);
  for (const bool writes : {false, true}) {
    std::vector<double> cpu[3], memory[2];
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto [direct_cpu, direct_memory] = direct.run(operations, writes);
      const auto [runner_cpu, runner_memory] = runner.run(operations, writes);
      cpu[0].push_back(direct_cpu), cpu[1].push_back(runner_cpu);
      cpu[2].push_back(runner_cpu - direct_cpu);
      memory[0].push_back(direct_memory), memory[1].push_back(runner_memory);
    }
    const auto [least, most] = std::ranges::minmax(cpu[2]);
    std::printf(
        "%s: CPU %.2f us direct, %.2f us by the runner: it adds %.2f us (%.2f to %.2f); "
        "allocations %.2f and %.2f\n",
        writes ? "load and commit" : "load", median(cpu[0]), median(cpu[1]), median(cpu[2]), least,
        most, median(memory[0]), median(memory[1]));
    const auto counters = runner.manager().counters();
    print_batches("reads", counters.reads);
    if (writes) print_batches("writes", counters.writes);
  }
}
