#include "completion.hpp"

#include <utility>

#include "library_thread.hpp"

namespace flame::inline v0::session {
namespace {

thread_local CompletionBatch* open_batch = nullptr;

void post(Executor& executor, Operation* list) noexcept {
  const InCallback in_callback;
  executor.post(list);
}

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
  if (!open_batch) return post(*operation.executor, &operation);
  operation.next = std::exchange(open_batch->list_, &operation);
}

CompletionBatch::CompletionBatch() noexcept : outer_(std::exchange(open_batch, this)) {}

CompletionBatch::~CompletionBatch() {
  open_batch = outer_;
  while (list_) {
    Executor* const executor = list_->executor;
    post(*executor, take_all_of(executor, list_));
  }
}

}  // namespace flame::inline v0::session
