#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <flame/session/manager.hpp>

namespace flame::inline v0::session {

/// What comes while so many events wait is lost, and counted.
inline constexpr std::size_t max_waiting_events = 4096;

/// Tells the events of one process in their order, on a thread of its own: so that nobody who
/// causes one waits for the handler. Shared with that thread, which a handler may keep for ever.
class Teller : public std::enable_shared_from_this<Teller> {
 public:
  using Handler = std::function<void(const Event&)>;

  /// For tests that make Managers by the hundred thousand: there is no thread, and wait() and
  /// stop() tell.
  static inline std::atomic<bool> by_hand{false};

  explicit Teller(Handler handler) : handler_(std::move(handler)) {}
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  /// With the lock. False: it is lost. `name` is a constant.
  bool push(std::string_view name, const SessionKey* key, std::string_view text) noexcept;
  /// With the lock: so many were lost before they came here.
  void count_lost(std::size_t count) noexcept;

  /// Returns when all that was pushed before has been told, or never will be. At once on the
  /// thread that tells.
  void wait() noexcept;
  /// Tells what waits, and no more after that. False: the handler did not return until then, by the
  /// system's clock; what waits is lost, and its thread touches nothing but *this and the handler
  /// any more.
  bool stop(Deadline until) noexcept;

 private:
  struct Waiting {
    std::string_view name{};
    SessionKey key{};
    bool has_key = false;
    std::string text{};
  };
  /// Keeps the memory of its texts for the next ones.
  struct List {
    std::vector<Waiting> places{};
    std::size_t used = 0;
  };
  /// A list that grew longer than this gives its memory back.
  static constexpr std::size_t most_kept = 256;

  void add(std::string_view name, const SessionKey* key, std::string_view text);
  void wake() noexcept;
  void run() noexcept;
  void tell_waiting(std::unique_lock<std::mutex>& lock) noexcept;
  void tell_all(std::size_t lost) noexcept;
  void tell(const Event& event) const noexcept;

  const Handler handler_;
  List telling_{};  // the thread's own
  std::atomic<bool> left_behind_{false};

  std::mutex mutex_{};
  std::condition_variable wake_{};     // the thread waits
  std::condition_variable changed_{};  // others wait for it
  List waiting_{};
  std::size_t lost_ = 0;
  std::size_t pushed_ = 0, told_ = 0;  // in all, the telling of those lost among them
  bool asleep_ = false, hurry_ = false, stopping_ = false, running_ = false;
  std::thread thread_{};
  std::thread::id teller_{};
};

}  // namespace flame::inline v0::session
