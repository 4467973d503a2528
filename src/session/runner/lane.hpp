#pragma once

#include <atomic>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <flame/session/environment.hpp>
#include <flame/session/store_counters.hpp>

#include "congestion.hpp"
#include "dispatch.hpp"
#include "fifo.hpp"
#include "wait_list.hpp"

namespace flame::inline v0::session {

/// StoreCounters::Lane, counted by several threads.
struct LaneCounters {
  std::atomic<std::uint64_t> operations{0}, exchanges{0}, repeated{0}, later{0}, conflicts{0},
      aborted{0}, refused{0};
  std::atomic<std::chrono::nanoseconds::rep> queue_time{0}, exchange_time{0};

  template <class Number>
  static void add(std::atomic<Number>& to, std::type_identity_t<Number> n) noexcept {
    to.fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] StoreCounters::Lane read() const noexcept;
};

/// The calls that wait for one kind of worker, first come, first served; and those that wait for
/// another try at a time of their own. Any thread.
class Lane {
 public:
  /// Calls that may wait, and their bytes: above either they are refused at once.
  static constexpr std::size_t max_waiting = 10'000;
  static constexpr std::size_t max_waiting_bytes = std::size_t{64} << 20;

  struct Limits {
    LaneTraits traits{};
    std::chrono::nanoseconds deadline{std::chrono::hours(1)};  ///< that calls usually have
    std::size_t max_put_off = max_waiting / 4;  ///< of those that wait for a time of their own
    bool bounds_wait = true;  ///< false: what comes too late all the same is taken in
  };

  Lane(const Clock& clock, const Limits& limits);

  enum class Pushed : std::uint8_t { waits, full, closed };
  [[nodiscard]] Pushed push(StoreCall& call) noexcept;
  /// One that was taken goes back until its not_before. False: its deadline comes first, or there
  /// is no place.
  [[nodiscard]] bool put_off(StoreCall& call) noexcept;
  /// Of who tries again what was put off. 0: nobody's.
  using Turn = unsigned;
  /// Waits for calls, then takes what is there, up to the bounds of the lane. What was put off and
  /// is due is taken by itself, by one worker at a time, so that it holds up nothing else: that one
  /// is given a turn, and ends it when it is done. One that takes too long, for it hangs, is passed
  /// over. False: closed, and nothing is left. Also true, and `out` empty, once `until` (of the
  /// steady clock) is over.
  [[nodiscard]] bool take(Deadline until, std::vector<StoreCall*>& out, Turn& turn);
  void end(Turn turn) noexcept;
  [[nodiscard]] Fifo<StoreCall> take_all() noexcept;
  /// Waits until there is something to take, and leaves it. False: `until` is over. Another worker
  /// is woken for it, too.
  [[nodiscard]] bool wait(Deadline until) noexcept;
  /// A worker more, or less, is connected.
  void serves(int change) noexcept { serving_.fetch_add(change, std::memory_order_relaxed); }
  [[nodiscard]] bool others_serve() const noexcept {
    return serving_.load(std::memory_order_relaxed) > 0;
  }
  /// An exchange of so many operations took so long, and was answered or not: one that hung, or was
  /// cut, says nothing of how long others take.
  void exchanged(std::size_t operations, std::chrono::nanoseconds took, bool answered) noexcept;
  /// When so many that are sent now would be answered: who must have that earlier need not be sent.
  [[nodiscard]] Deadline answers_at(std::size_t operations, Deadline now) const noexcept;

  /// Nothing more comes in; workers finish what waits.
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept;
  /// Waits until `until` (of the steady clock), or until closed.
  void pause(Deadline until) noexcept;

  LaneCounters counters{};

 private:
  [[nodiscard]] Pushed admit(const StoreCall& call, std::size_t bytes) noexcept;
  [[nodiscard]] bool has_place(const StoreCall& call, std::size_t bytes) noexcept;
  void set_late_apart(Deadline now) noexcept;
  [[nodiscard]] bool wait_for_work(std::unique_lock<ShortMutex>& lock, Deadline until) noexcept;
  [[nodiscard]] Deadline next_retry() const noexcept;
  [[nodiscard]] bool retry_is_due() const noexcept;
  void take_put_off(std::vector<StoreCall*>& out) noexcept;
  void add_put_off(StoreCall& call, std::size_t bytes) noexcept;
  struct Taken {
    std::size_t of, out, limit;
  };
  void put_back(Fifo<StoreCall> left, Taken taken, std::size_t bytes) noexcept;

  const Clock& clock_;
  const LaneTraits traits_;
  const std::size_t max_put_off_;
  const bool bounds_wait_;
  const std::chrono::nanoseconds longest_turn_;

  mutable ShortMutex mutex_{};
  WaitList idle_{};
  WaitList pausing_{};  // who pauses must not swallow what wakes an idle worker
  Fifo<StoreCall> calls_{};
  Fifo<StoreCall> late_{};  // taken out of those that wait, which they keep no place of
  Deadline looked_for_late_{};
  std::size_t waiting_ = 0, bytes_ = 0;
  std::vector<StoreCall*> put_off_{};  // a heap, the first due in front
  std::size_t put_off_bytes_ = 0;
  Turn turn_ = 0;         // the last that was given
  Deadline turn_ends_{};  // at the latest; unset: nobody has one
  Congestion congestion_;
  bool closed_ = false;
  std::atomic<int> serving_{0};
};

}  // namespace flame::inline v0::session
