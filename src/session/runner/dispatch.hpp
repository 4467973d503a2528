#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <flame/session/store.hpp>
#include <flame/session/store_counters.hpp>

#include "failure.hpp"
#include "store_time.hpp"

namespace flame::inline v0::session {

/// One store operation under way: the submitter's own, unmoved until done.
struct StoreCall {
  StoreOp op{};
  Deadline deadline{};
  std::optional<Failure> failure{};  ///< set: op.outcome means nothing
  void (*done)(StoreCall&) noexcept = nullptr;
  void* context = nullptr;
  StoreCall* next = nullptr;  ///< the queue's, and so is queued_at
  Deadline queued_at{};
};

/// How the Manager reaches its store, and sweeps it. Any thread.
class Dispatch {
 public:
  virtual ~Dispatch() = default;
  /// Connects where it can. The failure of a store that is down for now; throws StoreError(refused)
  /// for what the operator must mend.
  virtual std::optional<Failure> open() = 0;
  /// True: answered now, and done() is not called.
  virtual bool submit(StoreCall& call) noexcept = 0;
  /// Calls the wake handler at that time, on a thread of its own; a later call replaces an earlier
  /// one.
  virtual void wake_at(Deadline) noexcept {}
  /// Answers all that is under way, and nothing after that.
  virtual void stop() noexcept = 0;

  [[nodiscard]] virtual StoreCounters counters() const noexcept { return {}; }

  // Set before open(); must not throw.
  std::function<void()> on_wake{[] {}};
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
