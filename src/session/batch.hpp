#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dispatch.hpp"

namespace flame::inline v0::session {

/// Calls on their way to the store in one exchange, as the store wants them: sorted by verb, then key, and
/// equal loads, touches and erases made one. The operations are the batch's own until answer().
class Batch {
 public:
  /// Places of operations, ascending.
  using Part = std::vector<std::uint32_t>;

  /// Takes the calls' operations. A create or replace of a key that is in already is left for the next batch.
  void fill(std::vector<StoreCall*>& calls);
  [[nodiscard]] Part all() const;

  /// Those of a part that have neither outcome nor failure.
  [[nodiscard]] Part unanswered(const Part& part) const;
  /// Takes out of a part what may be sent twice without harm: all but creates and replaces.
  [[nodiscard]] Part take_repeatable(Part& part) const;
  /// What is unanswered of a part has failed so.
  void fail(const Part& part, const Failure& failure);
  /// Gives every call its outcome, and calls done(). The batch is empty then.
  void answer() noexcept;

  /// The operations of a part side by side, for one call of the store; they go back to their places at its end.
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
    std::size_t op;
  };
  std::vector<Member> calls_{};
  std::vector<StoreOp> ops_{};
  std::vector<std::optional<Failure>> failures_{};
};

}  // namespace flame::inline v0::session
