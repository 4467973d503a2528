#include <chrono>

#include <flame/session/share_of.hpp>

namespace flame::inline v0::session {

Deadline share_of(Deadline until, std::size_t parts) noexcept {
  if (until == Deadline{} || parts < 2) return until;
  const auto now = std::chrono::steady_clock::now();
  return now + (until - now) / static_cast<Deadline::rep>(parts);
}

}  // namespace flame::inline v0::session
