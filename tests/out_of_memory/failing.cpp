#include "failing.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

/// How many allocations of this thread succeed before one fails; negative: none does.
thread_local long allocations_left = -1;
thread_local bool others_fail_too = false;

thread_local flame::test::Allocations counted;

bool fails() noexcept {
  if (allocations_left == 0 && others_fail_too) return true;
  return allocations_left >= 0 && allocations_left-- == 0;
}

}  // namespace

// Not inlined: g++ 12 would see memory of one kind of allocation freed as another's.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = fails() ? nullptr : std::malloc(size);
  if (!memory) throw std::bad_alloc();
  ++counted.made;
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory) ++counted.freed;
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}

// Asio's own allocations.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  void* memory = nullptr;
  if (fails() || ::posix_memalign(&memory, alignment, size) != 0) return nullptr;
  return memory;
}

namespace flame::test {

Allocations allocations() noexcept { return counted; }

Failing::Failing(long n, After after) noexcept {
  allocations_left = n;
  others_fail_too = after == After::fails_too;
}
Failing::~Failing() { allocations_left = -1; }
bool Failing::failed() const noexcept { return allocations_left < 0; }

}  // namespace flame::test
