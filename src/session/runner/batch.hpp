#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dispatch.hpp"
#include "fifo.hpp"

namespace flame::inline v0::session {

/// Calls on their way to the store in one exchange, as the store wants them: sorted by verb, then
/// key, and equal loads, touches and erases made one. The operations are the batch's own until they
/// are answered. Used again and again by one worker: its memory is kept.
class Batch {
 public:
  /// Places of operations, ascending.
  using Part = std::vector<std::uint32_t>;

  explicit Batch(std::size_t max_calls);

  /// Takes the calls' operations. A create or replace of a key that is in already stays in `calls`,
  /// for the next batch; those that nobody waits for any more are left to `given_up`.
  void fill(std::vector<StoreCall*>& calls, Fifo<StoreCall>& given_up) noexcept;
  [[nodiscard]] const Part& all() const noexcept { return all_; }
  [[nodiscard]] Part of(Verb verb) const;

  /// Those of a part that have neither outcome nor failure.
  [[nodiscard]] Part unanswered(const Part& part) const;
  /// Takes out of a part what may be sent twice without harm, all but creates and replaces, and is
  /// still waited for. Their earlier try is of unknown outcome.
  [[nodiscard]] Part take_repeatable(Part& part, Deadline now);
  /// What is unanswered of a part has failed so.
  void fail(const Part& part, const Failure& failure);
  /// What is unanswered of a part is to come again later.
  void put_off(const Part& part) noexcept;
  [[nodiscard]] const Failure* failure(std::uint32_t at) const noexcept {
    return failures_[at] ? &*failures_[at] : nullptr;
  }
  [[nodiscard]] bool any_failed() const noexcept;
  /// Gives every call that has an outcome or a failure that, and calls done(). What the store put
  /// off is returned instead.
  [[nodiscard]] Fifo<StoreCall> answer() noexcept;
  /// From another thread, while the store has the batch and will not give it back: its calls, which
  /// the batch knows no more.
  [[nodiscard]] Fifo<StoreCall> abandon() noexcept;
  /// When all is answered.
  void clear() noexcept;
  [[nodiscard]] std::size_t conflicts() const noexcept;

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
  /// What of an operation is not the store's, whatever it does to it.
  struct Place {
    Verb verb;
    SessionKey key;
    bool tried;  // before, and nobody knows what became of it
  };
  static bool before(const Member& a, const Member& b) noexcept;
  [[nodiscard]] bool is_open(std::uint32_t at) const noexcept;
  [[nodiscard]] bool is_awaited(std::uint32_t at, Deadline now) const noexcept;
  void give(StoreCall& call, std::uint32_t at, bool shared) noexcept;

  std::vector<Member> calls_{};
  std::vector<StoreOp> ops_{};
  std::vector<Place> places_{};
  std::vector<std::optional<Failure>> failures_{};
  Part all_{};
};

}  // namespace flame::inline v0::session
