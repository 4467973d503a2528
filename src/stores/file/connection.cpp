#include "connection.hpp"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <random>

#include "failure.hpp"
#include "trial.hpp"

namespace flame::inline v0::session::file {
namespace {

std::byte folder_of(const StoreOp* op) noexcept { return op->record.key.bytes.front(); }

bool live(const Stored& stored, const Call& call) noexcept {
  return stored.state == State::present && stored.record.expires_at > call.now;
}

bool fits(const StoreOp& op) noexcept {
  return op.record.blob.size() <= max_record && op.record.owner.size() <= max_owner;
}

struct Times {
  TimePoint last_seen, expires_at;
};

/// What a touch or replace leaves: it never shortens, but sets back what a wrong clock wrote.
Times times_of(const Record& given, const Record& old, const Call& call) noexcept {
  if (old.last_seen > call.now) return {given.last_seen, given.expires_at};
  return {std::max(given.last_seen, old.last_seen), std::max(given.expires_at, old.expires_at)};
}

/// Those of a folder above `last`, until there are `limit`.
void add_keys(const Folder& folder, std::byte first, const std::optional<SessionKey>& last,
              std::size_t limit, std::vector<SessionKey>& keys) {
  const auto before = static_cast<std::ptrdiff_t>(keys.size());
  folder.for_each_name([&](const char* name) {
    const auto key = parse_record(name, first);
    if (key && (!last || *key > *last)) keys.push_back(*key);
    return true;
  });
  const auto end = keys.begin() + static_cast<std::ptrdiff_t>(std::min(limit, keys.size()));
  std::partial_sort(keys.begin() + before, end, keys.end());
  keys.erase(end, keys.end());
}

std::uint64_t random_number() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

}  // namespace

Connection::Connection(const FileOptions& options, std::shared_ptr<Reserve> reserve)
    : root_(options, std::move(reserve)),
      temporary_(random_number()),
      sweeper_(root_, owners_, static_cast<std::uint8_t>(temporary_)) {}

std::vector<std::string> Connection::prepare(const Call&) {
  root_.check_writable();
  try_a_save(root_, temporary_);
  return {};
}

void Connection::check() const {
  if (aborted_) lose("the call was given up", ECANCELED);
  root_.check_place();
}

void Connection::run(std::span<StoreOp> batch, const Call& call) {
  check();
  writes_.clear();
  for (auto& op : batch) {
    if (op.verb == Verb::load) {
      load(op, call);
    } else if (fits(op)) {
      writes_.push_back(&op);
    } else {
      op.outcome = Outcome::refused;
    }
  }
  flush_error_ = 0;
  std::exception_ptr failure;
  try {
    write_all(call);
  } catch (...) {
    failure = std::current_exception();
  }
  // Before what could be tried again.
  if (flush_error_ != 0) leave_unconfirmed("could not flush a folder after a save", flush_error_);
  if (failure) std::rethrow_exception(failure);
}

/// One lock at a time: no two batches can wait for each other. What fails in one folder, or is
/// busy, holds up no other: who keeps a lock may hang, and keep it for ever.
void Connection::write_all(const Call& call) {
  FirstRefusal refusals;
  std::ranges::stable_sort(writes_, {}, folder_of);  // verbs stay in order
  busy_.clear();
  for (auto at = writes_.begin(); at != writes_.end();) {
    const auto end = std::find_if(
        at, writes_.end(), [&](const StoreOp* op) { return folder_of(op) != folder_of(*at); });
    refusals.catch_from([&] {
      if (!write({at, end}, call, {})) busy_.emplace_back(at, end);
    });
    at = end;
  }
  const auto until = std::chrono::steady_clock::now() + lock_patience;  // for all of them
  for (const Writes writes : busy_)
    refusals.catch_from([&] {
      if (write(writes, call, until)) return;
      for (StoreOp* op : writes) op->outcome = Outcome::later;
    });
  refusals.tell();
}

void Connection::load(StoreOp& op, const Call& call) {
  auto stored = read_record(root_, reader_, op.record.key, Part::whole);
  op.outcome = live(stored, call) ? Outcome::done : Outcome::missing;
  if (stored.state == State::present) {
    op.record = std::move(stored.record);
  } else if (stored.state == State::damaged || stored.state == State::newer) {
    op.outcome = Outcome::unreadable;
  }
}

bool Connection::write(Writes writes, const Call& call, Deadline until) {
  const auto path = records_folder(folder_of(writes.front()));
  const bool creates = writes.front()->verb == Verb::create;
  auto folder = creates ? std::optional(Folder::make(root_, path)) : Folder::open(root_, path);
  if (!folder) {
    for (StoreOp* op : writes)
      op->outcome = op->verb == Verb::erase ? Outcome::done : Outcome::missing;
    return true;
  }
  if (!folder->lock_until(until)) return false;
  unsettled_.clear();
  std::exception_ptr failure;
  try {
    for (StoreOp* op : writes) apply(*folder, *op, call);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!settle(*folder)) return true;
  if (failure) std::rethrow_exception(failure);
  return true;
}

void Connection::apply(const Folder& folder, StoreOp& op, const Call& call) {
  switch (op.verb) {
    case Verb::load:
      return;
    case Verb::create:
      return create(folder, op, call);
    case Verb::replace:
      return replace(folder, op, call);
    case Verb::touch:
      return touch(folder, op, call);
    case Verb::erase:
      return erase(folder, op);
  }
}

void Connection::create(const Folder& folder, StoreOp& op, const Call& call) {
  const auto old = folder.read(reader_, op.record.key, Part::head);
  const bool expired = old.state == State::present && !live(old, call);
  if (!has_room(op.record, old)) {
    op.outcome = Outcome::refused;
  } else if ((old.state == State::absent || expired) &&
             put(folder, op.record, old, op.record.last_seen, op.record.expires_at)) {
    changed(op);
  } else {
    op.outcome = Outcome::exists;
  }
}

void Connection::replace(const Folder& folder, StoreOp& op, const Call& call) {
  const auto old = folder.read(reader_, op.record.key, Part::head);
  op.outcome = Outcome::missing;
  if (!live(old, call)) return;
  if (old.record.token != op.expected) {
    auto newest = folder.read(reader_, op.record.key, Part::whole);
    if (newest.state != State::present) return;
    op.record = std::move(newest.record);
    op.outcome = Outcome::conflict;
    return;
  }
  if (!has_room(op.record, old)) {
    op.outcome = Outcome::refused;
    return;
  }
  op.outcome = Outcome::unanswered;
  const auto times = times_of(op.record, old.record, call);
  if (!put(folder, op.record, old, times.last_seen, times.expires_at)) {
    op.outcome = Outcome::missing;
    return;
  }
  changed(op);
}

void Connection::touch(const Folder& folder, StoreOp& op, const Call& call) {
  const auto old = folder.read(reader_, op.record.key, Part::head);
  op.outcome = live(old, call) ? Outcome::done : Outcome::missing;
  if (op.outcome == Outcome::missing) return;
  const auto [last_seen, expires_at] = times_of(op.record, old.record, call);
  if (last_seen == old.record.last_seen && expires_at == old.record.expires_at) return;
  if (last_seen < old.record.last_seen || expires_at < old.record.expires_at)
    return set_back(folder, op, last_seen, expires_at);
  const auto times = file_times(last_seen, expires_at);
  if (::futimens(old.file.get(), times.data()) == 0) return;
  op.outcome = Outcome::unanswered;
  refuse("could not move a session's end", errno);
}

/// Of the record's own times and the file's the later ones count: so it is written anew.
void Connection::set_back(const Folder& folder, StoreOp& op, TimePoint last_seen,
                          TimePoint expires_at) {
  const auto whole = folder.read(reader_, op.record.key, Part::whole);
  op.outcome = Outcome::missing;
  if (whole.state != State::present) return;
  op.outcome = Outcome::unanswered;
  static_cast<void>(put(folder, whole.record, whole, last_seen, expires_at));  // over what is there
  changed(op);
}

void Connection::erase(const Folder& folder, StoreOp& op) {
  const auto old = folder.read(reader_, op.record.key, Part::head);
  if (old.state != State::absent && old.state != State::foreign) {
    folder.remove(record_name(op.record.key));
    owners_.remove(old.record.owner, op.record.key);
  }
  changed(op);  // also of nothing: it may be gone by an erase that was not flushed
}

bool Connection::has_room(const Record& record, const Stored& old) const noexcept {
  return !record.owner.empty() || record.blob.size() <= old.blob_size || !root_.is_nearly_full();
}

bool Connection::put(const Folder& folder, const Record& record, const Stored& old,
                     TimePoint last_seen, TimePoint expires_at) {
  const auto name = record_name(record.key);
  const bool in_place = old.state == State::present;
  const bool other_owner = !in_place || record.owner != old.record.owner;
  Temporary temporary(folder, temporary_, record, last_seen, expires_at,
                      root_.survives_power_cut());
  if (other_owner) owners_.add(record.owner, record.key);
  if (in_place) {
    temporary.put_in_place_of(name);
  } else if (!temporary.put_as_new(name)) {
    return false;
  }
  if (in_place && other_owner) owners_.remove(old.record.owner, record.key);
  return true;
}

void Connection::changed(StoreOp& op) {
  if (root_.survives_power_cut()) {
    unsettled_.push_back(&op);
  } else {
    op.outcome = Outcome::done;
  }
}

bool Connection::settle(const Folder& folder) {
  if (unsettled_.empty()) return true;
  if (const int error = folder.flush()) {
    flush_error_ = error;  // told at the end: other folders have nothing to do with it
    return false;
  }
  for (StoreOp* op : unsettled_) op->outcome = Outcome::done;
  return true;
}

std::size_t Connection::sweep(std::size_t limit, const Call& call) {
  check();
  return sweeper_.sweep(limit, call, reader_, aborted_);
}

OwnerPage Connection::list(std::string_view owner, std::string_view from, std::size_t limit,
                           const Call& call) {
  check();
  return owners_.list(owner, from, limit, call, reader_);
}

/// Folder by folder, in the order of names, which is that of keys.
KeyPage Connection::scan(std::string_view from, std::size_t limit, const Call&) {
  check();
  KeyPage page;
  limit = std::max<std::size_t>(limit, 1);
  const auto last = page_before(from);
  for (unsigned first = last ? std::to_integer<unsigned>(last->bytes.front()) : 0;
       first < 256 && page.keys.size() < limit; ++first) {
    if (aborted_) lose("the call was given up", ECANCELED);
    if (const auto folder = Folder::open(root_, records_folder(std::byte(first))))
      add_keys(*folder, std::byte(first), last, limit, page.keys);
  }
  if (page.keys.size() >= limit) page.next = page_end(page.keys.back());
  return page;
}

}  // namespace flame::inline v0::session::file
