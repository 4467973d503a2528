#include "connection.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "schema.hpp"

namespace flame::inline v0::session::sqlite {
namespace {

using Kind = StoreError::Kind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A lock that is not to be had for so long may be kept for long: what waits for it is put off then,
// and can be answered at its own deadline.
constexpr milliseconds patience{250};
constexpr std::size_t records_a_step = 100;  // so many are swept at once, for some milliseconds
constexpr int pages_worth_it = 1000;         // in -wal, for a checkpoint
constexpr int pages_too_many = 4000;         // after one: -wal is begun anew then
constexpr int pages_out_of_hand = 16'000;    // nothing sweeps, or too slowly: whoever writes copies
constexpr milliseconds reset_patience{20};   // of all writers, while that waits for readers

/// Of the whole call where that is unset, as for tools.
Deadline within(const Call& call, milliseconds most) noexcept {
  const auto until = steady_clock::now() + most;
  return call.deadline == Deadline{} ? until : std::min(until, call.deadline);
}

bool only_touches(std::span<StoreOp> ops) noexcept {
  return ops.front().verb == Verb::touch && ops.back().verb == Verb::touch;
}

}  // namespace

Connection::Connection(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)), batch_(database_, shared_->options.table) {}

template <class F>
auto Connection::exchange(const Call& call, F f) {
  database_.wait_until(within(call, patience));
  try {
    database_.check_interrupted();
    shared_->place.check(*opened_, Kind::away);
    return f();
  } catch (const SqliteError& error) {
    database_.roll_back();
    if (error.verdict() == Verdict::later) throw;
    error.tell();
  } catch (...) {
    database_.roll_back();
    throw;
  }
}

template <class F>
void Connection::answer_or_later(std::span<StoreOp> ops, const Call& call, F f) {
  if (ops.empty()) return;
  try {
    exchange(call, f);
  } catch (const SqliteError&) {
    for (auto& op : ops) {
      if (op.outcome == Outcome::unanswered) op.outcome = Outcome::later;
    }
  }
}

/// What f does, and is committed where it returns. What was written to files that were moved away
/// meanwhile is seen by those that they were moved to, if by anybody.
template <class F>
auto Connection::transact(const Call& call, bool flushes, F f) {
  const Turn::Held turn(shared_->turn, database_, within(call, patience));
  if (!turn) {
    database_.check_interrupted();
    throw SqliteError(SQLITE_BUSY);
  }
  database_.set_flushes(flushes);
  std::optional<Transaction> transaction;
  {
    database_.wait_until(within(call, patience / 2));
    const Queue::Next next(queue_, database_, opened_->wal);
    database_.wait_until(within(call, patience));
    transaction.emplace(database_);
  }
  f();
  transaction->commit();
  shared_->place.check(*opened_, Kind::unconfirmed);
}

void Connection::connect(const Call& call) {
  if (!shared_->wrong.empty()) throw StoreError(Kind::refused, shared_->wrong);
  const auto& options = shared_->options;
  const auto found = shared_->place.find(options.init_table);
  database_.wait_until(call.deadline);
  try {
    database_.check_interrupted();
    database_.open(found.path);
    database_.set_flushes(options.durability == Durability::power_cut);
    prepare_table(database_, options.table, options.init_table);
  } catch (const SqliteError& error) {
    database_.roll_back();
    error.in(Phase::connecting).tell();
  }
  opened_ = shared_->place.join(found);
  database_.on_commit(shared_->wal_pages);
}

std::vector<std::string> Connection::prepare(const Call& call) {
  try {
    exchange(call, [&] { try_a_save(call); });
  } catch (const SqliteError&) {  // somebody has the lock: that says nothing of this user's rights
  }
  struct stat info;
  if (::stat(opened_->path.c_str(), &info) != 0 || (info.st_mode & S_IRWXO) == 0) return {};
  return {"sqlite store: path `" + opened_->path +
          "` can be read or written by all users of this machine: chmod o= it"};
}

