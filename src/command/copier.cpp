#include "copier.hpp"

#include <algorithm>

#include <flame/session/writes_of.hpp>

namespace flame::inline v0::session::command {
namespace {

constexpr std::size_t page_size = 500;

/// Those of a page, each once.
std::vector<SessionKey> keys_of(KeyPage& page) {
  std::ranges::sort(page.keys);
  page.keys.erase(std::unique(page.keys.begin(), page.keys.end()), page.keys.end());
  return std::move(page.keys);
}

Record without_blob(const Record& record) {
  return {record.key, record.token, {}, record.created_at, record.last_seen, record.expires_at, {}};
}

[[noreturn]] void refuse_all() {
  throw StoreError(StoreError::Kind::full, "the store takes no more sessions: is it full?");
}

const Record& find(const std::vector<Record>& sorted, const SessionKey& key) {
  return *std::ranges::lower_bound(sorted, key, {}, &Record::key);
}

/// What a load says of one that is missing: a store that still has it leaves it there.
bool has_expired(const StoreOp& loaded) noexcept {
  return loaded.outcome == Outcome::missing && loaded.record.expires_at != TimePoint{};
}

bool contains(const std::vector<WriteToken>& writes, WriteToken token) {
  return std::ranges::find(writes, token) != writes.end();
}

/// Whether the target wrote it since it was copied: then it knows a write that the source still
/// knows, and its last one the source does not know. Where they have none in common one of them has
/// written more often since than a record remembers: the one that was seen last.
bool went_on(const Record& there, const Record& at_source) {
  const auto known = writes_of(at_source);
  if (contains(known, there.token)) return false;
  return std::ranges::any_of(writes_of(there), [&](auto each) { return contains(known, each); }) ||
         there.last_seen > at_source.last_seen;
}

/// Moves the end of what is there to where it is at the source.
void add_touch(const Record& there, const Record& at_source, std::vector<StoreOp>& touches) {
  if (there.last_seen >= at_source.last_seen && there.expires_at >= at_source.expires_at) return;
  touches.push_back({Verb::touch, without_blob(at_source), {}, {}});
  touches.back().record.owner = at_source.owner;
}

}  // namespace

bool Copier::step() {
  auto page = from_.scan(next_, page_size);
  next_ = std::move(page.next);
  std::vector<Record> records;
  for (auto& op : from_.load(keys_of(page))) {
    const bool is_done = op.outcome == Outcome::done;
    if (is_done && !writes_of(op.record).empty())
      records.push_back(std::move(op.record));
    else if (is_done || op.outcome == Outcome::unreadable)
      ++copied_.unreadable;
    else if (has_expired(op))
      ++copied_.expired;
    else
      ++copied_.ended;
  }
  there_.clear();
  copy(std::move(records));
  look_again();
  return !next_.empty();
}

void Copier::copy(std::vector<Record> records) {
  std::vector<StoreOp> creates, taken;
  for (const auto& record : records) creates.push_back({Verb::create, record, {}, {}});
  to_.run(creates);
  const auto refused = std::ranges::count(creates, Outcome::refused, &StoreOp::outcome);
  if (refused > 1 && static_cast<std::size_t>(refused) == creates.size()) refuse_all();
  for (const auto& op : creates) {
    if (op.outcome == Outcome::refused) {
      ++copied_.refused;
      continue;
    }
    if (op.outcome == Outcome::exists) {
      taken.push_back({Verb::load, {.key = op.record.key}, {}, {}});
      continue;
    }
    ++copied_.copied;
    there_.push_back(without_blob(find(records, op.record.key)));
  }
  to_.run(taken);
  compare(taken, records);
}

/// What the target had before.
void Copier::compare(const std::vector<StoreOp>& taken, const std::vector<Record>& records) {
  std::vector<StoreOp> older, touches;
  for (const auto& op : taken) {
    const auto& at_source = find(records, op.record.key);
    const auto token = op.record.token;
    if (op.outcome == Outcome::done && token == at_source.token) {
      ++copied_.already_there;
      there_.push_back(without_blob(at_source));
      add_touch(op.record, at_source, touches);
    } else if (op.outcome == Outcome::done && !went_on(op.record, at_source)) {
      older.push_back({Verb::replace, at_source, token, {}});
    } else {
      ++copied_.left;
    }
  }
  to_.run(touches);
  replace(older);
}

/// One that was written there meanwhile stays.
void Copier::replace(std::vector<StoreOp>& older) {
  std::vector<Record> given;
  for (const auto& op : older) given.push_back(without_blob(op.record));
  std::ranges::sort(given, {}, &Record::key);
  to_.run(older);
  for (const auto& op : older) {
    if (op.outcome == Outcome::done) {
      ++copied_.again;
      there_.push_back(find(given, op.record.key));
    } else {
      ++copied_.left;
    }
  }
}

/// What has ended, or was written, at the source while its copy was made. This one is seen by the
/// copy; a write that comes later is not.
void Copier::look_again() {
  std::ranges::sort(there_, {}, &Record::key);
  std::vector<SessionKey> keys, gone;
  for (const auto& record : there_) keys.push_back(record.key);
  std::vector<StoreOp> newer, touches;
  for (auto& op : from_.load(keys)) {
    const auto& there = find(there_, op.record.key);
    if (op.outcome == Outcome::missing) gone.push_back(op.record.key);
    if (op.outcome != Outcome::done) continue;
    if (op.record.token == there.token)
      add_touch(there, op.record, touches);
    else
      newer.push_back({Verb::replace, std::move(op.record), there.token, {}});
  }
  to_.run(touches);
  to_.run(newer);
  for (const auto& op : newer)
    if (op.outcome != Outcome::done) ++copied_.left;
  erase(to_, gone, copied_.ended);
}

void erase(Access& store, std::span<const SessionKey> keys, std::size_t& erased) {
  while (!keys.empty()) {
    const auto page = keys.first(std::min(keys.size(), page_size));
    keys = keys.subspan(page.size());
    std::vector<StoreOp> erases;
    for (const auto& key : page) erases.push_back({Verb::erase, {.key = key}, {}, {}});
    store.run(erases);
    erased += page.size();
  }
}

bool has_sessions(Access& store) {
  for (std::string next;;) {
    auto page = store.scan(next, page_size);
    next = std::move(page.next);
    for (const auto& op : store.load(keys_of(page)))
      if (op.outcome != Outcome::missing) return true;
    if (next.empty()) return false;
  }
}

bool find_ended(Access& from, Access& to, std::string& next, std::vector<SessionKey>& ended) {
  auto page = to.scan(next, page_size);
  next = std::move(page.next);
  std::vector<SessionKey> live;
  for (const auto& op : to.load(keys_of(page)))
    if (op.outcome == Outcome::done) live.push_back(op.record.key);
  for (const auto& op : from.load(live))
    if (op.outcome == Outcome::missing && !has_expired(op)) ended.push_back(op.record.key);
  return !next.empty();
}

}  // namespace flame::inline v0::session::command
