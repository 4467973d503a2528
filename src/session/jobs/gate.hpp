#pragma once

#include <array>
#include <memory>

#include "job.hpp"
#include "runner/fifo.hpp"
#include "unawaited.hpp"

namespace flame::inline v0::session {

/// One unit on its way through the gate: the job's own, unmoved until done().
struct Ticket {
  Unit* unit = nullptr;
  Unit* beside = nullptr;      ///< in the same write, after it
  const Base* base = nullptr;  ///< as the job loaded it; null: the unit begins a session
  Deadline deadline{};         ///< its operation's; what is under way goes on, unless it begins
  Record newest{};             ///< the record after the write, for who claimed a flash
  Sending* sending = nullptr;  ///< given up while it waits: it is answered as such, by and by
  void (*done)(Ticket&) noexcept = nullptr;
  void* context = nullptr;
  Ticket* next = nullptr;  ///< the gate's
};

/// Combines the writes of one session within this process: while one is under way, units wait, and
/// go together as the next, on the record just written. Token and retry alone would need N rounds
/// for N writers. Belongs to no request: a waiting unit that was given up is left out of the next
/// write, and strands nobody. Any thread.
class Gate {
 public:
  Gate(Core& core, Dispatch& dispatch, Unawaited& unawaited);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// done() comes once, perhaps before this returns.
  void enter(Ticket& ticket);
  /// Around the erase of a destroy, which waits for nobody: what waits or comes meanwhile has its
  /// answer from how that ends.
  void erase_begins(const SessionKey& key);
  void erase_ended(const SessionKey& key, bool erased) noexcept;

 private:
  struct Entry;
  struct Shard;
  using Shards = std::array<Shard, 16>;

  [[nodiscard]] Shard& shard_of(const SessionKey& key) noexcept;
  [[nodiscard]] Shard& shard_of(const Ticket& ticket) noexcept;
  [[nodiscard]] Entry& new_entry(Shard& shard);
  [[nodiscard]] Entry& entry_of(Shard& shard, const SessionKey& key);
  [[nodiscard]] static bool starts(Entry& entry) noexcept;
  static void drop_if_idle(Entry& entry) noexcept;
  void run(Entry& entry) noexcept;
  void start_flow(Entry& entry);
  void leave_out_given_up(Entry& entry) noexcept;
  [[nodiscard]] bool advance(Entry& entry);
  [[nodiscard]] bool submit(Entry& entry);
  [[nodiscard]] bool is_awaited(const Entry& entry) const noexcept;
  [[nodiscard]] Deadline deadline_of(const Entry& entry) const noexcept;
  void answer(Entry& entry);
  static void give_up(Entry& entry) noexcept;
  [[nodiscard]] bool finish(Entry& entry) noexcept;
  static void give_newest(Ticket& ticket, const Record& written) noexcept;
  void remember(Entry& entry, Record& written) noexcept;

  Core& core_;
  Dispatch& dispatch_;
  Unawaited& unawaited_;
  const std::unique_ptr<Shards> shards_;
};

}  // namespace flame::inline v0::session
