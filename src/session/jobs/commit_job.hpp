#pragma once

#include "job.hpp"
#include "owner_limit.hpp"

namespace flame::inline v0::session {

/// From a Session to the fields of its response: its changes to the store, or its flash message
/// back.
class CommitJob final : public Job {
 public:
  /// `session` may be null: of no Manager, unchanged. `failed`: nothing is saved.
  CommitJob(Core& core, std::shared_ptr<const SessionState> session, bool failed);

  [[nodiscard]] Step next(StoreOp& op) override;
  void answered(StoreOp& op, const std::optional<Failure>& failure, TimePoint now) override;
  [[nodiscard]] const Base* base() const noexcept override {
    return stage_ == Stage::create ? nullptr : &session_->base;
  }
  void written(Record newest) override;
  void all_answered() override;
  [[nodiscard]] bool did_some() const noexcept override { return ended_ > 0 || saved_; }

  [[nodiscard]] Result<ResponseFields> result();
  /// The flash message that it still has, on its session: one that failed gave it back. Of a
  /// session that was destroyed there is none: null.
  [[nodiscard]] std::shared_ptr<SessionState> unreturned_flash() const;
  /// Of an owner's session that got an ID, by a login or anew, where nobody is left to get it.
  [[nodiscard]] std::optional<StoreOp> erase_of_unseen_login() const;
  /// It can go nowhere any more, and is told as lost.
  void forget_flash() noexcept;

 private:
  enum class Stage : std::uint8_t {
    finished,
    write,
    create,
    erase,
    touch,
    return_flash,
    count,  // an owner's sessions, before a login's write or after it
  };

  [[nodiscard]] Stage first_stage(bool failed);
  [[nodiscard]] Stage save();
  [[nodiscard]] Stage write();
  [[nodiscard]] Stage touch_if_due();
  [[nodiscard]] std::optional<TimePoint> due(TimePoint now) const;
  [[nodiscard]] Stage stamp();
  [[nodiscard]] Stage say_farewell();
  void take_flash_along();
  [[nodiscard]] Stage return_flash();
  [[nodiscard]] SessionState::Ended ending() const;
  void erased(const std::optional<Failure>& failure);
  /// The unit has its result: where that leads.
  [[nodiscard]] Stage after_unit();
  void settle_beside();
  [[nodiscard]] bool is_capped_login() const noexcept;
  [[nodiscard]] Stage count_before();
  [[nodiscard]] Stage count_after();
  [[nodiscard]] Stage count(OwnerLimit::When when, const std::optional<SessionKey>& own);
  [[nodiscard]] Stage counted(OwnerLimit::Turn turn);
  void leave_uncounted(const Error& error);
  void refuse_login();
  [[nodiscard]] Stage finish();
  void report(const Unit& unit);
  void lose_flash(const char* why) noexcept;
  [[nodiscard]] bool is_cookie_at_risk() const noexcept;
  [[nodiscard]] bool live() const noexcept { return session_->presence == Presence::live; }
  [[nodiscard]] bool returns_flash() const noexcept { return has_flash_ && (error_ || !was_read_); }

  Core& core_;
  const std::shared_ptr<const SessionState> session_;
  Stage stage_ = Stage::finished;
  bool has_flash_;            // and so may have to give it back
  const bool was_read_;       // by the handler
  bool is_farewell_ = false;  // a session with nothing but a message, beside a logout
  bool removes_cookie_ = false;
  bool saved_ = false;                  // what the request changed
  std::size_t ended_ = 0;               // of the sessions to be destroyed
  std::chrono::milliseconds lives_{0};  // as UnitResult has it
  std::optional<SessionId> new_id_{};
  Changes farewell_;
  std::unique_ptr<OwnerLimit> owner_limit_{};
  std::optional<Error> error_{};
};

}  // namespace flame::inline v0::session
