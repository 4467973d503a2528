#pragma once

#include <mutex>
#include <random>
#include <thread>

#include "batch.hpp"
#include "breaker.hpp"
#include "lane.hpp"

namespace flame::inline v0::session {

/// What the workers of one runner share.
struct RunnerShared {
  StorePtr store;
  StoreTime& time;
  const std::chrono::milliseconds deadline;
  StoreTraits traits;
  Breaker breaker{};
  std::mutex prepare_mutex{};
  bool prepared = false;

  RunnerShared(StorePtr its_store, StoreTime& its_time, std::chrono::milliseconds its_deadline)
      : store(std::move(its_store)),
        time(its_time),
        deadline(its_deadline),
        traits(store->traits()) {}

  /// Throws StoreError.
  void prepare(Deadline until);
  [[nodiscard]] Call call_now(Deadline until) const { return {time.now(), until}; }
};

/// A thread with a connection: takes what waits in its lane, and runs it as batches.
class Worker {
 public:
  Worker(RunnerShared& shared, Lane& lane, bool background);
  ~Worker();  ///< joins: the lane must be closed before
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// From the watchdog: aborts an exchange that began before `limit`.
  void abort_older_than(Deadline limit) noexcept;

 private:
  void loop();
  void run(std::vector<StoreCall*>& calls);
  void exchange();
  void run_part(Batch::Part part, Deadline until, bool repeated);
  void failed(Batch::Part part, Deadline until, bool repeated, const StoreError& error);
  void note_failure(const char* text);
  [[nodiscard]] bool connected(Deadline until);
  void connect(Deadline until);
  void disconnect() noexcept;
  void background();
  [[nodiscard]] std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause);

  /// While one lives, the watchdog may abort the connection.
  class Exchange;

  RunnerShared& shared_;
  Lane& lane_;
  const bool background_;
  std::minstd_rand jitter_;
  Batch batch_{};
  Error last_error_{};
  Deadline next_sweep_{};

  std::mutex mutex_{};  // between this thread and the watchdog: the connection, and when its exchange began
  std::unique_ptr<StoreConnection> connection_{};
  Deadline exchange_since_{};
  bool aborted_ = false;

  std::thread thread_;  // last: it starts with everything above in place
};

}  // namespace flame::inline v0::session