/// Rolled back: it shows what a trigger or a missing right would refuse.
void Connection::try_a_save(const Call& call) {
  Record record{{}, WriteToken{1}, "trial", call.now, call.now, call.now + milliseconds(1), {}};
  std::random_device random;
  for (auto& byte : record.key.bytes) byte = static_cast<std::byte>(random());
  StoreOp ops[]{{Verb::create, record, {}, {}},
                {Verb::replace, record, record.token, {}},
                {Verb::erase, record, {}, {}}};
  Transaction transaction(database_);
  batch_.write(ops, call.now);
}

void Connection::run(std::span<StoreOp> batch, const Call& call) {
  const auto loads = only(Verb::load, batch);
  const auto writes = batch.subspan(loads.size());
  answer_or_later(loads, call, [&] { batch_.load(loads, call.now); });
  answer_or_later(writes, call, [&] { write(writes, call); });
}

void Connection::write(std::span<StoreOp> ops, const Call& call) {
  const bool flushes = shared_->options.durability == Durability::power_cut && !only_touches(ops);
  transact(call, flushes, [&] { batch_.write(ops, call.now); });
  batch_.answer();
  bound_wal();
}

/// A process that does not sweep, or cannot keep up with itself, has this bound.
void Connection::bound_wal() {
  const int pages = shared_->wal_pages.load(std::memory_order_relaxed);
  if (pages < copied_at_) copied_at_ = 0;  // it was begun anew
  if (pages - copied_at_ < pages_out_of_hand) return;
  copied_at_ = pages;  // not again with each save, where somebody's long read keeps it
  database_.set_flushes(false);
  int left = 0;
  database_.checkpoint(SQLITE_CHECKPOINT_PASSIVE, left);
}

/// A step at a time: writers come between.
std::size_t Connection::sweep(std::size_t limit, const Call& call) {
  const auto until = call.deadline == Deadline{}
                         ? Deadline::max()
                         : steady_clock::now() + (call.deadline - steady_clock::now()) / 2;
  std::size_t gone = 0;
  try {
    for (std::size_t last = 1; last > 0 && gone < limit && steady_clock::now() < until;) {
      exchange(call, [&] {
        transact(call, false,
                 [&] { last = batch_.sweep(std::min(limit - gone, records_a_step), call.now); });
      });
      gone += last;
    }
  } catch (const SqliteError&) {  // somebody has the lock: the next sweep finds what is left
  }
  try {
    exchange(call, [&] { checkpoint(call); });
  } catch (const SqliteError&) {  // somebody is at it
  }
  return gone;
}

/// Copies what is in -wal to the database, beside readers and writers. They may keep it from ever
/// being all of it, and -wal from being begun anew: so where it has grown, writers are kept off for
/// a moment.
void Connection::checkpoint(const Call& call) {
  if (shared_->wal_pages.load(std::memory_order_relaxed) < pages_worth_it) return;
  database_.set_flushes(false);
  int pages = 0;
  database_.checkpoint(SQLITE_CHECKPOINT_PASSIVE, pages);
  if (pages > pages_too_many) {
    const Turn::Held turn(shared_->turn, database_, within(call, reset_patience));
    if (!turn) return;
    database_.wait_until(within(call, reset_patience));
    const Queue::Next next(queue_, database_, opened_->wal);
    database_.checkpoint(SQLITE_CHECKPOINT_RESTART, pages);
  }
  shared_->wal_pages.store(0, std::memory_order_relaxed);
}

OwnerPage Connection::list(std::string_view owner, std::string_view from, std::size_t limit,
                           const Call& call) {
  static_cast<void>(page_before(from));  // or it is refused
  if (owner.empty() || limit == 0) return {};
  try {
    return exchange(call, [&] { return batch_.list(owner, from, limit, call.now); });
  } catch (const SqliteError& error) {
    error.tell();
  }
}

KeyPage Connection::scan(std::string_view from, std::size_t limit, const Call& call) {
  try {
    return exchange(call, [&] { return batch_.scan(from, limit); });
  } catch (const SqliteError& error) {
    error.tell();
  }
}

}  // namespace flame::inline v0::session::sqlite
