#pragma once

#include <boost/intrusive/set.hpp>

#include "job.hpp"
#include "runner/wait_list.hpp"

namespace flame::inline v0::session {

/// The touches of a store that blocks. No request waits for them, so each is kept until it is sent,
/// or its session has ended: one for each session, and a later one takes its place. Any thread.
class Touches {
 public:
  static constexpr std::size_t most_kept = 10'000;

  Touches(Core& core, Dispatch& dispatch) : core_(core), dispatch_(dispatch) {}
  Touches(const Touches&) = delete;
  Touches& operator=(const Touches&) = delete;
  ~Touches();

  void send(StoreOp op) noexcept;
  /// Returns when all are sent but those that have failed already, or at `until` (of the steady
  /// clock).
  void drain(Deadline until) noexcept;
  /// Those that found no place, or had to be dropped: their sessions end early.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

 private:
  struct Touch;
  struct KeyOf {
    using type = SessionKey;
    const SessionKey& operator()(const Touch& touch) const noexcept;
  };
  struct Touch : boost::intrusive::set_base_hook<> {
    explicit Touch(Touches& its_owner) noexcept : owner(its_owner) {}
    Touches& owner;
    SessionKey key{};
    std::string session_owner{};
    TimePoint last_seen{}, expires_at{};  // the newest
    bool fresh = false;                   // it has not failed yet
    int tries = 0;
    StoreCall call{};
  };

  void submit(Touch& touch) noexcept;
  void answered(Touch& touch) noexcept;
  void set_fresh(Touch& touch, bool fresh) noexcept;
  [[nodiscard]] static bool has_more(const Touch& touch) noexcept;
  [[nodiscard]] bool goes_on(Touch& touch) noexcept;
  void drop() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }

  Core& core_;
  Dispatch& dispatch_;
  ShortMutex mutex_{};
  boost::intrusive::set<Touch, boost::intrusive::key_of_value<KeyOf>> touches_{};
  std::size_t fresh_ = 0;  // of those, how many have not failed yet
  WaitList waiting_{};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace flame::inline v0::session
