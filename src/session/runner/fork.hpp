#pragma once

namespace flame::inline v0::session {

/// Counts the forks that lie between this process and its first ancestor. Whatever has threads or
/// locks is of one generation: a child makes its own, and never touches what another thread of its
/// parent may have held.
[[nodiscard]] unsigned fork_generation() noexcept;

}  // namespace flame::inline v0::session
