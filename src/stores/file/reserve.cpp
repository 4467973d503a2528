#include "reserve.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace flame::inline v0::session::file {

void Reserve::refill(Descriptor read) noexcept {
  if (is_full_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  // Of a place that this keeps nobody from unmounting.
  if (!source_) source_ = Descriptor(::open("/", O_PATH | O_CLOEXEC));
  if (!source_) return;
  for (auto& each : kept_) {
    if (each) continue;
    if (read && ::dup3(source_.get(), read.get(), O_CLOEXEC) >= 0)
      each = std::move(read);
    else
      each = Descriptor(::fcntl(source_.get(), F_DUPFD_CLOEXEC, 0));
  }
  is_full_ = std::ranges::all_of(kept_, [](const auto& each) { return static_cast<bool>(each); });
}

bool Reserve::give_one_up() noexcept {
  const std::scoped_lock lock(mutex_);
  const auto found =
      std::ranges::find_if(kept_, [](const auto& each) { return static_cast<bool>(each); });
  if (found == kept_.end()) return false;
  is_full_ = false;
  static_cast<void>(found->close());
  return true;
}

}  // namespace flame::inline v0::session::file
