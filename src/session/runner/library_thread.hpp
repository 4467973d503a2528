#pragma once

namespace flame::inline v0::session {

/// Whether this thread is one of the library's own, or in a callback: what waits for the end of
/// those would wait for itself.
[[nodiscard]] bool is_library_thread() noexcept;
void mark_library_thread() noexcept;

/// While one lives, its thread runs code of the application's that something under way waits for:
/// a function given to update(), an executor's post(), on_event.
class InCallback {
 public:
  InCallback() noexcept;
  ~InCallback();
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;
};

/// For a thread that comes back from a store after it was left behind: all that it knew may be
/// gone.
[[noreturn]] void park_for_ever() noexcept;

}  // namespace flame::inline v0::session
