#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include <flame/session/manager.hpp>

#include "event_counts.hpp"
#include "teller.hpp"

namespace flame::inline v0::session {

/// Lines of one name that the default handler prints in a second; the rest is counted.
inline constexpr unsigned max_event_lines = 10;

/// How long stop() waits for a handler that does not return, by the system's clock.
inline constexpr std::chrono::seconds event_patience{5};

/// Hands events to the application, or to stderr, on a thread of its own that starts with the first
/// one; says once what would otherwise repeat. A child of fork() has a thread and a queue of its
/// own. Any thread.
class Events {
 public:
  Events(Teller::Handler handler, const Clock& clock);
  ~Events();
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  /// Never waits for the handler. `name` is a constant; the rest is copied.
  void emit(std::string_view name, const SessionKey* key, std::string_view text) noexcept;
  /// Once for each of the last records that could not be read.
  void unreadable(const SessionKey& key, std::string_view text) noexcept;
  /// Once in this process.
  void cookie_at_risk() noexcept;
  /// At each change between the two, and for each further reason, of the first few, while it is
  /// down: after a lost connection the server may say that the password is another one now.
  void store_down(std::string_view why) noexcept;
  void store_answered() noexcept {
    if (down_.load(std::memory_order_relaxed)) store_up();
  }

  [[nodiscard]] const EventCounts& counts() const noexcept { return counts_; }
  /// Returns when all events so far were told; at once within the handler.
  void wait() noexcept;
  /// Tells what waits; there are none after that. False: the handler did not return until then, by
  /// the system's clock; it is left behind.
  bool stop(Deadline until) noexcept;

 private:
  /// The teller of one process.
  struct Telling {
    const unsigned generation;
    const std::shared_ptr<Teller> teller;
    const Telling* const inherited;  // left alone, and kept reachable for leak checkers
  };

  void store_up() noexcept;
  bool push(Teller& teller, std::string_view name, const SessionKey* key,
            std::string_view text) noexcept;
  [[nodiscard]] static bool is_of_this_process(const Telling* telling) noexcept;
  [[nodiscard]] Teller* teller_of_this_process() const noexcept;
  [[nodiscard]] Teller& running_teller();
  [[nodiscard]] Teller::Handler handler() const;
  template <class F>
  void with_teller(F f) noexcept;

  const Teller::Handler handler_;  // never called: each process calls a copy of it
  const Clock& clock_;
  EventCounts counts_{};
  std::atomic<Telling*> telling_{nullptr};
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> lost_{0};  // those that met no teller
  std::atomic<bool> warned_of_cookie_{false};
  // Under the teller's lock, so that their events keep the order of what they tell of.
  std::atomic<bool> down_{false};
  std::atomic<std::size_t> last_reason_{0};  // hashes, here and below
  std::array<std::size_t, 4> reasons_{};
  std::size_t reason_count_ = 0;
  std::array<SessionKey, 64> reported_{};
  std::size_t next_reported_ = 0;
};

}  // namespace flame::inline v0::session
