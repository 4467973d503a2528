#include "library_thread.hpp"

#include <unistd.h>

namespace flame::inline v0::session {
namespace {

thread_local bool is_ours = false;

}  // namespace

bool is_library_thread() noexcept { return is_ours; }
void mark_library_thread() noexcept { is_ours = true; }

void park_for_ever() noexcept {
  for (;;) ::pause();
}

}  // namespace flame::inline v0::session
