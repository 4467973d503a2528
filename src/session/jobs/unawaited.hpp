#pragma once

#include <array>
#include <boost/intrusive/set.hpp>
#include <vector>

#include "job.hpp"
#include "runner/wait_list.hpp"

namespace flame::inline v0::session {

/// What no request waits for at a store that blocks: touches, and the erases of strays (WriteFlow).
/// Each is kept until it is done, or its session has ended by itself: one for each session, where a
/// later touch takes the place of one, and an erase that of a touch. Any thread.
class Unawaited {
 public:
  static constexpr std::size_t most_kept = 10'000;
  /// A stray is erased again after these: what a store that was slow still had may be written late.
  static constexpr std::array<std::chrono::seconds, 2> again_after{std::chrono::seconds(2),
                                                                   std::chrono::seconds(30)};

  Unawaited(Core& core, Dispatch& dispatch) : core_(core), dispatch_(dispatch) {}
  Unawaited(const Unawaited&) = delete;
  Unawaited& operator=(const Unawaited&) = delete;
  ~Unawaited();

  /// Verb, key, owner, last_seen and expires_at of it count.
  void send(StoreOp op) noexcept;
  /// Takes out of a page what is to be erased: nobody's sessions are in no list, and no limit
  /// counts them meanwhile.
  void leave_out_erased(std::vector<Record>& sessions) noexcept;
  /// Returns when all are sent but those that have failed already, or at `until` (of the steady
  /// clock).
  void drain(Deadline until) noexcept;
  /// Touches that found no place, or had to be dropped: their sessions end early. A dropped erase
  /// is an event.
  [[nodiscard]] std::uint64_t touches_dropped() const noexcept {
    return touches_dropped_.load(std::memory_order_relaxed);
  }

 private:
  struct Kept;
  struct KeyOf {
    using type = SessionKey;
    const SessionKey& operator()(const Kept& kept) const noexcept;
  };
  struct Kept : boost::intrusive::set_base_hook<> {
    explicit Kept(Unawaited& its_owner) noexcept : owner(its_owner) {}
    Unawaited& owner;
    Verb verb{};
    SessionKey key{};
    std::string session_owner{};
    TimePoint last_seen{}, expires_at{};  // the newest
    bool fresh = false;                   // it was neither sent nor has it failed yet
    int failures = 0;                     // without a success between
    std::size_t erased = 0;               // times
    StoreCall call{};
  };

  void take_in(Kept& kept, StoreOp& op) noexcept;
  void submit(Kept& kept) noexcept;
  void answered(Kept& kept) noexcept;
  void set_fresh(Kept& kept, bool fresh) noexcept;
  [[nodiscard]] static bool is_newer(const Kept& kept) noexcept;
  [[nodiscard]] static bool is_done(const Kept& kept) noexcept;
  [[nodiscard]] static std::chrono::milliseconds pause(const Kept& kept) noexcept;
  [[nodiscard]] bool goes_on(Kept& kept, bool& is_lost) noexcept;
  void drop(Verb verb, const SessionKey& key) noexcept;

  Core& core_;
  Dispatch& dispatch_;
  ShortMutex mutex_{};
  boost::intrusive::set<Kept, boost::intrusive::key_of_value<KeyOf>> all_{};
  std::size_t fresh_ = 0;   // of those
  std::size_t erases_ = 0;  // of those
  WaitList waiting_{};
  std::atomic<std::uint64_t> touches_dropped_{0};
};

}  // namespace flame::inline v0::session
