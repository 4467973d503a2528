#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <flame/session/store.hpp>
#include <flame/session/store_counters.hpp>

#include "failure.hpp"
#include "store_time.hpp"

namespace flame::inline v0::session {

/// Whether an operation was sent: who waits for it and who sends it decide that between them, so
/// that what is told as "nothing was done" stays so. Any thread.
class Sending {
 public:
  /// By who sends, each time. False: nobody waits any more.
  [[nodiscard]] bool begin() noexcept {
    auto seen = State::waiting;
    return state_.compare_exchange_strong(seen, State::sent) || seen == State::sent;
  }
  /// By who waits. True: it will not be sent. False: it was, and what becomes of it is unknown.
  [[nodiscard]] bool give_up() noexcept {
    auto seen = State::waiting;
    return state_.compare_exchange_strong(seen, State::given_up) || seen == State::given_up;
  }
  /// By who sent: it surely did not apply, and waits again.
  void reopen() noexcept {
    auto seen = State::sent;
    state_.compare_exchange_strong(seen, State::waiting);
  }

 private:
  enum class State : std::uint8_t { waiting, sent, given_up };
  std::atomic<State> state_{State::waiting};
};

/// A page of an owner's sessions, or of everyone's keys, that somebody wants.
struct ListRequest {
  bool everyone = false;  ///< the records of the answer have keys, and nothing else
  std::string owner{}, from{};
  std::size_t limit = 0;
  OwnerPage page{};  ///< the answer

  [[nodiscard]] OwnerPage read(StoreConnection& store, const Call& call) const {
    if (!everyone) return store.list(owner, from, limit, call);
    auto found = store.scan(from, limit, call);
    OwnerPage out{.next = std::move(found.next)};
    out.records.reserve(found.keys.size());
    for (const auto& key : found.keys) out.records.push_back({.key = key});
    return out;
  }
};

/// One store operation under way: the submitter's own, unmoved until done.
struct StoreCall {
  StoreOp op;
  Deadline deadline{};
  TimePoint now{};                   ///< store time, for a store that is called at once
  std::optional<Failure> failure{};  ///< set: op.outcome means nothing
  void (*done)(StoreCall&) noexcept = nullptr;
  void* context = nullptr;
  Sending* sending = nullptr;   ///< null: it is sent whoever waits
  Deadline not_before{};        ///< it is not sent earlier
  ListRequest* list = nullptr;  ///< instead of `op`: among the loads, not behind a sweep
  bool connects_only = false;   ///< nothing is sent: done once there is a connection
  bool is_background = false;   ///< no request waits for it: it takes no place of what one does

  // The queue's.
  StoreCall* next = nullptr;
  Deadline queued_at{};
  bool maybe_applied = false;    ///< an earlier try is of unknown outcome
  std::uint8_t times_later = 0;  ///< how often the store put it off
};

/// How the Manager reaches its store, and sweeps it. Any thread.
class Dispatch {
 public:
  virtual ~Dispatch() = default;
  /// Connects where it can, reads the backend's clock, and closes that connection again. The
  /// failure of a store that is down for now; throws StoreError(refused) for what the operator must
  /// mend.
  virtual std::optional<Failure> open() = 0;
  /// True: answered now, and done() is not called.
  virtual bool submit(StoreCall& call) noexcept = 0;
  /// Calls the wake handler once at that time, on a thread of its own; of several times at the
  /// first.
  virtual void wake_at(Deadline) noexcept {}
  /// Answers all that is under way, and nothing after that. What hangs in the store at `until` (of
  /// the steady clock) is left behind: the text says where. Empty: nothing was.
  virtual std::string stop(Deadline until) noexcept = 0;

  [[nodiscard]] virtual StoreCounters counters() const noexcept { return {}; }

  // Set before open(); must not throw.
  std::function<void()> on_wake{[] {}};
  /// What the store's prepare() told.
  std::function<void(const std::string&)> on_warning{[](const std::string&) {}};
  /// Expired records could not be removed: nobody waits for an answer that would say so.
  std::function<void(const Error&)> on_sweep_failed{[](const Error&) {}};
};

/// A Store that brings its own way of being called: how tests step a store by hand.
class DispatchSource {
 public:
  virtual ~DispatchSource() = default;
  [[nodiscard]] virtual std::unique_ptr<Dispatch> dispatch(const StoreTime& time) = 0;
};

/// For stores that never block: called at once, on the caller's thread.
[[nodiscard]] std::unique_ptr<Dispatch> direct_dispatch(StorePtr store, const StoreTime& time);

}  // namespace flame::inline v0::session
