#pragma once

#include <atomic>
#include <boost/intrusive/set.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/session/store.hpp>

#include "budget.hpp"

namespace flame::inline v0::session::memory {

namespace bi = boost::intrusive;

inline constexpr std::size_t shard_count = 64;
inline constexpr auto never = std::numeric_limits<TimePoint::rep>::max();

using Unchecked = bi::link_mode<bi::normal_link>;

struct Entry {
  // What the budget counts. Fixed while the strings' buffers are.
  [[nodiscard]] static std::size_t size_of(const Record& r) noexcept {
    return sizeof(Entry) + r.owner.capacity() + r.blob.capacity();
  }

  // A lookup reads these first: together, as far as possible on one cache line.
  bi::unordered_set_member_hook<Unchecked> by_key;
  Record record;

  bi::set_member_hook<Unchecked, bi::optimize_size<true>> by_expiry;
  // In one of two sets: the ownerless may be evicted, the owned can be listed.
  bi::set_member_hook<Unchecked, bi::optimize_size<true>> by_group;
  Entry* next_removed = nullptr;
};

struct KeyOf {
  using type = SessionKey;
  const type& operator()(const Entry& e) const noexcept { return e.record.key; }
};
struct ExpiryOf {
  using type = TimePoint;
  const type& operator()(const Entry& e) const noexcept { return e.record.expires_at; }
};
struct LastSeenOf {
  using type = TimePoint;
  const type& operator()(const Entry& e) const noexcept { return e.record.last_seen; }
};
struct OwnerAndKey {
  std::string_view owner;
  SessionKey key;
  auto operator<=>(const OwnerAndKey&) const = default;
};
struct OwnerAndKeyOf {
  using type = OwnerAndKey;
  type operator()(const Entry& e) const noexcept { return {e.record.owner, e.record.key}; }
};
// Keys are random: the first byte picks the shard (so that order by shard is order by key), later
// ones the bucket.
struct KeyHash {
  std::size_t operator()(const SessionKey& key) const noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, key.bytes.data() + 4, sizeof bits);
    return (bits ^ bits >> 32) * 0x9e3779b97f4a7c15 >> 32;
  }
};
[[nodiscard]] inline std::size_t shard_of(const SessionKey& key) noexcept {
  return std::to_integer<std::size_t>(key.bytes[0]) * shard_count / 256;
}

using ByKey =
    bi::unordered_set<Entry, bi::member_hook<Entry, decltype(Entry::by_key), &Entry::by_key>,
                      bi::key_of_value<KeyOf>, bi::hash<KeyHash>, bi::equal<std::equal_to<>>,
                      bi::power_2_buckets<true>>;
using ByExpiry =
    bi::multiset<Entry, bi::member_hook<Entry, decltype(Entry::by_expiry), &Entry::by_expiry>,
                 bi::key_of_value<ExpiryOf>, bi::constant_time_size<false>>;
using ByIdleness =
    bi::multiset<Entry, bi::member_hook<Entry, decltype(Entry::by_group), &Entry::by_group>,
                 bi::key_of_value<LastSeenOf>, bi::constant_time_size<false>>;
using ByOwner = bi::set<Entry, bi::member_hook<Entry, decltype(Entry::by_group), &Entry::by_group>,
                        bi::key_of_value<OwnerAndKeyOf>, bi::constant_time_size<false>>;
/// Takes what a shard gives up, and frees it when it goes itself: after the shard's lock, if it was
/// declared before it.
class Removed {
 public:
  explicit Removed(Budget& budget) noexcept : budget_(budget) {}
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;
  ~Removed() {
    while (first_) delete std::exchange(first_, first_->next_removed);
  }
  void add(Entry& entry) noexcept {
    budget_.give_back_session(Entry::size_of(entry.record));
    entry.next_removed = std::exchange(first_, &entry);
  }

 private:
  Budget& budget_;
  Entry* first_ = nullptr;
};

/// A part of the records, in all the orders that the store needs. Call under its mutex, but for the
/// hints.
class alignas(64) Shard {
 public:
  Shard() : buckets_(first_buckets), by_key_({buckets_.data(), buckets_.size()}) {}
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() {
    by_expiry_.clear();
    by_idleness_.clear();
    by_owner_.clear();
    by_key_.clear_and_dispose([](Entry* e) { delete e; });
  }

  std::mutex mutex;

  /// Readable without the mutex, to choose a shard by: when its first record expires, and since
  /// when the longest idle of its ownerless records is idle.
  [[nodiscard]] TimePoint::rep first_expiry() const noexcept {
    return first_expiry_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] TimePoint::rep longest_idle() const noexcept {
    return longest_idle_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] Entry* find(const SessionKey& key) noexcept {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &*found;
  }

  void insert(Entry& entry) noexcept {
    grow();
    by_key_.insert(entry);
    link_expiry(entry);
    link_owner(entry);
    publish();
  }

  void remove(Entry& entry, Removed& removed) noexcept {
    by_key_.erase(by_key_.iterator_to(entry));
    unlink_expiry(entry);
    unlink_owner(entry);
    removed.add(entry);
    publish();
  }

