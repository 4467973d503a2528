#include "gate.hpp"

#include <boost/intrusive/set.hpp>
#include <mutex>
#include <vector>

#include "runner/short_mutex.hpp"

namespace flame::inline v0::session {
namespace {

/// Entries that a shard keeps for the next writes: what a busy server has under way.
constexpr std::size_t spares_kept = 8;

template <class F>
void each_unit(const Ticket& ticket, F f) {
  f(*ticket.unit);
  if (ticket.beside) f(*ticket.beside);
}

void fail(const Ticket& ticket, Errc code) noexcept {
  each_unit(ticket, [code](Unit& unit) {
    unit.result = {};
    unit.result.verdict = Verdict::failed;
    unit.result.error.code = code;
  });
}

}  // namespace

/// The writes of one session. Its lists are under the shard's lock; the rest belongs to the write
/// under way.
struct Gate::Entry : boost::intrusive::set_base_hook<> {
  struct KeyOf {
    using type = SessionKey;
    const SessionKey& operator()(const Entry& entry) const noexcept { return entry.key; }
  };

  Gate& gate;
  Shard& shard;
  SessionKey key{};
  Fifo<Ticket> waiting{};
  int erases = 0;  ///< under way
  bool writing = false;

  const PlanContext context;
  Fifo<Ticket> under_way{};
  Fifo<Ticket> given_up{};
  std::vector<Unit*> units{};
  std::optional<Base> newest{};  ///< what the write before left
  std::optional<WriteFlow> flow{};
  bool answered = false;
  int tries = 0;  ///< operations of this flow so far
  StoreCall call{};

  Entry(Gate& owner, Shard& its_shard)
      : gate(owner), shard(its_shard), context(owner.core_.plan_context()) {}
};

struct Gate::Shard {
  ShortMutex mutex{};
  boost::intrusive::set<Entry, boost::intrusive::key_of_value<Entry::KeyOf>> entries{};
  std::vector<std::unique_ptr<Entry>> spares{};

  Shard() { spares.reserve(spares_kept); }
  ~Shard() { entries.clear_and_dispose(std::default_delete<Entry>()); }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
};

Gate::Gate(Core& core, Dispatch& dispatch, Unawaited& unawaited)
    : core_(core),
      dispatch_(dispatch),
      unawaited_(unawaited),
      shards_(std::make_unique<Shards>()) {}
Gate::~Gate() = default;

Gate::Shard& Gate::shard_of(const SessionKey& key) noexcept {
  return (*shards_)[std::to_integer<std::size_t>(key.bytes.back()) % shards_->size()];
}

/// Nobody else can know of a session that is only begun: any shard will do.
Gate::Shard& Gate::shard_of(const Ticket& ticket) noexcept {
  if (ticket.base) return shard_of(ticket.base->record.key);
  return (*shards_)[reinterpret_cast<std::uintptr_t>(&ticket) / 64 % shards_->size()];
}

Gate::Entry& Gate::new_entry(Shard& shard) {
  if (shard.spares.empty()) return *new Entry(*this, shard);
  Entry& entry = *shard.spares.back().release();
  shard.spares.pop_back();
  return entry;
}

Gate::Entry& Gate::entry_of(Shard& shard, const SessionKey& key) {
  const auto found = shard.entries.find(key);
  if (found != shard.entries.end()) return *found;
  Entry& entry = new_entry(shard);
  entry.key = key;
  shard.entries.insert(entry);
  return entry;
}

/// Whether the caller, who holds the lock, is now the one to run the next write.
bool Gate::starts(Entry& entry) noexcept {
  if (entry.writing || entry.erases > 0 || entry.waiting.empty()) return false;
  entry.writing = true;
  entry.under_way = entry.waiting.take_all();
  return true;
}

void Gate::drop_if_idle(Entry& entry) noexcept {
  if (entry.writing || entry.erases > 0 || !entry.waiting.empty()) return;
  Shard& shard = entry.shard;
  if (entry.is_linked()) shard.entries.erase(shard.entries.iterator_to(entry));
  std::unique_ptr<Entry> spare(&entry);
  if (shard.spares.size() < spares_kept) shard.spares.push_back(std::move(spare));
}

void Gate::enter(Ticket& ticket) {
  Shard& shard = shard_of(ticket);
  std::unique_lock lock(shard.mutex);
  Entry& entry = ticket.base ? entry_of(shard, ticket.base->record.key) : new_entry(shard);
  entry.waiting.push(ticket);
  const bool runs = starts(entry);
  lock.unlock();
  if (runs) run(entry);
}

void Gate::erase_begins(const SessionKey& key) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  ++entry_of(shard, key).erases;
}

void Gate::erase_ended(const SessionKey& key, bool erased) noexcept {
  Shard& shard = shard_of(key);
  Fifo<Ticket> ended;
  std::unique_lock lock(shard.mutex);
  Entry& entry = *shard.entries.find(key);  // there since erase_begins()
  --entry.erases;
  if (erased) ended = entry.waiting.take_all();
  const bool runs = starts(entry);
  if (!runs) drop_if_idle(entry);
  lock.unlock();
  while (Ticket* const ticket = ended.pop()) {
    each_unit(*ticket, settle_ended);
    ticket->done(*ticket);
  }
  if (runs) run(entry);
}

/// Plans and submits until an answer is awaited or nobody waits any more. A loop, since a store may
/// answer at once.
void Gate::run(Entry& entry) noexcept {
  bool finished = true;
  do {
    try {
      finished = advance(entry);
    } catch (...) {  // out of memory ends the units of this write, and nothing else (R16)
      finished = true;
      give_up(entry);
    }
  } while (finished && finish(entry));
}

