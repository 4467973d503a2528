#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string_view>

#include <flame/session/manager.hpp>

namespace flame::inline v0::session {

/// Lines of one name that the default handler prints in a second; the rest is counted.
inline constexpr unsigned max_event_lines = 10;

/// Hands events to the application, or to stderr; says once what would otherwise repeat. Any
/// thread.
class Events {
 public:
  Events(std::function<void(const Event&)> handler, const Clock& clock);

  void emit(std::string_view name, const SessionKey* key, std::string_view text) const noexcept;
  /// Once for each of the last records that could not be read.
  void unreadable(const SessionKey& key, std::string_view text) noexcept;
  /// Once in this process.
  void cookie_at_risk() noexcept;
  /// At each change between the two.
  void store_down(std::string_view why) noexcept;
  void store_answered() noexcept {
    if (down_.load(std::memory_order_relaxed)) store_up();
  }

 private:
  void store_up() noexcept;

  std::function<void(const Event&)> handler_;
  std::atomic<bool> down_{false};
  std::atomic<bool> warned_of_cookie_{false};
  std::mutex mutex_{};
  std::array<SessionKey, 64> reported_{};
  std::size_t next_reported_ = 0;
};

}  // namespace flame::inline v0::session
