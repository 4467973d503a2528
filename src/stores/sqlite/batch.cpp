#include "batch.hpp"

#include <algorithm>
#include <cstring>

#include "schema.hpp"

namespace flame::inline v0::session::sqlite {
namespace {

constexpr std::size_t most_listed = 1'000'000;  // in one page

bool fits(const Record& record) noexcept {
  return record.blob.size() <= max_record && record.owner.size() <= max_owner;
}

}  // namespace

Batch::Batch(Database& database, const std::string& table)
    : database_(database),
      table_(table),
      begin_(database, "BEGIN"),
      end_(database, "COMMIT"),
      load_(database, "SELECT token, created_at, last_seen, expires_at, owner, blob FROM " +
                          quoted(table) + " WHERE key = ?"),
      find_(database, "SELECT rowid, token, created_at, last_seen, expires_at, owner = ?2 FROM " +
                          quoted(table) + " WHERE key = ?1"),
      insert_(database, "INSERT INTO " + quoted(table) +
                            " (key, token, created_at, last_seen, expires_at, owner, blob)"
                            " VALUES (?, ?, ?, ?, ?, ?, ?)"),
      // Columns of an index are left out where they stay: to set them writes the index anew.
      replace_(database, "UPDATE " + quoted(table) +
                             " SET token = ?, created_at = ?, last_seen = ?, blob = ?"
                             " WHERE rowid = ?"),
      replace_all_(database, "UPDATE " + quoted(table) +
                                 " SET token = ?, created_at = ?, last_seen = ?, blob = ?,"
                                 " expires_at = ?, owner = ? WHERE rowid = ?"),
      touch_(database,
             "UPDATE " + quoted(table) + " SET last_seen = ?, expires_at = ? WHERE rowid = ?"),
      erase_(database, "DELETE FROM " + quoted(table) + " WHERE key = ?"),
      // The condition of the index must stand in the query, too.
      list_(database, "SELECT key, token, created_at, last_seen, expires_at FROM " + quoted(table) +
                          " INDEXED BY " + quoted(owner_index(table)) +
                          " WHERE owner = ?1 AND owner <> x'' AND key > ?2 AND expires_at > ?3"
                          " ORDER BY key"),
      scan_(database, "SELECT key FROM " + quoted(table) + " WHERE key > ? ORDER BY key LIMIT ?"),
      sweep_(database, "DELETE FROM " + quoted(table) + " WHERE rowid IN (SELECT rowid FROM " +
                           quoted(table) + " INDEXED BY " + quoted(expiry_index(table)) +
                           " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)") {}

void Batch::load(std::span<StoreOp> ops, TimePoint now) {
  if (ops.size() == 1) return read(ops.front(), now);
  begin_.run();
  for (auto& op : ops) read(op, now);
  end_.run();
}

void Batch::read(StoreOp& op, TimePoint now) {
  auto& record = op.record;
  auto rows = load_(record.key);
  const bool found = rows.next();
  if (found) {
    record.token = rows.token(0);
    record.created_at = rows.time(1);
    record.last_seen = rows.time(2);
    record.expires_at = rows.time(3);
    record.owner = rows.bytes(4);
    record.blob = rows.bytes(5);
  }
  // Not before SQLite has answered: one that fails has said nothing of the session.
  op.outcome = found && record.expires_at > now ? Outcome::done : Outcome::missing;
}

void Batch::write(std::span<StoreOp> ops, TimePoint now) {
  outcomes_.clear();
  newest_.clear();
  for (auto& op : ops) outcomes_.emplace_back(&op, apply(op, now));
}

void Batch::answer() noexcept {
  for (const auto& [op, outcome] : outcomes_) op->outcome = outcome;
  for (auto& [op, record] : newest_) op->record = std::move(record);
}

Outcome Batch::apply(StoreOp& op, TimePoint now) {
  switch (op.verb) {
    case Verb::load:
      break;
    case Verb::create:
      return create(op.record, now);
    case Verb::replace:
      return replace(op, now);
    case Verb::touch:
      return touch(op.record, now);
    case Verb::erase:
      return erase(op.record);
  }
  return Outcome::unanswered;
}

std::optional<Batch::Found> Batch::find(const Record& record) {
  auto rows = find_(record.key, record.owner);
  if (!rows.next()) return std::nullopt;
  return Found{rows.number(0), rows.token(1), rows.time(2),
               rows.time(3),   rows.time(4),  rows.number(5) != 0};
}

/// It never shortens, but sets back what a wrong clock wrote.
Batch::Times Batch::times_of(const Record& given, const Found& old, TimePoint now) noexcept {
  if (old.last_seen > now) return {given.last_seen, given.expires_at};
  return {std::max(given.last_seen, old.last_seen), std::max(given.expires_at, old.expires_at)};
}

Outcome Batch::create(const Record& record, TimePoint now) {
  if (!fits(record)) return Outcome::refused;
  const auto old = find(record);
  if (old && old->expires_at > now) return Outcome::exists;
  if (old)
    put(*old, record, {record.last_seen, record.expires_at});
  else
    expect_one(insert_.run(record.key, record.token, record.created_at, record.last_seen,
                           record.expires_at, record.owner, record.blob));
  return Outcome::done;
}

Outcome Batch::replace(StoreOp& op, TimePoint now) {
  if (!fits(op.record)) return Outcome::refused;
  const auto old = find(op.record);
  if (!old || old->expires_at <= now) return Outcome::missing;
  if (old->token == op.expected) {
    put(*old, op.record, times_of(op.record, *old, now));
    return Outcome::done;
  }
  StoreOp newest{Verb::load, {.key = op.record.key}, {}, {}};
  read(newest, now);
  newest_.emplace_back(&op, std::move(newest.record));
  return Outcome::conflict;
}

Outcome Batch::touch(const Record& record, TimePoint now) {
  const auto old = find(record);
  if (!old || old->expires_at <= now) return Outcome::missing;
  const auto [last_seen, expires_at] = times_of(record, *old, now);
  if (last_seen != old->last_seen || expires_at != old->expires_at)
    expect_one(touch_.run(last_seen, expires_at, old->row));
  return Outcome::done;
}

Outcome Batch::erase(const Record& record) {
  if (erase_.run(record.key) == 0 && find(record)) expect_one(0);
  return Outcome::done;
}

/// A row that was read in this transaction is there, and so is the place of one that was not: no
/// change can only be a trigger's doing.
void Batch::expect_one(int changed) {
  if (changed != 1) refuse_triggers(database_, table_);
}

void Batch::put(const Found& old, const Record& record, const Times& times) {
  if (old.same_owner && old.expires_at == times.expires_at)
    expect_one(
        replace_.run(record.token, record.created_at, times.last_seen, record.blob, old.row));
  else
    expect_one(replace_all_.run(record.token, record.created_at, times.last_seen, record.blob,
                                times.expires_at, record.owner, old.row));
}

OwnerPage Batch::list(std::string_view owner, std::string_view from, std::size_t limit,
                      TimePoint now) {
  OwnerPage page;
  const auto most = std::min(limit, most_listed);
  for (auto rows = list_(owner, from, now); page.records.size() < most && rows.next();) {
    const auto bytes = rows.bytes(0);
    Record record{{}, rows.token(1), std::string(owner), rows.time(2), rows.time(3), rows.time(4),
                  {}};
    if (bytes.size() != sizeof record.key.bytes) continue;  // a row that is not the library's
    std::memcpy(record.key.bytes.data(), bytes.data(), bytes.size());
    page.records.push_back(std::move(record));
  }
  if (page.records.size() == most) page.next = page_end(page.records.back().key);
  return page;
}

KeyPage Batch::scan(std::string_view from, std::size_t limit) {
  KeyPage page;
  const auto most = static_cast<std::int64_t>(std::clamp<std::size_t>(limit, 1, most_listed));
  std::int64_t found = 0;
  for (auto rows = scan_(from, most); rows.next(); ++found) {
    const auto bytes = rows.bytes(0);
    page.next = bytes;
    SessionKey key;
    if (bytes.size() != sizeof key.bytes) continue;  // a row that is not the library's
    std::memcpy(key.bytes.data(), bytes.data(), bytes.size());
    page.keys.push_back(key);
  }
  if (found < most) page.next.clear();
  return page;
}

std::size_t Batch::sweep(std::size_t limit, TimePoint now) {
  return static_cast<std::size_t>(sweep_.run(now, static_cast<std::int64_t>(limit)));
}

}  // namespace flame::inline v0::session::sqlite
