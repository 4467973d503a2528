#pragma once

namespace flame::test {

enum class After { succeeds, fails_too };

/// While one lives, allocation `n` of this thread from now on fails; those after it succeed, unless
/// told otherwise.
class Failing {
 public:
  explicit Failing(long n, After after = After::succeeds) noexcept;
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
