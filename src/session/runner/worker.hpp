#pragma once

#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "batch.hpp"
#include "breaker.hpp"
#include "lane.hpp"

namespace flame::inline v0::session {

/// What the workers of one machine share.
struct RunnerShared {
  StorePtr store;
  StoreTime& time;
  const Clock& clock;
  const std::function<void(const Error&)>& on_sweep_failed;  // set, and does not throw
  const std::chrono::milliseconds deadline;
  const StoreTraits traits;
  Breaker breaker{};
  std::mutex prepare_mutex{};
  bool prepared = false;

  /// How long one exchange may take.
  [[nodiscard]] std::chrono::milliseconds exchange_limit() const noexcept;
  /// Throws StoreError.
  void prepare(Deadline until);
  /// What stores and waits are given is the steady clock's, whatever clock a test runs on.
  [[nodiscard]] Deadline real(Deadline at) const noexcept {
    return std::chrono::steady_clock::now() + (at - clock.steady());
  }
  [[nodiscard]] Call call_within(std::chrono::milliseconds limit) const noexcept {
    return {time.now(), std::chrono::steady_clock::now() + limit};
  }
};

/// Answers calls that were never sent.
void refuse_all(Fifo<StoreCall> calls, Errc code, const char* text) noexcept;

/// A thread with a connection: takes what waits in its lane, and runs it as batches.
class Worker {
 public:
  Worker(RunnerShared& shared, Lane& lane, bool background);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Its end: the lane must be closed before.
  void join() noexcept { thread_.join(); }
  /// From the watchdog: aborts an exchange that began before `limit`.
  void abort_older_than(Deadline limit) noexcept;

 private:
  void loop() noexcept;
  void run(std::vector<StoreCall*>& calls) noexcept;
  void refuse_late(std::vector<StoreCall*>& calls) noexcept;
  void run_part(const Batch::Part& part, bool repeated);
  void exchange(const Batch::Part& part);
  void failed(const Batch::Part& part, bool repeated, const Failure& failure);
  void lost(Failure failure, Deadline began) noexcept;
  [[nodiscard]] bool connected() noexcept;
  void connect();
  void disconnect() noexcept;
  void background() noexcept;
  void read_clock(std::chrono::milliseconds limit);
  void sweep();
  [[nodiscard]] std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause);

  /// While one lives, the watchdog may abort the connection.
  class Exchange;
  class Counted;

  RunnerShared& shared_;
  Lane& lane_;
  const bool background_;
  std::minstd_rand jitter_;
  Batch batch_;
  Error last_error_{};
  Deadline connected_since_{};
  Deadline next_sweep_{};

  std::mutex mutex_{};  // with the watchdog: the connection, and when its exchange began
  std::unique_ptr<StoreConnection> connection_{};
  Deadline exchange_since_{};
  bool aborted_ = false;

  std::thread thread_;  // last: it starts with everything above in place
};

}  // namespace flame::inline v0::session
