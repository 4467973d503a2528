#pragma once

#include "events.hpp"
#include "plan/write_flow.hpp"
#include "session_impl.hpp"

namespace flame::inline v0::session {

/// A response of this status, or above, saves nothing.
inline constexpr int failed_from = 500;

/// What the jobs of one Manager share.
struct Core {
  Rules rules{};
  VerifierHash hash;
  RandomSource& random;
  Clock& clock;
  StoreTime time;
  Events events;
  CreationLimit creations;
  std::atomic<bool> answers{false};  ///< the store did, the last time
  std::atomic<TimePoint> last_login{TimePoint{}};
  const std::shared_ptr<FlashHome> flash_home = std::make_shared<FlashHome>();

  Core(const Options& options, const Environment& environment)
      : hash(options.application),
        random(*environment.random),
        clock(*environment.clock),
        time(clock),
        events(options.on_event, clock),
        creations(clock) {}

  [[nodiscard]] PlanContext plan_context() { return {rules, hash, creations}; }
  [[nodiscard]] Deadline deadline_from_now() const noexcept {
    return clock.steady() + rules.deadline;
  }
  /// Of a login that counts against a limit: later than the one before, so that these have an order
  /// within this process where there are many in a millisecond; half a second ahead at most.
  [[nodiscard]] TimePoint login_time() noexcept;
  /// Every answered operation passes here: an outcome that its verb may not answer is a failure
  /// from here on; and what it says of the store itself is told.
  void judge(StoreCall& call) noexcept;
};

/// One load or commit, as steps that whoever drives it takes: directly, or through the gate.
class Job {
 public:
  enum class Step : std::uint8_t {
    finished,
    call,   ///< run the operation that was filled in, then answered()
    write,  ///< write unit() on base(), together with others of that session, then written()
    many,   ///< run calls() at once, in no order, then all_answered()
  };

  virtual ~Job() = default;
  /// Fills in `op` for a call.
  [[nodiscard]] virtual Step next(StoreOp& op) = 0;
  /// `now` is store time, when the store was asked or later; of a touch, which nobody waits for,
  /// none.
  virtual void answered(StoreOp& op, const std::optional<Failure>& failure, TimePoint now) = 0;

  [[nodiscard]] Unit& unit() noexcept { return unit_; }
  /// Goes with it in the same write, and for itself: a flash message on its way back. Null: none.
  [[nodiscard]] Unit* beside() noexcept { return beside_.get(); }
  [[nodiscard]] std::vector<StoreCall>& calls() noexcept { return calls_; }
  virtual void all_answered() {}
  /// What was answered so far cannot be taken back.
  [[nodiscard]] virtual bool did_some() const noexcept { return false; }
  /// Says how much that is, to whom `error` is told. Any thread, whatever the job is at.
  virtual void tell_progress(Error&) const noexcept {}
  /// Null: the unit begins a session.
  [[nodiscard]] virtual const Base* base() const noexcept = 0;
  /// The unit has its result; `newest` is the record as it is now, where a claim asked for it.
  virtual void written(Record newest) = 0;

 protected:
  Unit unit_;
  std::unique_ptr<Unit> beside_{};
  std::vector<StoreCall> calls_{};
};

}  // namespace flame::inline v0::session
