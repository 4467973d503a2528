#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include <flame/session/memory.hpp>

#include "budget.hpp"
#include "shard.hpp"

namespace flame::inline v0::session::memory {
namespace {

constexpr std::size_t sweep_step = 64;  // most records a call frees: none waits for a long sweep
constexpr std::size_t create_step = 2;  // expired records a create frees: more than it adds

// What a writer reserved too much would stay allocated as long as the record.
void fit(std::string& blob) {
  if (blob.capacity() - blob.size() > blob.size() / 4 + 64) blob.shrink_to_fit();
}

/// All records of one store. Any thread. No thread ever holds the locks of two shards.
class Table {
 public:
  explicit Table(const MemoryOptions& options) noexcept : budget_(options) {}

  Outcome load(Record& record, TimePoint now) {
    auto& shard = shard_with(record.key);
    const std::lock_guard lock(shard.mutex);
    const auto* entry = shard.find(record.key);
    if (!entry) return Outcome::missing;
    record = entry->record;
    return record.expires_at > now ? Outcome::done : Outcome::missing;
  }

  Outcome create(Record& record, TimePoint now) {
    auto entry = std::make_unique<Entry>();
    fit(record.blob);
    const auto size = Entry::size_of(record);
    if (!budget_.could_hold(size)) return Outcome::refused;
    auto& shard = shard_with(record.key);
    while (!budget_.take_session(size)) {
      if (exists(shard, record.key, now)) return Outcome::exists;
      if (!make_room(now, nullptr)) return Outcome::refused;
    }
    Removed removed(budget_);
    const std::lock_guard lock(shard.mutex);
    if (auto* present = shard.find(record.key)) {
      if (present->record.expires_at > now) {
        budget_.give_back_session(size);
        return Outcome::exists;
      }
      shard.remove(*present, removed);
    }
    shard.remove_expired(now, create_step, removed);
    entry->record = std::move(record);
    shard.insert(*entry.release());
    return Outcome::done;
  }

  Outcome replace(StoreOp& op, TimePoint now) {
    fit(op.record.blob);
    const auto size = Entry::size_of(op.record);
    auto& shard = shard_with(op.record.key);
    const Entry* blocked = nullptr;
    do {
      const std::lock_guard lock(shard.mutex);
      auto* entry = live(shard, op.record.key, now);
      if (!entry) return Outcome::missing;
      if (entry->record.token != op.expected) {
        op.record = entry->record;
        return Outcome::conflict;
      }
      if (budget_.resize(Entry::size_of(entry->record), size)) {
        shard.replace(*entry, op.record, now);
        return Outcome::done;
      }
      blocked = entry;
    } while (budget_.could_hold(size) && make_room(now, blocked));
    return Outcome::refused;
  }

  Outcome touch(const Record& record, TimePoint now) {
    auto& shard = shard_with(record.key);
    const std::lock_guard lock(shard.mutex);
    auto* entry = live(shard, record.key, now);
    if (!entry) return Outcome::missing;
    shard.touch(*entry, record.last_seen, record.expires_at, now);
    return Outcome::done;
  }

  Outcome erase(const Record& record) {
    auto& shard = shard_with(record.key);
    Removed removed(budget_);
    const std::lock_guard lock(shard.mutex);
    if (auto* entry = shard.find(record.key)) shard.remove(*entry, removed);
    return Outcome::done;
  }

  std::size_t sweep(std::size_t limit, TimePoint now) noexcept {
    const auto step = std::min(limit, sweep_step);
    auto at = next_sweep_.load(std::memory_order_relaxed);
    std::size_t freed = 0;
    for (std::size_t i = 0; i < shard_count && freed < step; ++i) {
      auto& shard = shards_[at++ % shard_count];
      if (shard.first_expiry() > now.time_since_epoch().count()) continue;
      Removed removed(budget_);
      const std::lock_guard lock(shard.mutex);
      freed += shard.remove_expired(now, step - freed, removed);
    }
    next_sweep_.store(at, std::memory_order_relaxed);
    return freed;
  }

  OwnerPage list(std::string_view owner, const SessionKey* from, std::size_t limit, TimePoint now) {
    OwnerPage page;
    if (owner.empty()) return page;
    limit = std::clamp<std::size_t>(limit, 1, std::numeric_limits<std::size_t>::max() - 1);
    for (auto i = from ? shard_of(*from) : 0; i < shard_count && page.records.size() <= limit;
         ++i) {
      const std::lock_guard lock(shards_[i].mutex);
      shards_[i].list(owner, from, limit + 1, now, page.records);
    }
    if (page.records.size() > limit) {
      page.records.pop_back();
      page.next = page_end(page.records.back().key);
    }
    return page;
  }

