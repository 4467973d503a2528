#pragma once

#include <array>

#include "cookie.hpp"
#include "job.hpp"

namespace flame::inline v0::session {

/// From a request to its Session: cookie, record, verifier, and the claim of its flash message.
/// Where a request brings two IDs both are looked at, for their order says nothing (S18).
class LoadJob final : public Job {
 public:
  LoadJob(Core& core, const RequestView& request, Need need);

  [[nodiscard]] Step next(StoreOp& op) override;
  void answered(StoreOp& op, const std::optional<Failure>& failure, TimePoint now) override;
  [[nodiscard]] const Base* base() const noexcept override { return &session_->base; }
  void written(Record newest) override;

  [[nodiscard]] Result<Session> result();
  /// What the request claimed.
  [[nodiscard]] Flash flash() const noexcept { return SessionAccess::view(session_->flash); }

 private:
  enum class Found : std::uint8_t { nothing, superseded, live };

  [[nodiscard]] const SessionId& id() const noexcept { return presented_.ids[at_]; }
  [[nodiscard]] Base& opening();
  [[nodiscard]] Found look(StoreOp& op, TimePoint now);
  [[nodiscard]] Found open(Record& record, TimePoint now);
  [[nodiscard]] Found judge(Standing found);
  [[nodiscard]] Found reject(const char* why);
  [[nodiscard]] Found expired(const char* which);
  [[nodiscard]] Found unreadable(const char* why);
  [[nodiscard]] const char* which_timeout(const Record& record, TimePoint now) const;
  void take(Found found);
  void conclude();
  void open_neither();
  void start_claim();
  void claim_failed(Error error);
  void lose_flash_if_unknown();
  void become(Presence presence);

  Core& core_;
  bool claims_flash_;
  Presented presented_;
  std::size_t at_ = 0;  // of its IDs
  std::shared_ptr<SessionState> session_ = std::make_shared<SessionState>();
  std::unique_ptr<Base> second_{};  // where the first ID's is live, too
  Verifier verifier_{};
  std::array<Found, 2> found_{};
  std::optional<Error> error_{};
  Step step_ = Step::finished;
};

}  // namespace flame::inline v0::session
