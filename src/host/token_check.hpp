#pragma once

#include <flame/context.hpp>
#include <flame/task.hpp>

namespace flame::inline v0::session {

/// What csrf() asks of the sessioner before it.
class TokenCheck {
 public:
  /// unknown: the session could not be loaded, which is answered already.
  enum class Answer { right, wrong, no_session, unknown };

  /// Whether the request brings the token of its session, which is loaded for that.
  virtual Task<Answer> check_token(Context& context) const = 0;

 protected:
  ~TokenCheck() = default;
};

}  // namespace flame::inline v0::session
