#pragma once

namespace flame::inline v0::session {

/// Whether this thread is one of the library's own: what waits for those would wait for itself.
[[nodiscard]] bool is_library_thread() noexcept;
void mark_library_thread() noexcept;

/// For a thread that comes back from a store after it was left behind: all that it knew may be
/// gone.
[[noreturn]] void park_for_ever() noexcept;

}  // namespace flame::inline v0::session
