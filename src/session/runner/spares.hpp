#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "wait_list.hpp"

#ifdef __SANITIZE_ADDRESS__
#define FLAME_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLAME_ASAN 1
#endif
#endif
#ifdef FLAME_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace flame::inline v0::session {

/// Memory for one kind of object, kept for the next ones: what one thread allocates and another
/// frees makes the two wait for each other in malloc, where here it goes round. Any thread.
class Spares {
 public:
  /// What is more goes back to the system.
  static constexpr std::size_t most_kept = 256;

  Spares() = default;
  Spares(const Spares&) = delete;
  Spares& operator=(const Spares&) = delete;
  ~Spares() {
    while (kept_ > 0) ::operator delete(pop());
  }

  /// Of the same size at each call: a second kind of object would be written past what is kept.
  [[nodiscard]] void* allocate(std::size_t size) {
    {
      const std::scoped_lock lock(mutex_);
      if (std::exchange(size_, size) != size && in_use() + kept_ > 0) std::abort();
      in_use_.fetch_add(1, std::memory_order_relaxed);
      if (kept_ > 0) return pop();
    }
    return allocate_new(size);
  }
  void deallocate(void* memory) noexcept {
    {
      const std::scoped_lock lock(mutex_);
      count_back();
      if (kept_ < most_kept) return push(memory);
    }
    ::operator delete(memory);
  }
  /// For tests.
  [[nodiscard]] std::size_t kept() noexcept {
    const std::scoped_lock lock(mutex_);
    return kept_;
  }
  /// As it is now, or was a moment ago.
  [[nodiscard]] std::size_t in_use() const noexcept {
    return in_use_.load(std::memory_order_relaxed);
  }
  /// Returns when all of it has come back. False: at `until` some has not.
  [[nodiscard]] bool wait_for_all(Deadline until) noexcept {
    std::unique_lock lock(mutex_);
    while (in_use() > 0)
      if (!waiting_.wait_until(lock, until)) return in_use() == 0;
    return true;
  }

 private:
  struct Spare {
    Spare* next;
  };

  void push(void* memory) noexcept {
    first_ = new (memory) Spare{first_};
    ++kept_;
#ifdef FLAME_ASAN
    ASAN_POISON_MEMORY_REGION(memory, size_);
#endif
  }
  void* pop() noexcept {
    Spare* const spare = first_;
#ifdef FLAME_ASAN
    ASAN_UNPOISON_MEMORY_REGION(spare, size_);
#endif
    first_ = spare->next;
    --kept_;
    return spare;
  }
  void* allocate_new(std::size_t size) try { return ::operator new(size); } catch (...) {
    const std::scoped_lock lock(mutex_);
    count_back();
    throw;
  }
  void count_back() noexcept {
    if (in_use_.fetch_sub(1, std::memory_order_relaxed) == 1) waiting_.wake_all();
  }

  ShortMutex mutex_{};
  WaitList waiting_{};
  std::size_t size_ = 0;
  Spare* first_ = nullptr;
  std::size_t kept_ = 0;
  std::atomic<std::size_t> in_use_{0};  // changes under the lock
};

/// For std::allocate_shared.
template <class T>
struct SpareAllocator {
  using value_type = T;

  explicit SpareAllocator(Spares& its_spares) noexcept : spares(&its_spares) {}
  template <class Other>
  explicit(false) SpareAllocator(const SpareAllocator<Other>& other) noexcept
      : spares(other.spares) {}
  [[nodiscard]] T* allocate(std::size_t n) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return static_cast<T*>(spares->allocate(n * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) noexcept { spares->deallocate(memory); }
  bool operator==(const SpareAllocator&) const = default;

  Spares* spares;
};

}  // namespace flame::inline v0::session
