#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dispatch.hpp"

namespace flame::inline v0::session {

/// Calls on their way to the store in one exchange, as the store wants them: sorted by verb, then
/// key, and equal loads, touches and erases made one. The operations are the batch's own until
/// answer(). Used again and again by one worker: its memory is kept.
class Batch {
 public:
  /// Places of operations, ascending.
  using Part = std::vector<std::uint32_t>;

  explicit Batch(std::size_t max_calls);

  /// Takes the calls' operations. A create or replace of a key that is in already stays in `calls`,
  /// for the next batch.
  void fill(std::vector<StoreCall*>& calls) noexcept;
  [[nodiscard]] const Part& all() const noexcept { return all_; }

  /// Those of a part that have neither outcome nor failure.
  [[nodiscard]] Part unanswered(const Part& part) const;
  /// Takes out of a part what may be sent twice without harm, all but creates and replaces, and is
  /// still waited for.
  [[nodiscard]] Part take_repeatable(Part& part, Deadline now) const;
  /// What is unanswered of a part has failed so.
  void fail(const Part& part, const Failure& failure);
  [[nodiscard]] std::size_t conflicts() const noexcept;
  /// Gives every call its outcome, and calls done(). The batch is empty then.
  void answer() noexcept;

  /// The operations of a part side by side, for one call of the store; they go back to their places
  /// at its end.
  class Run {
   public:
    Run(Batch& batch, const Part& part);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    [[nodiscard]] std::span<StoreOp> ops() noexcept { return whole_ ? batch_.ops_ : some_; }

   private:
    Batch& batch_;
    const Part& part_;
    const bool whole_;  // the usual case: nothing is moved
    std::vector<StoreOp> some_{};
  };

 private:
  struct Member {
    StoreCall* call;
    std::uint32_t at;  // arrival at first, then its operation's place
  };
  static bool before(const Member& a, const Member& b) noexcept;
  [[nodiscard]] bool is_awaited(std::uint32_t at, Deadline now) const noexcept;

  std::vector<Member> calls_{};
  std::vector<StoreOp> ops_{};
  std::vector<std::optional<Failure>> failures_{};
  Part all_{};
};

}  // namespace flame::inline v0::session
