#pragma once

#include <atomic>
#include <bitset>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "batch.hpp"
#include "breaker.hpp"
#include "lane.hpp"
#include "prepare_once.hpp"

namespace flame::inline v0::session {

/// What the workers of one machine share.
struct RunnerShared {
  StorePtr store;
  StoreTime& time;
  const Clock& clock;
  const Dispatch& told;
  const std::chrono::milliseconds deadline;
  const StoreTraits traits;
  PrepareOnce prepared;
  Breaker breaker{};
  std::atomic<Deadline> away_at{Deadline::min()};  // when a connection last told that its server is

  std::mutex mutex{};
  std::condition_variable changed{};  // workers end, and tell it

  /// How long one exchange may take.
  [[nodiscard]] std::chrono::milliseconds exchange_limit() const noexcept;
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
  Worker(RunnerShared& shared, Lane& lane, std::size_t max_batch, bool background);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// How long it has been in the store by now; 0: it is not.
  [[nodiscard]] std::chrono::nanoseconds in_store_for(Deadline now) noexcept;
  /// Whether what it is at in the store has taken longer than that may.
  [[nodiscard]] bool is_over_limit(Deadline now) noexcept;
  /// Aborts what it is at in the store, once. May block as long as the store's abort() does.
  void abort() noexcept;

  /// Its lane must be closed before. By real time; false: it has not ended.
  [[nodiscard]] bool wait_for_end(Deadline until) noexcept;
  [[nodiscard]] bool ended() noexcept { return wait_for_end({}); }
  void join() noexcept { thread_.join(); }
  /// The calls of one that is left behind.
  struct Left {
    Fifo<StoreCall> in_store{}, unsent{};
  };
  /// True: it hangs in the store, will never come back from there, and its memory must stay.
  [[nodiscard]] bool leave_behind(Left& left) noexcept;

 private:
  void loop() noexcept;
  [[nodiscard]] Deadline rises_at() const noexcept;
  [[nodiscard]] bool connect_first() noexcept;
  void run() noexcept;
  void answer_others(bool is_connected) noexcept;
  void list(StoreCall& call) noexcept;
  [[nodiscard]] bool list_once(StoreCall& call) noexcept;
  void refuse_late() noexcept;
  void put_off_again() noexcept;
  void run_batch();
  [[nodiscard]] Batch::Part ask_who_was_refused();
  void remember_refusals();
  void run_part(const Batch::Part& part, bool repeated);
  void exchange(const Batch::Part& part);
  void failed(const Batch::Part& part, bool repeated, const Failure& failure);
  void answer() noexcept;
  void come_again(StoreCall& call) noexcept;
  void lost(Failure failure, Deadline began) noexcept;
  [[nodiscard]] bool connected() noexcept;
  void check_alive() noexcept;
  void retire() noexcept;
  [[nodiscard]] Deadline retires() const noexcept;
  void connect();
  void prepare(Deadline until);
  void read_clock(std::chrono::milliseconds limit);
  void disconnect() noexcept;
  void background() noexcept;
  void sweep();
  [[nodiscard]] std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause);

  /// While one lives, the store has the connection, and it may be aborted.
  class InStore;
  class Measured;
  /// A call of the store that must end well on a connection that is still good.
  template <class F>
  void ask_store(std::chrono::milliseconds limit, F f);

  RunnerShared& shared_;
  Lane& lane_;
  const bool background_;
  std::minstd_rand jitter_;
  std::vector<StoreCall*> calls_;  // taken, and not sent yet
  Batch batch_;
  std::bitset<5> refuses_{};  // by verb: the last batch of it was refused item by item
  bool serves_ = false;       // it is connected, and counts as such in its lane
  Fifo<StoreCall> others_{};  // of no batch: the store has the first of them
  Error last_error_{};
  Deadline connected_since_{}, last_used_{}, grows_old_at_{};
  Deadline next_sweep_{};

  std::mutex mutex_{};  // with who aborts and stops
  std::unique_ptr<StoreConnection> connection_{};
  Deadline in_store_since_{}, in_store_until_{};
  bool closing_ = false;  // a connection, which may hang as well
  std::condition_variable abort_ended_{};
  bool aborting_ = false, aborted_ = false, left_behind_ = false, ended_ = false;

  std::thread thread_;  // last: it starts with everything above in place
};

}  // namespace flame::inline v0::session
