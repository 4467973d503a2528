#pragma once

namespace flame::test {

/// While one lives, allocation `n` of this thread from now on fails, and those after it succeed.
class Failing {
 public:
  explicit Failing(long n) noexcept;
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;
  ~Failing();
  /// Whether it came to that; else there were no more than n.
  [[nodiscard]] bool failed() const noexcept;
};

/// Of this thread, since it began.
struct Allocations {
  long made = 0;
  long freed = 0;
};
[[nodiscard]] Allocations allocations() noexcept;

}  // namespace flame::test
