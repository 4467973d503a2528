#pragma once

#include <chrono>
#include <coroutine>

#include <flame/session/manager.hpp>

namespace flame::inline v0::detail {

/// What an exchange needs of its event loop. All but post() and finished(): on the loop's thread.
class Loop : public session::Executor {
 public:
  virtual void resume_after(std::chrono::milliseconds time, std::coroutine_handle<> waiting) = 0;
  /// Runs it once nothing that is being resumed is on the stack any more.
  virtual void finished(session::Operation& operation) noexcept = 0;

 protected:
  ~Loop() = default;
};

}  // namespace flame::inline v0::detail
