#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <flame/session/store.hpp>
#include <flame/session/test_support/fake_clock.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

/// A store that blocks, stepped by hand: each operation that its Manager submits waits in a list
/// until the test says what becomes of it, in whatever order. Not stepping one is a store that
/// hangs. For one Manager at a time, and one thread: completions run inside the calls below.
class SteppedStore : public Store {
 public:
  /// `inner` does the work, and must not block. `clock` is the Manager's, and outlives the store.
  [[nodiscard]] static std::shared_ptr<SteppedStore> make(StorePtr inner, FakeClock& clock);
  ~SteppedStore() override;

  /// How many wait, oldest first. Each call below may take one out and let others come in at the
  /// end.
  [[nodiscard]] std::size_t pending() const noexcept;
  [[nodiscard]] const StoreOp& op(std::size_t i) const;
  /// After which it would not be sent any more. Of one that is not late.
  [[nodiscard]] Deadline deadline(std::size_t i) const;
  /// Whether it is a late statement: answered as lost already, it can only be run or forgotten.
  [[nodiscard]] bool is_late(std::size_t i) const;
  /// A page of an owner's sessions, instead of an operation: it can be run, fail, or be lost.
  [[nodiscard]] bool is_list(std::size_t i) const;
  [[nodiscard]] std::string describe(std::size_t i) const;

  void step(std::size_t i);  ///< runs it, and answers
  void fail(std::size_t i);  ///< not applied, and the Manager knows
  void lose_reply(
      std::size_t i);  ///< applied, but the Manager only hears that the connection was lost
  void lose_and_apply_later(
      std::size_t i);  ///< the same, but it stays in the list as a late statement
  void answer(std::size_t i, Outcome outcome);  ///< not applied, and answered so
  void forget(std::size_t i);                   ///< a late statement that never comes
  void step_all();                              ///< until nothing waits any more

  /// Time passes, and with it deadlines.
  void advance(FakeClock::Duration by);
  /// The same, where another has moved the clock.
  void wake_if_due();

  [[nodiscard]] std::unique_ptr<StoreConnection> make_connection() override;
  [[nodiscard]] StoreTraits traits() const noexcept override;

 protected:
  struct List;
  explicit SteppedStore(std::shared_ptr<List> list);
  std::shared_ptr<List> list_;
};

/// "replace AAAAAAAAAAAAAAAA", for traces.
[[nodiscard]] std::string describe(const StoreOp& op);

}  // namespace flame::inline v0::session::test_support

#pragma GCC visibility pop
