#include "runner.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "fork.hpp"
#include "worker.hpp"

namespace flame::inline v0::session {
namespace {

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

StoreTraits checked(StoreTraits traits) noexcept {
  traits.max_batch = std::max<std::size_t>(traits.max_batch, 1);
  return traits;
}

/// Lanes, workers and watchdog of one process.
class Machine {
 public:
  /// Threads that cannot be started are thrown as std::system_error.
  Machine(const StorePtr& store, StoreTime& time, const Clock& clock,
          std::chrono::milliseconds deadline, const Dispatch& told, bool prepared,
          const Machine* inherited)
      : shared_{.store = store,
                .time = time,
                .clock = clock,
                .on_sweep_failed = told.on_sweep_failed,
                .deadline = deadline,
                .traits = checked(store->traits()),
                .prepared = prepared},
        on_wake_(told.on_wake),
        inherited_(inherited),
        generation_(fork_generation.load()) {
    try {
      constexpr std::array counts{read_workers, write_workers, background_workers};
      for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
        for (std::size_t i = 0; i < counts[lane]; ++i)
          workers_.push_back(std::make_unique<Worker>(shared_, lanes_[lane], lane == background));
      watchdog_ = std::thread([this] { watch(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Machine() = default;  // stop() came before
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] bool is_of_this_process() const noexcept {
    return generation_ == fork_generation.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Lane::Pushed push(StoreCall& call) noexcept {
    call.queued_at = shared_.clock.steady();
    return lanes_[lane_of(call.op.verb)].push(call);
  }
  void wake_at(Deadline at) noexcept {
    const std::scoped_lock lock(mutex_);
    alarm_ = at;
    if (at < sleeps_until_) changed_.notify_one();
  }
  [[nodiscard]] StoreCounters counters() const noexcept {
    const auto of = [this](LaneName lane) { return lanes_[lane].counters.read(); };
    return {of(reads), of(writes), of(background)};
  }

  /// Answers what waits, and nothing after that. The watchdog goes last: it aborts what hangs.
  void stop() noexcept {
    for (Lane& lane : lanes_) lane.close();
    for (const auto& worker : workers_) worker->join();
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (watchdog_.joinable()) watchdog_.join();
  }

 private:
  void watch() noexcept {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto tick = shared_.clock.steady() + shared_.deadline / 2;
      sleeps_until_ = alarm_ == Deadline{} ? tick : std::min(tick, alarm_);
      changed_.wait_until(lock, shared_.real(sleeps_until_));
      const auto now = shared_.clock.steady();
      const bool ring = alarm_ != Deadline{} && alarm_ <= now;
      if (ring) alarm_ = {};
      lock.unlock();
      if (ring) on_wake_();
      look_after_workers(now);
      lock.lock();
    }
  }

  void look_after_workers(Deadline now) noexcept {
    for (const auto& worker : workers_) worker->abort_older_than(now - shared_.exchange_limit());
    for (Lane& lane : lanes_)
      refuse_all(lane.take_late(now), Errc::deadline,
                 "the store was too busy to begin: nothing was done");
  }

  RunnerShared shared_;
  const std::function<void()>& on_wake_;
  [[maybe_unused]] const Machine* const
      inherited_;  // left alone, and kept reachable for leak checkers
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
  Runner(StorePtr store, StoreTime& time, const Clock& clock, std::chrono::milliseconds deadline)
      : store_(std::move(store)), time_(time), clock_(clock), deadline_(deadline) {
    count_forks();
  }
  ~Runner() override {
    stop();
    Machine* const machine = machine_.load();
    if (machine && machine->is_of_this_process()) delete machine;
  }

  std::optional<Failure> open() override {
    try {
      store_->prepare({time_.now(), std::chrono::steady_clock::now() + deadline_});
      prepared_ = true;
    } catch (const StoreError& error) {
      if (error.kind() == StoreError::Kind::refused) throw;
      return failure_of(Errc::store_unavailable, error.what(), false);
    }
    return std::nullopt;
  }

  bool submit(StoreCall& call) noexcept override {
    Machine* const machine = running();
    const auto pushed = machine ? machine->push(call) : Lane::Pushed::full;
    if (pushed == Lane::Pushed::waits) return false;
    if (pushed == Lane::Pushed::closed || stopped_)
      call.failure = failure_of(Errc::stopped, was_stopped, false);
    else
      call.failure = failure_of(Errc::overloaded,
                                machine ? "too many operations wait for the store"
                                        : "the threads that serve the store cannot be started",
                                false);
    return true;
  }

  void wake_at(Deadline at) noexcept override {
    if (Machine* const machine = running()) machine->wake_at(at);
  }

  [[nodiscard]] StoreCounters counters() const noexcept override {
    const Machine* const machine = machine_.load(std::memory_order_acquire);
    return machine && machine->is_of_this_process() ? machine->counters() : StoreCounters{};
  }

  /// The machine itself stays: a submit() that overlaps with this may still reach for it.
  void stop() noexcept override {
    const std::scoped_lock lock(mutex_);
    if (stopped_.exchange(true)) return;
    Machine* const machine = machine_.load();
    if (machine && machine->is_of_this_process()) machine->stop();
  }

 private:
  /// Starts the threads where none of this process run. Those of a parent process are left alone,
  /// with their connections, which are still the parent's. Null: stopped, or they did not start.
  Machine* running() noexcept {
    Machine* machine = machine_.load(std::memory_order_acquire);
    if (machine && machine->is_of_this_process()) return machine;
    const std::scoped_lock lock(mutex_);
    machine = machine_.load();
    if (machine && machine->is_of_this_process()) return machine;
    if (stopped_) return nullptr;
    try {
      machine = new Machine(store_, time_, clock_, deadline_, *this, prepared_, machine);
    } catch (const std::exception&) {
      return nullptr;
    }
    machine_.store(machine, std::memory_order_release);
    return machine;
  }

  const StorePtr store_;
  StoreTime& time_;
  const Clock& clock_;
  const std::chrono::milliseconds deadline_;
  bool prepared_ = false;
  std::mutex mutex_{};
  std::atomic<Machine*> machine_{nullptr};
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<Dispatch> store_runner(StorePtr store, StoreTime& time, const Clock& clock,
                                       std::chrono::milliseconds deadline) {
  return std::make_unique<Runner>(std::move(store), time, clock, deadline);
}

}  // namespace flame::inline v0::session
