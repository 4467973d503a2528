#pragma once

#include <vector>

#include "commands.hpp"
#include "link.hpp"

namespace flame::inline v0::session::mongo {

inline constexpr std::size_t max_owner = 320;
inline constexpr std::size_t max_record = std::size_t{1} << 20;

/// The verbs: each is one command for all of a batch. That a write changed all of them is told by
/// their number; who they were, where it is less, by a command that reads.
class Batch {
 public:
  Batch(Link& link, const Commands& commands) : link_(link), commands_(commands) {}

  void run(std::span<StoreOp> batch, const Call& call);

 private:
  void run_verb(Verb verb, Ops ops, const Call& call);
  void load(Ops ops, const Call& call);
  void create(Ops ops, const Call& call);
  void replace(Ops ops, const Call& call);
  void touch(Ops ops, const Call& call);
  void erase(Ops ops, const Call& call);

  /// Writes, and answers each that has an error of its own; the others are `open_` then. Throws
  /// where the whole is to fail.
  Written write(const Document& command, Ops ops, const Call& call);
  void create_over(StoreOp& op, const Call& call);
  void stop_at(const Failure& failure);
  void tell_replaced(std::int64_t replaced, const Call& call);
  /// Calls f with each operation whose document is there, and that.
  template <class F>
  void read(const Document& command, Ops ops, const Call& call, F f);
  /// The same once a write was sent: where it fails, nobody knows what became of them.
  template <class F>
  void settle(const Call& call, F f);

  Link& link_;
  const Commands& commands_;
  std::vector<StoreOp*> ops_{}, open_{};
  std::optional<Failure> stop_{};  ///< what one statement said of the server
};

}  // namespace flame::inline v0::session::mongo
