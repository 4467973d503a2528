#pragma once

#include <atomic>
#include <cstddef>

#include <flame/session/memory.hpp>

namespace flame::inline v0::session::memory {

/// A counter that never passes its bound, not even for a moment: so no one is refused, or evicted,
/// for what another thread then gives back.
class Bounded {
 public:
  explicit Bounded(std::size_t bound) noexcept : bound_(bound) {}

  [[nodiscard]] bool take(std::size_t n) noexcept {
    auto used = used_.load(std::memory_order_relaxed);
    do {
      if (n > bound_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + n, std::memory_order_relaxed));
    return true;
  }
  void give_back(std::size_t n) noexcept { used_.fetch_sub(n, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t bound() const noexcept { return bound_; }

 private:
  std::size_t bound_;
  std::atomic<std::size_t> used_{0};
};

/// What all records of one store may take together. Any thread.
class Budget {
 public:
  explicit Budget(const MemoryOptions& options) noexcept
      : sessions_(options.max_sessions), bytes_(options.max_bytes) {}

  [[nodiscard]] bool take_session(std::size_t bytes) noexcept {
    if (!sessions_.take(1)) return false;
    if (bytes_.take(bytes)) return true;
    sessions_.give_back(1);
    return false;
  }
  void give_back_session(std::size_t bytes) noexcept {
    sessions_.give_back(1);
    bytes_.give_back(bytes);
  }

  /// Of a record that stays and changes its size.
  [[nodiscard]] bool resize(std::size_t from, std::size_t to) noexcept {
    if (to > from) return bytes_.take(to - from);
    bytes_.give_back(from - to);
    return true;
  }

  /// Whether a record of this size fits into an empty store.
  [[nodiscard]] bool could_hold(std::size_t bytes) const noexcept {
    return bytes <= bytes_.bound();
  }

 private:
  alignas(64) Bounded sessions_;
  alignas(64) Bounded bytes_;
};

}  // namespace flame::inline v0::session::memory
