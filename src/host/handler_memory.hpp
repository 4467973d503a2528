#pragma once

#include <array>
#include <boost/asio/bind_allocator.hpp>
#include <cstddef>
#include <utility>

namespace flame::inline v0::detail {

/// The memory of one handler of Asio's at a time, so that what is begun with it cannot fail for
/// want of any. Asio gives it back before it runs the handler, which may use it again. It outlives
/// the io_context, which may have it.
class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  template <class Handler>
  [[nodiscard]] auto bind(Handler handler) noexcept {
    return boost::asio::bind_allocator(Allocator<std::byte>(*this), std::move(handler));
  }

 private:
  template <class T>
  struct Allocator {
    using value_type = T;

    explicit Allocator(HandlerMemory& of) noexcept : memory(&of) {}
    template <class Other>
    explicit(false) Allocator(const Allocator<Other>& other) noexcept : memory(other.memory) {}
    T* allocate(std::size_t) noexcept {
      static_assert(sizeof(T) <= sizeof memory->bytes_ && alignof(T) <= alignof(std::max_align_t));
      return reinterpret_cast<T*>(memory->bytes_.data());
    }
    void deallocate(T*, std::size_t) noexcept {}
    bool operator==(const Allocator&) const = default;

    HandlerMemory* memory;
  };

  alignas(std::max_align_t) std::array<std::byte, 256> bytes_{};
};

}  // namespace flame::inline v0::detail
