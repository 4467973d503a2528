#include "runner.hpp"

#include <pthread.h>

#include <array>
#include <atomic>
#include <vector>

#include "worker.hpp"

namespace flame::inline v0::session {
namespace {

/// Counts the forks that lie between this process and its first ancestor.
std::atomic<unsigned> fork_generation{0};

void count_forks() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
}

enum LaneName : std::size_t { reads, writes, background };

LaneName lane_of(Verb verb) noexcept {
  switch (verb) {
    case Verb::load:
      return reads;
    case Verb::touch:
      return background;
    case Verb::create:
    case Verb::replace:
    case Verb::erase:
      break;
  }
  return writes;
}

/// Lanes, workers and watchdog of one process.
class Machine {
 public:
  Machine(RunnerShared& shared, const std::function<void()>& on_wake)
      : shared_(shared), on_wake_(on_wake), generation_(fork_generation.load()) {
    constexpr std::array counts{read_workers, write_workers, background_workers};
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
      for (std::size_t i = 0; i < counts[lane]; ++i)
        workers_.push_back(std::make_unique<Worker>(shared, lanes_[lane], lane == background));
    watchdog_ = std::thread([this] { watch(); });
  }

  ~Machine() {
    for (Lane& lane : lanes_) lane.close();
    workers_.clear();
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    watchdog_.join();
  }

  [[nodiscard]] bool is_of_this_process() const noexcept {
    return generation_ == fork_generation.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool push(StoreCall& call) noexcept { return lanes_[lane_of(call.op.verb)].push(call); }

  void wake_at(Deadline at) noexcept {
    const std::scoped_lock lock(mutex_);
    alarm_ = at;
    if (at < sleeps_until_) changed_.notify_one();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto tick = std::chrono::steady_clock::now() + shared_.deadline / 2;
      sleeps_until_ = alarm_ == Deadline{} ? tick : std::min(tick, alarm_);
      changed_.wait_until(lock, sleeps_until_);
      const auto now = std::chrono::steady_clock::now();
      const bool ring = alarm_ != Deadline{} && alarm_ <= now;
      if (ring) alarm_ = {};
      lock.unlock();
      if (ring) on_wake_();
      look_after_workers(now);
      lock.lock();
    }
  }

  void look_after_workers(Deadline now) {
    for (const auto& worker : workers_) worker->abort_older_than(now - shared_.deadline * exchange_deadlines);
    for (Lane& lane : lanes_) {
      std::vector<StoreCall*> late;
      lane.take_late(now, late);
      for (StoreCall* call : late) {
        call->failure = Failure{{Errc::deadline, "the store was too busy to begin: nothing was done"}, false};
        call->done(*call);
      }
    }
  }

  RunnerShared& shared_;
  const std::function<void()>& on_wake_;
  const unsigned generation_;
  std::array<Lane, 3> lanes_{};
  std::vector<std::unique_ptr<Worker>> workers_{};

  std::mutex mutex_{};
  std::condition_variable changed_{};
  Deadline alarm_{};
  Deadline sleeps_until_{};
  bool stopping_ = false;
  std::thread watchdog_{};
};

class Runner final : public Dispatch {
 public:
  Runner(StorePtr store, StoreTime& time, std::chrono::milliseconds deadline)
      : shared_(std::move(store), time, deadline) {
    count_forks();
  }
  ~Runner() override { stop(); }

  std::optional<Failure> open() override {
    try {
      shared_.prepare(std::chrono::steady_clock::now() + shared_.deadline);
    } catch (const StoreError& error) {
      if (error.kind() == StoreError::Kind::refused) throw;
      return Failure{{Errc::store_unavailable, error.what()}, false};
    }
    return std::nullopt;
  }

  bool submit(StoreCall& call) noexcept override {
    Machine* const machine = running();
    if (machine && machine->push(call)) return false;
    call.failure = machine ? Failure{{Errc::overloaded, "too many operations wait for the store"}, false}
                           : Failure{{Errc::stopped, "the session manager was stopped"}, false};
    return true;
  }

  void sweep(TimePoint) noexcept override {}  // the background worker's

  void wake_at(Deadline at) noexcept override {
    if (Machine* const machine = running()) machine->wake_at(at);
  }

  void stop() noexcept override {
    Machine* machine = nullptr;
    {
      const std::scoped_lock lock(mutex_);
      stopped_ = true;
      machine = machine_.exchange(nullptr);
    }
    if (machine && machine->is_of_this_process()) delete machine;
  }

 private:
  /// Starts the threads where none of this process run. Those of a parent process are left alone, with their
  /// connections, which are still the parent's.
  Machine* running() noexcept {
    Machine* machine = machine_.load(std::memory_order_acquire);
    if (machine && machine->is_of_this_process()) return machine;
    const std::scoped_lock lock(mutex_);
    machine = machine_.load();
    if (stopped_ || (machine && machine->is_of_this_process())) return machine;
    machine = new Machine(shared_, on_wake);
    machine_.store(machine, std::memory_order_release);
    return machine;
  }

  RunnerShared shared_;
  std::mutex mutex_{};
  std::atomic<Machine*> machine_{nullptr};
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<Dispatch> store_runner(StorePtr store, StoreTime& time,
                                       std::chrono::milliseconds deadline) {
  return std::make_unique<Runner>(std::move(store), time, deadline);
}

}  // namespace flame::inline v0::session
