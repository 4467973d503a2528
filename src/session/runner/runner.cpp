#include "runner.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <utility>

#include "first_look.hpp"
#include "fork.hpp"
#include "machine.hpp"

namespace flame::inline v0::session {
namespace {

/// Each try starts and ends those threads that can be had.
constexpr std::chrono::milliseconds start_pause{100};

class Runner final : public Dispatch {
 public:
  Runner(StorePtr store, StoreTime& time, const Clock& clock, std::chrono::milliseconds deadline)
      : store_(std::move(store)), time_(time), clock_(clock), deadline_(deadline) {}
  ~Runner() override {
    static_cast<void>(stop(std::chrono::steady_clock::now() + deadline_));
    Machine* const machine = machine_.load();
    if (machine && machine->is_of_this_process() && !left_behind_) delete machine;
  }

  std::optional<Failure> open() override {
    auto failure = first_look(store_, time_, clock_, deadline_, on_warning);
    prepared_ = !failure;
    return failure;
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
    Machine* machine = running();
    if (!machine) {
      const std::scoped_lock lock(mutex_);
      machine = machine_.load();
      const bool is_there = machine && machine->is_of_this_process();
      if (!is_there) alarm_ = alarm_ == Deadline{} ? at : std::min(alarm_, at);
      if (!is_there) return;
    }
    machine->wake_at(at);
  }

  [[nodiscard]] StoreCounters counters() const noexcept override {
    const Machine* const machine = machine_.load(std::memory_order_acquire);
    return machine && machine->is_of_this_process() ? machine->counters() : StoreCounters{};
  }

  /// The machine itself stays: a submit() that overlaps with this may still reach for it.
  std::string stop(Deadline until) noexcept override {
    const std::scoped_lock lock(mutex_);
    if (stopped_.exchange(true)) return {};
    Machine* const machine = machine_.load();
    if (!machine || !machine->is_of_this_process()) return {};
    auto named = machine->stop(until);
    if (!named.empty()) keep_for_ever(*machine);
    return named;
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
    if (stopped_ || clock_.steady() < start_again_) return nullptr;
    try {
      machine = new Machine(store_, time_, clock_, deadline_, *this, prepared_, machine);
    } catch (const std::bad_alloc&) {
      return nullptr;
    } catch (const std::system_error&) {
      start_again_ = clock_.steady() + start_pause;
      return nullptr;
    }
    if (alarm_ != Deadline{}) machine->wake_at(std::exchange(alarm_, {}));
    machine_.store(machine, std::memory_order_release);
    return machine;
  }

  /// Threads of it are still in the store. Reachable, for leak checkers.
  void keep_for_ever(Machine& machine) noexcept {
    static std::mutex mutex;
    static auto& all = *new std::vector<Machine*>();
    const std::scoped_lock lock(mutex);
    left_behind_ = true;
    try {
      all.push_back(&machine);
    } catch (const std::bad_alloc&) {
    }
  }

  const StorePtr store_;
  StoreTime& time_;
  const Clock& clock_;
  const std::chrono::milliseconds deadline_;
  bool prepared_ = false;
  Deadline alarm_{};        // set while there were no threads; under the mutex
  Deadline start_again_{};  // under the mutex, after threads that did not start
  ForkMutex mutex_{};
  std::atomic<Machine*> machine_{nullptr};
  std::atomic<bool> stopped_{false};
  bool left_behind_ = false;
};

}  // namespace

std::unique_ptr<Dispatch> store_runner(StorePtr store, StoreTime& time, const Clock& clock,
                                       std::chrono::milliseconds deadline) {
  return std::make_unique<Runner>(std::move(store), time, clock, deadline);
}

}  // namespace flame::inline v0::session
