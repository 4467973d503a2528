#pragma once

#include "job.hpp"

namespace flame::inline v0::session {

/// From a Session to the fields of its response: its changes to the store, or its flash message
/// back.
class CommitJob final : public Job {
 public:
  /// `session` may be null: of no Manager, unchanged. `failed`: nothing is saved.
  CommitJob(Core& core, std::unique_ptr<SessionState> session, bool failed);

  [[nodiscard]] Step next(StoreOp& op) override;
  void answered(StoreOp& op, const std::optional<Failure>& failure) override;
  [[nodiscard]] const Base* base() const noexcept override {
    return stage_ == Stage::create ? nullptr : &session_->base;
  }
  void written(Record newest) override;

  [[nodiscard]] Result<ResponseFields> result();
  /// With the flash message that it still has: one that failed gave it back. Of a session that was
  /// destroyed there is none.
  [[nodiscard]] Session take_session();

 private:
  enum class Stage : std::uint8_t { finished, write, create, erase, touch, return_flash };

  [[nodiscard]] Stage first_stage(bool failed);
  [[nodiscard]] Stage touch_if_due() const;
  [[nodiscard]] Stage return_flash();
  void erased(const std::optional<Failure>& failure);
  /// The unit has its result: where that leads.
  [[nodiscard]] Stage after_unit();
  void report(const Unit& unit);
  [[nodiscard]] bool live() const noexcept { return session_->presence == Presence::live; }

  Core& core_;
  std::unique_ptr<SessionState> session_;
  Stage stage_ = Stage::finished;
  std::optional<SessionId> new_id_{};
  bool removes_cookie_ = false;
  std::optional<Error> error_{};
};

}  // namespace flame::inline v0::session
