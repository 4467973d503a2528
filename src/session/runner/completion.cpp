#include "completion.hpp"

#include <utility>

namespace flame::inline v0::session {
namespace {

thread_local CompletionBatch* open_batch = nullptr;

/// Takes the operations of one executor out of a list that is newest first; they come out oldest
/// first.
Operation* take_all_of(Executor* executor, Operation*& list) noexcept {
  Operation* taken = nullptr;
  for (Operation** at = &list; *at;) {
    Operation* const each = *at;
    if (each->executor != executor) {
      at = &each->next;
      continue;
    }
    *at = each->next;
    each->next = std::exchange(taken, each);
  }
  return taken;
}

}  // namespace

void complete(Operation& operation) noexcept {
  operation.next = nullptr;
  if (!open_batch) return operation.executor->post(&operation);
  operation.next = std::exchange(open_batch->list_, &operation);
}

CompletionBatch::CompletionBatch() noexcept : outer_(std::exchange(open_batch, this)) {}

CompletionBatch::~CompletionBatch() {
  open_batch = outer_;
  while (list_) {
    Executor* const executor = list_->executor;
    executor->post(take_all_of(executor, list_));
  }
}

}  // namespace flame::inline v0::session
