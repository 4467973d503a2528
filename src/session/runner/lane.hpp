#pragma once

#include <atomic>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <flame/session/store_counters.hpp>

#include "dispatch.hpp"
#include "fifo.hpp"
#include "wait_list.hpp"

namespace flame::inline v0::session {

/// StoreCounters::Lane, counted by several threads.
struct LaneCounters {
  std::atomic<std::uint64_t> operations{0}, exchanges{0}, repeated{0}, conflicts{0}, aborted{0},
      refused{0};
  std::atomic<std::chrono::nanoseconds::rep> queue_time{0}, exchange_time{0};

  template <class Number>
  static void add(std::atomic<Number>& to, std::type_identity_t<Number> n) noexcept {
    to.fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] StoreCounters::Lane read() const noexcept;
};

/// The calls that wait for one kind of worker, first come, first served. Any thread.
class Lane {
 public:
  /// Calls that may wait: above it they are refused at once.
  static constexpr std::size_t max_waiting = 10'000;

  enum class Pushed : std::uint8_t { waits, full, closed };
  [[nodiscard]] Pushed push(StoreCall& call) noexcept;
  /// Waits for calls, then takes what is there, up to the bounds. False: closed, and nothing is
  /// left. With `until`, also true, and `out` empty, once that is over.
  [[nodiscard]] bool take(std::size_t max_calls, std::size_t max_bytes, Deadline until,
                          std::vector<StoreCall*>& out);
  /// Takes out what waits though its deadline has passed.
  [[nodiscard]] Fifo<StoreCall> take_late(Deadline now) noexcept;
  /// Nothing more comes in; workers finish what waits.
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept;
  /// Waits until `until`, or until closed.
  void pause(Deadline until) noexcept;

  LaneCounters counters{};

 private:
  void put_back(Fifo<StoreCall> left, std::size_t count) noexcept;

  mutable ShortMutex mutex_{};
  WaitList idle_{};
  WaitList pausing_{};  // who pauses must not swallow what wakes an idle worker
  Fifo<StoreCall> calls_{};
  std::size_t waiting_ = 0;
  bool closed_ = false;
};

}  // namespace flame::inline v0::session
