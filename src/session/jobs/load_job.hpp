#pragma once

#include "cookie.hpp"
#include "job.hpp"

namespace flame::inline v0::session {

/// From a request to its Session: cookie, record, verifier, and the claim of its flash message.
class LoadJob final : public Job {
 public:
  LoadJob(Core& core, const RequestView& request, Need need);

  [[nodiscard]] Step next(StoreOp& op) override;
  void answered(StoreOp& op, const std::optional<Failure>& failure) override;
  [[nodiscard]] const Base* base() const noexcept override { return &session_->base; }
  void written(Record newest) override;

  [[nodiscard]] Result<Session> result();

 private:
  void reject(const char* why);
  void open(Record& record);
  void turn_away(Standing found);
  void admit();
  void expired(const char* which);
  [[nodiscard]] const char* which_timeout(const Record& record) const;
  void start_claim();
  void become(Presence presence);

  Core& core_;
  bool claims_flash_;
  SessionId id_{};
  std::shared_ptr<SessionState> session_ = std::make_shared<SessionState>();
  std::optional<Error> error_{};
  Step step_ = Step::finished;
};

}  // namespace flame::inline v0::session