/// What is planned for several units is no more to be given up: all or none of them is written.
void Gate::leave_out_given_up(Entry& entry) noexcept {
  const bool alone = !entry.under_way.front()->next;
  auto all = entry.under_way.take_all();
  while (Ticket* const each = all.pop()) {
    const bool goes = !each->sending || each->sending->begin();
    (goes ? entry.under_way : entry.given_up).push(*each);
    if (!goes) fail(*each, Errc::deadline);  // its request has had its answer
  }
  if (!alone || entry.under_way.empty()) return;
  entry.call.sending = entry.under_way.front()->sending;
  if (entry.call.sending) entry.call.sending->reopen();
}

void Gate::start_flow(Entry& entry) {
  leave_out_given_up(entry);
  if (entry.under_way.empty()) return;
  entry.units.clear();
  for (Ticket* at = entry.under_way.front(); at; at = at->next)
    each_unit(*at, [&](Unit& unit) { entry.units.push_back(&unit); });
  const Base* base = entry.newest ? &*entry.newest : entry.under_way.front()->base;
  entry.flow.emplace(entry.context, core_.random, base, entry.units);
}

void Gate::give_up(Entry& entry) noexcept {
  for (Ticket* at = entry.under_way.front(); at; at = at->next)
    fail(*at, Errc::out_of_memory);  // no text: it would need some
  entry.flow.reset();
}

/// False: an answer is awaited, and run() goes on with it.
bool Gate::advance(Entry& entry) {
  if (!entry.flow) start_flow(entry);
  if (!entry.flow) return true;
  if (std::exchange(entry.answered, false)) answer(entry);
  for (;;) {
    const bool first = entry.tries == 0;
    if (!first && !is_awaited(entry))
      entry.flow->give_up({Errc::deadline, "nobody waited for it any more"});
    // Only store time can say when a session begins: the first connection brings it.
    entry.call.connects_only = first && !entry.under_way.front()->base && !core_.time.is_settled();
    if (!entry.call.connects_only && !entry.flow->next(entry.call.op, core_.time.now()))
      return true;
    if (!submit(entry)) return false;
    answer(entry);
  }
}

bool Gate::submit(Entry& entry) {
  auto& call = entry.call;
  ++entry.tries;
  call.failure.reset();
  call.deadline = deadline_of(entry);
  call.not_before = {};
  call.maybe_applied = entry.tries > 1 && !entry.flow->surely_not_applied();
  call.times_later = 0;
  call.context = &entry;
  call.done = [](StoreCall& each) noexcept {
    Entry& self = *static_cast<Entry*>(each.context);
    self.answered = true;
    self.gate.run(self);
  };
  return dispatch_.submit(call);
}

/// A flash message that was claimed or goes back must not be lost: what became of it is settled
/// whoever waits.
bool Gate::is_awaited(const Entry& entry) const noexcept {
  const auto now = core_.clock.steady();
  for (const Ticket* at = entry.under_way.front(); at; at = at->next)
    if (at->deadline > now || at->beside || at->unit->claims_flash || at->unit->returned_flash)
      return true;
  return false;
}

/// A write belongs to no request, since others may wait for it: unless it begins a session.
Deadline Gate::deadline_of(const Entry& entry) const noexcept {
  const Ticket& first = *entry.under_way.front();
  return first.base ? core_.deadline_from_now() : first.deadline;
}

void Gate::answer(Entry& entry) {
  auto& call = entry.call;
  if (!call.connects_only || call.failure) core_.judge(call);
  if (!call.connects_only)
    entry.flow->answer(call.op, call.failure, core_.time.now());
  else if (call.failure)
    entry.flow->give_up(std::move(call.failure->error));
  if (call.sending && !entry.flow->finished() && entry.flow->surely_not_applied())
    call.sending->reopen();
}

/// Answers those who were under way. True: others waited, and their write is to be run.
bool Gate::finish(Entry& entry) noexcept {
  auto finished = entry.under_way.take_all();
  auto given_up = entry.given_up.take_all();
  Record written = entry.flow ? entry.flow->take_newest() : Record{};
  auto strays = entry.flow ? entry.flow->take_strays() : std::vector<StoreOp>();
  entry.flow.reset();
  entry.newest.reset();
  for (Ticket* at = finished.front(); at; at = at->next) give_newest(*at, written);
  entry.tries = 0;
  entry.call.failure.reset();
  entry.call.sending = nullptr;
  // Its memory too: an assignment would keep it, as long as the entry is kept.
  static_cast<void>(Record(std::move(entry.call.op.record)));

  std::unique_lock lock(entry.shard.mutex);
  entry.writing = false;
  const bool runs = starts(entry);
  if (!runs) drop_if_idle(entry);  // entry may be gone from here on
  lock.unlock();
  if (runs) remember(entry, written);
  for (StoreOp& stray : strays) unawaited_.send(std::move(stray));
  while (Ticket* const ticket = given_up.pop()) ticket->done(*ticket);
  while (Ticket* const ticket = finished.pop()) ticket->done(*ticket);
  return runs;
}

void Gate::give_newest(Ticket& ticket, const Record& written) noexcept {
  if (!ticket.unit->claims_flash) return;
  try {
    ticket.newest = written;
  } catch (...) {
    ticket.unit->result.verdict = Verdict::failed;
    ticket.unit->result.error.code = Errc::out_of_memory;
  }
}

void Gate::remember(Entry& entry, Record& written) noexcept {
  const auto token = written.token;
  if (token == WriteToken{}) return;
  try {
    auto& newest = entry.newest.emplace();
    if (open_record(written, core_.rules.lifetimes, core_.time.now(), newest) ==
            RecordState::readable &&
        newest.header.contains(token))
      return;
  } catch (...) {
  }
  entry.newest.reset();  // the next write starts from a base of its own, and from a conflict
}

}  // namespace flame::inline v0::session
