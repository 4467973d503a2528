#pragma once

#include <cstdint>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// What a save that was confirmed survives, in a store on this machine's disk. At every level a
/// record is wholly old or wholly new, or absent; never torn.
enum class Durability : std::uint8_t {
  none,           ///< promises nothing, and costs nothing
  process_crash,  ///< the end of any process, kill -9 too; a power cut may lose the last seconds
  power_cut,  ///< also a power cut, at some disk flushes for each save; touches alone may be lost
};

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
