#pragma once

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "worker.hpp"

namespace flame::inline v0::session {

/// Lanes, workers and watchdogs of one process.
class Machine {
 public:
  /// Threads that cannot be started are thrown as std::system_error. `told` outlives it.
  Machine(const StorePtr& store, StoreTime& time, const Clock& clock,
          std::chrono::milliseconds deadline, const Dispatch& told, bool prepared,
          const Machine* inherited);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] bool is_of_this_process() const noexcept;
  [[nodiscard]] Lane::Pushed push(StoreCall& call) noexcept;
  void wake_at(Deadline at) noexcept;
  [[nodiscard]] StoreCounters counters() const noexcept;

  /// Half of the time for what waits; then nothing more is sent, and what is in the store is
  /// aborted. What hangs there all the same is named, its calls are answered, and this object must
  /// stay for ever. By real time.
  [[nodiscard]] std::string stop(Deadline until) noexcept;

 private:
  struct Pool {
    const char* name;
    Lane lane;
    std::vector<std::unique_ptr<Worker>> workers{};
  };

  void start_workers(Pool& pool, const LaneTraits& traits, bool background);
  void watch() noexcept;
  void abort_what_hangs() noexcept;
  void abort_all() noexcept;
  void abort_oldest(Pool& pool, Deadline now) noexcept;
  [[nodiscard]] bool wait_for_workers(Deadline until) noexcept;
  void leave_behind(Pool& pool, std::string& named) noexcept;
  void stop_watching(Deadline until, std::string& named) noexcept;
  template <class F>
  void for_each_worker(F f) noexcept;

  RunnerShared shared_;
  const std::function<void()>& on_wake_;
  [[maybe_unused]] const Machine* const
      inherited_;  // left alone, and kept reachable for leak checkers
  const unsigned generation_;
  Pool reads_, writes_, background_;

  std::mutex mutex_{};
  std::condition_variable changed_{};
  Deadline alarm_{};
  Deadline sleeps_until_{};
  bool stopping_ = false;
  bool aborts_all_ = false;
  bool aborter_ended_ = false;
  std::thread watchdog_{};  // answers what is late: it runs no code of store or application
  std::thread aborter_{};   // interrupts the store, which may take its time
};

}  // namespace flame::inline v0::session
