#pragma once

#include <flame/session/manager.hpp>

namespace flame::inline v0::session {

/// Hands a finished operation to its executor.
void complete(Operation& operation) noexcept;

/// While one is open on a thread, what completes there goes to each executor as one list, at its
/// end: one wake-up of an event loop for a whole batch.
class CompletionBatch {
 public:
  CompletionBatch() noexcept;
  ~CompletionBatch();
  CompletionBatch(const CompletionBatch&) = delete;
  CompletionBatch& operator=(const CompletionBatch&) = delete;

 private:
  friend void complete(Operation& operation) noexcept;
  CompletionBatch* outer_;
  Operation* list_ = nullptr;  // newest first, of all executors
};

}  // namespace flame::inline v0::session
