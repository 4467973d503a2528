#pragma once

#include <cstddef>

#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::memory {

/// At a bound expired sessions go first, then the ownerless that were idle longest. A session with
/// an owner never goes for one without; where nothing may go, the new one is refused (503).
struct MemoryOptions {
  std::size_t max_sessions = 1'000'000;
  std::size_t max_bytes = std::size_t{1} << 30;  ///< of records, as the store counts them
};

/// Sessions in this process, gone with it. Never blocks; shared by all who hold the pointer.
[[nodiscard]] StorePtr store(MemoryOptions options = {});

}  // namespace flame::inline v0::session::memory

#pragma GCC visibility pop
