#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <flame/session/environment.hpp>

#include "plan.hpp"
#include "runner/dispatch.hpp"

namespace flame::inline v0::session {

/// Conflicts that one write bears before it gives up (503): each means that somebody else got on.
inline constexpr int max_conflicts = 100;
/// Store failures that one write bears.
inline constexpr int max_store_failures = 3;

/// Ends the session of a record.
[[nodiscard]] StoreOp erase_of(const Record& record);

/// One write of a session, until its outcome is known: plans its units on the newest record, again
/// after each conflict, and settles an unknown outcome by the write's token. Decides only: whoever
/// drives it runs the operations.
class WriteFlow {
 public:
  /// `base` null: creates a session, under a new ID at each try. One without a token knows only its
  /// key, and is read first. base and units outlive the flow.
  WriteFlow(const PlanContext& context, RandomSource& random, const Base* base,
            std::span<Unit* const> units);

  /// Fills in the operation to run next. False: every unit has its result.
  [[nodiscard]] bool next(StoreOp& op, TimePoint now);
  /// What became of it; takes out of it what is worth keeping.
  void answer(StoreOp& op, const std::optional<Failure>& failure, TimePoint now);
  /// Nothing more is to be sent: every unit has its result.
  void give_up(Error error) {
    if (!finished_) fail_all(std::move(error));
  }
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  /// Nothing of it can have applied so far, unless it is finished.
  [[nodiscard]] bool surely_not_applied() const noexcept { return unknown_.empty(); }

  /// The newest record as this flow knows it; the written one if a unit claims a flash message, or
  /// the store left it. Token 0: none.
  [[nodiscard]] Record take_newest();

  /// The erases of logins that may have begun in tries of unknown outcome: nobody gets their IDs,
  /// but their owner would see them in lists, and limits count them, until they expire. A visitor's
  /// are seen by nobody.
  [[nodiscard]] std::vector<StoreOp> take_strays() noexcept { return std::move(strays_); }

 private:
  [[nodiscard]] bool needs_reading() const noexcept;
  [[nodiscard]] bool on_newest() const noexcept { return base_ && base_ == newest_.get(); }
  void answer_write(StoreOp& op, const std::optional<Failure>& failure, TimePoint now);
  void answer_settling(StoreOp& op, const std::optional<Failure>& failure, TimePoint now);
  void adopt_newest(Record& newest, TimePoint now);
  void failed(const Failure& failure);
  void end_all();
  void fail_all(Error error);

  const PlanContext& context_;
  RandomSource& random_;
  const Base* base_;
  std::span<Unit* const> units_;

  std::unique_ptr<Base> newest_{};  // what base_ points to after a conflict
  Record written_{};
  struct Try {
    WriteToken token{}, expected{};
  };
  Try last_{};                      // token 0: nothing is planned yet
  std::vector<Try> unknown_{};      // whose outcome nobody told
  std::optional<StoreOp> stray_{};  // of the last try; what the store took of its record is gone
  std::vector<StoreOp> strays_{};
  int conflicts_ = 0;
  int failures_ = 0;
  bool settling_ = false;  // or reading first
  bool finished_ = false;
};

}  // namespace flame::inline v0::session
