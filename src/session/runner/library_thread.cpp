#include "library_thread.hpp"

#include <unistd.h>

namespace flame::inline v0::session {
namespace {

thread_local int callbacks = 0;  // a thread of the library's own is in one all its life

}  // namespace

bool is_library_thread() noexcept { return callbacks > 0; }
void mark_library_thread() noexcept { ++callbacks; }

InCallback::InCallback() noexcept { ++callbacks; }
InCallback::~InCallback() { --callbacks; }

void park_for_ever() noexcept {
  for (;;) ::pause();
}

}  // namespace flame::inline v0::session
