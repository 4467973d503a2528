#pragma once

#include <span>
#include <vector>

#include <flame/session/environment.hpp>

#include "dispatch.hpp"
#include "plan.hpp"

namespace flame::inline v0::session {

/// Conflicts that one write bears before it gives up (503): each means that somebody else got on.
inline constexpr int max_conflicts = 100;
/// Store failures that one write bears.
inline constexpr int max_store_failures = 3;

/// One write of a session, until its outcome is known: plans its units on the newest record, again
/// after each conflict, and settles an unknown outcome by the write's token. Decides only: whoever
/// drives it runs the operations.
class WriteFlow {
 public:
  /// `base` null: creates a session, under a new ID at each try. One without a token knows only its
  /// key, and is read first. base and units outlive the flow.
  WriteFlow(const PlanContext& context, RandomSource& random, const Base* base,
            std::span<Unit* const> units, bool keeps_written);

  /// The operation to run next; null: every unit has its result.
  [[nodiscard]] StoreOp* next(TimePoint now);
  /// What became of it.
  void answer(const std::optional<Failure>& failure, TimePoint now);

  /// The newest record as this flow knows it, the written one only if it was to be kept. Empty key:
  /// none.
  [[nodiscard]] Record take_newest();

 private:
  [[nodiscard]] bool needs_reading() const noexcept;
  void answer_write(const std::optional<Failure>& failure, TimePoint now);
  void answer_settling(const std::optional<Failure>& failure, TimePoint now);
  void adopt_newest(TimePoint now);
  void failed(const Failure& failure);
  void end_all();
  void fail_all(Error error);

  const PlanContext& context_;
  RandomSource& random_;
  const Base* base_;
  std::span<Unit* const> units_;
  const bool keeps_written_;

  StoreOp op_{};
  Base newest_{};  // what base_ points to after a conflict
  Record written_{};
  WriteToken token_{};  // of the last try; 0: nothing is planned yet
  struct Try {
    WriteToken token{}, expected{};
  };
  std::vector<Try> unknown_{};  // whose outcome nobody told
  int conflicts_ = 0;
  int failures_ = 0;
  bool settling_ = false;  // or reading first
  bool finished_ = false;
};

}  // namespace flame::inline v0::session
