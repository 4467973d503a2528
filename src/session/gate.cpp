#include "gate.hpp"

#include <algorithm>
#include <cstring>

namespace flame::inline v0::session {

/// The writes of one session. Its lists are under the shard's lock; the rest belongs to the write
/// under way.
struct Gate::Entry {
  Gate* gate = nullptr;
  SessionKey key{};
  std::vector<Ticket*> waiting{};  ///< in order of arrival
  int erases = 0;                  ///< under way
  bool writing = false;

  PlanContext context;
  std::vector<Ticket*> under_way{};
  std::vector<Unit*> units{};
  std::optional<Base> newest{};  ///< what the write before left
  std::optional<WriteFlow> flow{};
  StoreOp* planned = nullptr;
  bool answered = false;
  StoreCall call{};

  Entry(Gate& owner, const SessionKey& its_key)
      : gate(&owner), key(its_key), context(owner.core_.plan_context()) {}
};

Gate::Gate(Core& core, Dispatch& dispatch) : core_(core), dispatch_(dispatch) {}
Gate::~Gate() = default;

std::size_t Gate::KeyHash::operator()(const SessionKey& key) const noexcept {
  std::size_t hash =
      0;  // keys are random bytes, unless somebody made one up: it still only shares a bucket
  std::memcpy(&hash, key.bytes.data(), sizeof hash);
  return hash;
}

Gate::Shard& Gate::shard_of(const SessionKey& key) noexcept {
  return shards_[std::to_integer<std::size_t>(key.bytes.back()) % shards_.size()];
}

Gate::Entry& Gate::entry_of(Shard& shard, const SessionKey& key) {
  auto found = shard.entries.find(key);
  if (found == shard.entries.end())
    found = shard.entries.emplace(key, std::make_unique<Entry>(*this, key)).first;
  return *found->second;
}

/// Whether the caller, who holds the lock, is now the one to run the next write.
bool Gate::starts(Entry& entry) {
  if (entry.writing || entry.erases > 0 || entry.waiting.empty()) return false;
  entry.writing = true;
  entry.under_way = std::exchange(entry.waiting, {});
  return true;
}

void Gate::drop_if_idle(Shard& shard, Entry& entry) noexcept {
  if (!entry.writing && entry.erases == 0 && entry.waiting.empty()) shard.entries.erase(entry.key);
}

void Gate::enter(Ticket& ticket) {
  Shard& shard = shard_of(ticket.base->record.key);
  std::unique_lock lock(shard.mutex);
  Entry& entry = entry_of(shard, ticket.base->record.key);
  try {
    entry.waiting.push_back(&ticket);
  } catch (...) {
    drop_if_idle(shard, entry);
    throw;
  }
  const bool runs = starts(entry);
  lock.unlock();
  if (runs) run(entry);
}

bool Gate::withdraw(const SessionKey& key, Ticket& ticket) noexcept {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.entries.find(key);
  if (found == shard.entries.end()) return false;
  Entry& entry = *found->second;
  const bool withdrawn = std::erase(entry.waiting, &ticket) > 0;
  drop_if_idle(shard, entry);
  return withdrawn;
}

void Gate::erase_begins(const SessionKey& key) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  ++entry_of(shard, key).erases;
}

void Gate::erase_ended(const SessionKey& key, bool erased) {
  Shard& shard = shard_of(key);
  std::vector<Ticket*> ended;
  std::unique_lock lock(shard.mutex);
  Entry& entry = entry_of(shard, key);
  --entry.erases;
  if (erased) ended = std::exchange(entry.waiting, {});
  const bool runs = starts(entry);
  if (!runs) drop_if_idle(shard, entry);
  lock.unlock();
  for (Ticket* ticket : ended) {
    settle_ended(*ticket->unit);
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

void Gate::begin(Entry& entry) {
  entry.units.clear();
  for (Ticket* ticket : entry.under_way) entry.units.push_back(ticket->unit);
  const Base* base = entry.newest ? &*entry.newest : entry.under_way.front()->base;
  entry.flow.emplace(entry.context, core_.random, base, entry.units, true);
}

void Gate::give_up(Entry& entry) noexcept {
  for (Ticket* ticket : entry.under_way) {
    ticket->unit->result = {};
    ticket->unit->result.verdict = Verdict::failed;
    ticket->unit->result.error.code = Errc::out_of_memory;  // no text: it would need some
  }
  entry.flow.reset();
}

/// False: an answer is awaited, and run() goes on with it.
bool Gate::advance(Entry& entry) {
  if (!entry.flow) begin(entry);
  if (std::exchange(entry.answered, false)) answer(entry);
  for (;;) {
    entry.planned = entry.flow->next(core_.time.now());
    if (!entry.planned) return true;
    entry.call.op = std::move(*entry.planned);
    entry.call.failure.reset();
    entry.call.deadline = core_.deadline_from_now();
    entry.call.context = &entry;
    entry.call.done = [](StoreCall& call) noexcept {
      Entry& self = *static_cast<Entry*>(call.context);
      self.answered = true;
      self.gate->run(self);
    };
    if (!dispatch_.submit(entry.call)) return false;
    answer(entry);
  }
}

void Gate::answer(Entry& entry) {
  core_.note(entry.call);
  *entry.planned = std::move(entry.call.op);
  entry.flow->answer(entry.call.failure, core_.time.now());
}

/// Answers those who were under way. True: others waited, and their write is to be run.
bool Gate::finish(Entry& entry) noexcept {
  const auto finished = std::exchange(entry.under_way, {});
  Record written = entry.flow ? entry.flow->take_newest() : Record{};
  entry.flow.reset();
  entry.newest.reset();
  for (Ticket* ticket : finished) give_newest(*ticket, written);

  Shard& shard = shard_of(entry.key);
  std::unique_lock lock(shard.mutex);
  entry.writing = false;
  const bool runs = starts(entry);
  if (!runs) drop_if_idle(shard, entry);  // entry may be gone from here on
  lock.unlock();
  if (runs) remember(entry, written);
  for (Ticket* ticket : finished) ticket->done(*ticket);
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
  try {
    Base newest;
    const auto& rules = core_.rules;
    if (open_record(written, rules.idle, rules.absolute, core_.time.now(), newest) ==
        RecordState::readable)
      entry.newest.emplace(std::move(newest));
  } catch (...) {  // the next write starts from a base of its own, and from a conflict
  }
}

}  // namespace flame::inline v0::session
