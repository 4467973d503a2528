#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "link.hpp"

namespace flame::inline v0::session::postgres {

inline constexpr std::size_t max_record = std::size_t{1} << 20;
inline constexpr std::size_t max_owner = 320;

/// How much a failure leaves open. Of several groups the one that leaves most is told; of several
/// hosts the one that leaves least, for that is what the operator can mend.
[[nodiscard]] int doubt(StoreError::Kind kind) noexcept;

/// Runs batches. Each verb of one is a group: a transaction of one statement for each operation, in
/// the order of keys. All groups go in one round trip.
class Batch {
 public:
  Batch(Link& link, std::atomic<bool>& unnamed) noexcept : link_(link), unnamed_(unnamed) {}
  void run(std::span<StoreOp> batch, const Call& call);

 private:
  using Ops = std::span<StoreOp*>;
  struct Trouble {
    Ops ops{};
    StoreError error;
  };

  void exchange(Ops all, const Call& call);
  void send(Ops ops, const Call& call);
  void ask(const StoreOp& op, const Call& call);
  void receive(Ops ops, const Call& call);
  /// The rows that were found, into their operations, which get this answer.
  void take_rows(const Result& result, Ops ops, Outcome found, const Call& call);
  void settle(Ops ops);
  void failed(Ops ops, const GroupEnd& end);
  /// A replace that found another token, or nothing: which of them, and the newest record.
  void explain_conflicts(const Call& call);
  /// Creates that wrote nothing, or erases: done, for that is how it must be now, or odd.
  void explain_doubts(std::vector<StoreOp*>& doubts, bool live, Outcome otherwise,
                      const Call& call);
  /// What nothing but a trigger explains.
  void explain_odd(const Call& call);
  void tell_trouble();

  Link& link_;
  std::atomic<bool>& unnamed_;
  // Of the call under way; kept for their memory.
  std::vector<StoreOp*> open_{}, repeated_{}, conflicts_{}, taken_{}, kept_{}, odd_{};
  std::vector<Outcome> answers_{};
  std::vector<Trouble> troubles_{};
  std::string keys_{};
};

}  // namespace flame::inline v0::session::postgres
