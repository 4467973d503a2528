#pragma once

#include <optional>
#include <span>
#include <vector>

#include "job.hpp"
#include "owner_pages.hpp"

namespace flame::inline v0::session {

/// What max_sessions_per_owner makes of a login, before its write or after it: the owner's sessions
/// are listed, looked at and, where they are too many, ended; in turns of next() and answered().
class OwnerLimit {
 public:
  enum class When : std::uint8_t {
    before,  ///< of the login's write: nothing is ended
    after
  };
  enum class Turn : std::uint8_t {
    next,     ///< goes on with next()
    fits,     ///< the login stays
    refused,  ///< it is one too many, and must not be or is ended
    failed,   ///< see failure()
  };

  /// `own`: the session that signs in, where it is one already.
  OwnerLimit(Core& core, std::string_view owner, When when, const std::optional<SessionKey>& own);

  /// Fills in what is to be run at once.
  void next(std::vector<StoreCall>& calls);
  [[nodiscard]] Turn answered(const std::vector<StoreCall>& calls);

  [[nodiscard]] When when() const noexcept { return when_; }
  [[nodiscard]] const Error& failure() const noexcept { return failure_; }

 private:
  enum class Stage : std::uint8_t { list, weigh, end };

  [[nodiscard]] bool ends_oldest() const noexcept;
  [[nodiscard]] std::size_t enough() const noexcept;
  [[nodiscard]] std::span<const Record> next_sessions();
  void take_page();
  [[nodiscard]] Turn listed();
  void take_living(const std::vector<StoreCall>& calls);
  [[nodiscard]] Turn weighed();
  [[nodiscard]] Turn counted();
  [[nodiscard]] Turn ended(const std::vector<StoreCall>& calls);

  Core& core_;
  const When when_;
  const std::optional<SessionKey> own_;
  Stage stage_ = Stage::list;
  OwnerPages pages_{};
  std::vector<Record> sessions_{};
  std::size_t done_with_ = 0;  // of these: looked at, or ended
  std::vector<SessionKey> live_{};
  bool ends_own_ = false;  // as one above the limit
  Error failure_{};
};

}  // namespace flame::inline v0::session
