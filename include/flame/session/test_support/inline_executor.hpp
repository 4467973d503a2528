#pragma once

#include <utility>

#include <flame/session/manager.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

/// Runs each done() at once, on whatever thread brings the answer. For tests: a done() that waits
/// then holds up what serves everybody.
[[nodiscard]] inline Executor* inline_executor() noexcept {
  struct Inline final : Executor {
    void post(Operation* list) noexcept override {
      while (list) {
        Operation& each = *list;
        list = std::exchange(each.next, nullptr);
        each.done(each);  // and it may be gone
      }
    }
  };
  static Inline executor;
  return &executor;
}

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
