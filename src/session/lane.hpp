#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

#include "dispatch.hpp"

namespace flame::inline v0::session {

/// The calls that wait for one kind of worker, first come, first served. Any thread.
class Lane {
 public:
  /// Calls that may wait: above it they are refused at once.
  static constexpr std::size_t max_waiting = 10'000;

  /// False: full, or closed.
  [[nodiscard]] bool push(StoreCall& call) noexcept;
  /// Waits for calls, then takes what is there, up to the bounds. False: closed, and nothing is left.
  /// With `until`, also true, and `out` empty, once that is over.
  [[nodiscard]] bool take(std::size_t max_calls, std::size_t max_bytes, Deadline until,
                          std::vector<StoreCall*>& out);
  /// Takes out what waits though its deadline has passed.
  void take_late(Deadline now, std::vector<StoreCall*>& out);
  /// Nothing more comes in; workers finish what waits.
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept;
  /// Waits until `until`, or until closed.
  void pause(Deadline until);

 private:
  mutable std::mutex mutex_{};
  std::condition_variable filled_{};
  StoreCall* first_ = nullptr;
  StoreCall** end_ = &first_;
  std::size_t waiting_ = 0;
  std::size_t idle_workers_ = 0;
  bool closed_ = false;
};

}  // namespace flame::inline v0::session
