#pragma once

#include <cstdint>

#include "link.hpp"

namespace flame::inline v0::session::postgres {

/// Removes what has expired, a range of the table's blocks at a time, without an index: that would
/// cost each save more than all sweeps.
class Sweeper {
 public:
  /// `seed` spreads where sweepers begin.
  Sweeper(Link& link, std::uint64_t seed) noexcept : link_(link), seed_(seed) {}
  [[nodiscard]] std::size_t sweep(std::size_t limit, const Call& call);

 private:
  /// Some of a range; how many went.
  [[nodiscard]] std::size_t step(std::size_t most, const Call& call);

  Link& link_;
  std::uint64_t seed_;
  bool begun_ = false;
  std::uint32_t block_ = 0, blocks_ = 0;
  std::uint16_t item_ = 0;
};

}  // namespace flame::inline v0::session::postgres