  /// A shard is taken as a whole, and its lowest keys are given: it has no order of them.
  KeyPage scan(const SessionKey* from, std::size_t limit) {
    KeyPage page;
    auto& keys = page.keys;
    auto shard = from ? shard_of(*from) : 0;
    for (; shard < shard_count && keys.size() < limit; ++shard) {
      const auto before = static_cast<std::ptrdiff_t>(keys.size());
      {
        const std::lock_guard lock(shards_[shard].mutex);
        shards_[shard].scan(from, keys);
      }
      if (keys.size() > limit) {
        const auto end = keys.begin() + static_cast<std::ptrdiff_t>(limit);
        std::partial_sort(keys.begin() + before, end, keys.end());
        keys.erase(end, keys.end());
      } else {
        std::sort(keys.begin() + before, keys.end());
      }
    }
    if (keys.size() >= limit) page.next = page_end(keys.back());
    return page;
  }

 private:
  [[nodiscard]] Shard& shard_with(const SessionKey& key) noexcept { return shards_[shard_of(key)]; }

  [[nodiscard]] static Entry* live(Shard& shard, const SessionKey& key, TimePoint now) noexcept {
    auto* entry = shard.find(key);
    return entry && entry->record.expires_at > now ? entry : nullptr;
  }

  [[nodiscard]] static bool exists(Shard& shard, const SessionKey& key, TimePoint now) {
    const std::lock_guard lock(shard.mutex);
    return live(shard, key, now) != nullptr;
  }

  /// Frees some expired records, or else the ownerless one that was idle longest. `spared` is only
  /// compared, never read: it may be gone.
  bool make_room(TimePoint now, const Entry* spared) {
    if (sweep(sweep_step, now) > 0) return true;
    std::array<std::pair<TimePoint::rep, Shard*>, shard_count> order;
    for (std::size_t i = 0; i < shard_count; ++i) {
      order[i] = {shards_[i].longest_idle(), &shards_[i]};
    }
    for (auto rest = order.begin(); rest != order.end(); ++rest) {
      std::iter_swap(rest, std::min_element(rest, order.end()));
      if (rest->first == never) return false;
      Removed removed(budget_);
      const std::lock_guard lock(rest->second->mutex);
      if (rest->second->evict(spared, removed)) return true;
    }
    return false;
  }

  Budget budget_;
  std::array<Shard, shard_count> shards_;
  alignas(64) std::atomic<std::size_t> next_sweep_{0};
};

class Connection final : public StoreConnection {
 public:
  Connection(const MemoryOptions& options, std::shared_ptr<Table> table) noexcept
      : options_(options), table_(std::move(table)) {}

  void connect(const Call&) override {
    if (options_.max_sessions == 0) refuse("max_sessions");
    if (options_.max_bytes == 0) refuse("max_bytes");
  }
  void run(std::span<StoreOp> batch, const Call& call) override {
    for (auto& op : batch) op.outcome = run_one(op, call.now);
  }
  std::size_t sweep(std::size_t limit, const Call& call) override {
    return table_->sweep(limit, call.now);
  }
  OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                 const Call& call) override {
    const auto before = page_before(from);
    return table_->list(owner, before ? &*before : nullptr, limit, call.now);
  }
  KeyPage scan(std::string_view from, std::size_t limit, const Call&) override {
    const auto before = page_before(from);
    return table_->scan(before ? &*before : nullptr, std::max<std::size_t>(limit, 1));
  }

 private:
  Outcome run_one(StoreOp& op, TimePoint now) {
    switch (op.verb) {
      case Verb::load:
        return table_->load(op.record, now);
      case Verb::create:
        return table_->create(op.record, now);
      case Verb::replace:
        return table_->replace(op, now);
      case Verb::touch:
        return table_->touch(op.record, now);
      case Verb::erase:
        return table_->erase(op.record);
    }
    return Outcome::refused;
  }

  [[noreturn]] static void refuse(const std::string& option) {
    throw StoreError(
        StoreError::Kind::refused,
        "memory store: " + option + " is 0, so it could hold nothing: give at least 1");
  }

  const MemoryOptions options_;
  std::shared_ptr<Table> table_;
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const MemoryOptions& options)
      : options_(options), table_(std::make_shared<Table>(options)) {}

  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Connection>(options_, table_);
  }
  [[nodiscard]] StoreTraits traits() const noexcept override {
    return {.blocking = false, .max_sessions = options_.max_sessions};
  }

 private:
  MemoryOptions options_;
  std::shared_ptr<Table> table_;
};

}  // namespace

StorePtr store(MemoryOptions options) { return std::make_shared<MemoryStore>(options); }

}  // namespace flame::inline v0::session::memory