  std::size_t remove_expired(TimePoint now, std::size_t limit, Removed& removed) noexcept {
    std::size_t n = 0;
    for (; n < limit && !by_expiry_.empty() && by_expiry_.begin()->record.expires_at <= now; ++n) {
      remove(*by_expiry_.begin(), removed);
    }
    return n;
  }

  /// The ownerless record that was idle longest, but not this one.
  bool evict(const Entry* spared, Removed& removed) noexcept {
    auto victim = by_idleness_.begin();
    if (victim != by_idleness_.end() && &*victim == spared) ++victim;
    if (victim == by_idleness_.end()) return false;
    remove(*victim, removed);
    return true;
  }

  void touch(Entry& entry, TimePoint last_seen, TimePoint expires_at, TimePoint now) noexcept {
    const bool sets_back = entry.record.last_seen > now;
    if (sets_back || expires_at > entry.record.expires_at) {
      unlink_expiry(entry);
      entry.record.expires_at = expires_at;
      link_expiry(entry);
    }
    if (sets_back || last_seen > entry.record.last_seen) {
      // No order of the owned depends on it.
      if (entry.record.owner.empty()) by_idleness_.erase(by_idleness_.iterator_to(entry));
      entry.record.last_seen = last_seen;
      if (entry.record.owner.empty()) by_idleness_.insert(by_idleness_.end(), entry);
    }
    publish();
  }

  /// Takes the strings of `record`, and leaves the old ones there: to be freed after the lock.
  void replace(Entry& entry, Record& record, TimePoint now) noexcept {
    touch(entry, record.last_seen, record.expires_at, now);
    std::swap(entry.record.token, record.token);  // as the blob: what is left is the old one
    entry.record.created_at = record.created_at;
    entry.record.blob.swap(record.blob);
    if (entry.record.owner == record.owner) {
      entry.record.owner.swap(record.owner);  // for its capacity, which the budget counted
      return;
    }
    unlink_owner(entry);
    entry.record.owner.swap(record.owner);
    link_owner(entry);
    publish();
  }

  /// Unexpired records of an owner with keys above `from`, until the page has `limit`.
  void list(std::string_view owner, const SessionKey* from, std::size_t limit, TimePoint now,
            std::vector<Record>& page) {
    auto at = from ? by_owner_.upper_bound(OwnerAndKey{owner, *from})
                   : by_owner_.lower_bound(OwnerAndKey{owner, SessionKey{}});
    for (; at != by_owner_.end() && at->record.owner == owner && page.size() < limit; ++at) {
      const auto& r = at->record;
      if (r.expires_at <= now) continue;
      page.push_back({r.key, r.token, r.owner, r.created_at, r.last_seen, r.expires_at, {}});
    }
  }

  /// Keys above `from`, all of them and in no order.
  void scan(const SessionKey* from, std::vector<SessionKey>& keys) const {
    for (const auto& entry : by_key_)
      if (!from || entry.record.key > *from) keys.push_back(entry.record.key);
  }

 private:
  static constexpr std::size_t first_buckets = 32;

  // New records expire last and were seen last: with the end as a hint this takes constant time.
  void link_expiry(Entry& entry) noexcept { by_expiry_.insert(by_expiry_.end(), entry); }
  void unlink_expiry(Entry& entry) noexcept { by_expiry_.erase(by_expiry_.iterator_to(entry)); }

  void link_owner(Entry& entry) noexcept {
    if (entry.record.owner.empty()) {
      by_idleness_.insert(by_idleness_.end(), entry);
    } else {
      by_owner_.insert(entry);
    }
  }
  void unlink_owner(Entry& entry) noexcept {
    if (entry.record.owner.empty()) {
      by_idleness_.erase(by_idleness_.iterator_to(entry));
    } else {
      by_owner_.erase(by_owner_.iterator_to(entry));
    }
  }

  void publish() noexcept {
    const auto expiry = by_expiry_.empty()
                            ? never
                            : by_expiry_.begin()->record.expires_at.time_since_epoch().count();
    const auto idle = by_idleness_.empty()
                          ? never
                          : by_idleness_.begin()->record.last_seen.time_since_epoch().count();
    first_expiry_.store(expiry, std::memory_order_relaxed);
    longest_idle_.store(idle, std::memory_order_relaxed);
  }

  void grow() noexcept {
    if (by_key_.size() < buckets_.size()) return;
    try {
      std::vector<ByKey::bucket_type> more(buckets_.size() * 2);
      by_key_.rehash({more.data(), more.size()});
      buckets_.swap(more);
    } catch (const std::bad_alloc&) {
      // Fuller buckets are slower, no more than that.
    }
  }

  std::atomic<TimePoint::rep> first_expiry_{never};
  std::atomic<TimePoint::rep> longest_idle_{never};
  std::vector<ByKey::bucket_type> buckets_;
  ByKey by_key_;
  ByExpiry by_expiry_;
  ByIdleness by_idleness_;
  ByOwner by_owner_;
};

}  // namespace flame::inline v0::session::memory
