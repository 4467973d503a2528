#pragma once

#include <cstdint>
#include <mutex>

#include <flame/session/environment.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

/// The same bytes for the same seed, in order of the calls. Never for more than tests. Any thread.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) noexcept : state_(seed), before_(seed) {}

  [[nodiscard]] bool fill(std::span<std::byte> out) noexcept override;

  /// The next `times` calls of fill() answer false.
  void fail(std::size_t times = 1) noexcept;
  /// The next `times` calls of fill() give the bytes of the one before again: an ID that is drawn
  /// twice.
  void repeat(std::size_t times = 1) noexcept;

 private:
  std::mutex mutex_;
  std::uint64_t state_;
  std::uint64_t before_;  // the last fill
  std::size_t failures_ = 0;
  std::size_t repeats_ = 0;
};

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
