#pragma once

#include <algorithm>
#include <array>
#include <atomic>

#include <flame/session/manager.hpp>

namespace flame::inline v0::session {

/// How often each event came. Any thread.
class EventCounts {
 public:
  void add(std::string_view name) noexcept {
    const auto at = std::ranges::find(event::all, name);
    if (at == event::all.end()) return;
    counts_[static_cast<std::size_t>(at - event::all.begin())].fetch_add(1, relaxed);
  }
  [[nodiscard]] std::array<EventCount, event::all.size()> read() const noexcept {
    std::array<EventCount, event::all.size()> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = {event::all[i], counts_[i].load(relaxed)};
    return out;
  }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  std::array<std::atomic<std::uint64_t>, event::all.size()> counts_{};
};

}  // namespace flame::inline v0::session
