#include "batch.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace flame::inline v0::session::mysql {
namespace {

using Ops = std::span<StoreOp>;

constexpr unsigned taken = 1048;  // what Form::create makes of it

/// Statements are made for powers of two. Of those that are left over each is the last one again:
/// it changes no more than that did.
std::size_t padded(std::size_t n) noexcept { return std::bit_ceil(n); }

template <class F>
void for_each_padded(Ops ops, F f) {
  for (const auto& op : ops) f(op);
  for (auto i = ops.size(); i < padded(ops.size()); ++i) f(ops.back());
}

void bind_keys(Statement& statement, Ops ops) {
  for_each_padded(ops, [&](const StoreOp& op) { statement.bind(op.record.key); });
}

/// What forms.cpp calls own(). Of a CASE the first that fits counts: what is left over stays empty.
template <class F>
void bind_own(Statement& statement, Ops ops, F field) {
  using Value = decltype(field(ops.front()));
  if (ops.size() == 1) return statement.bind(field(ops.front()));
  for (const auto& op : ops) {
    statement.bind(op.record.key);
    statement.bind(field(op));
  }
  for (auto i = ops.size(); i < padded(ops.size()); ++i) {
    statement.bind(ops.back().record.key);
    statement.bind(Value{});
  }
}

void bind_times(Statement& statement, Ops ops, TimePoint now) {
  bind_own(statement, ops, [](const StoreOp& op) { return op.record.expires_at; });
  statement.bind(now);
  bind_own(statement, ops, [](const StoreOp& op) { return op.record.last_seen; });
  statement.bind(now);
}

void bind_record(Statement& statement, const Record& record, WriteToken token,
                 std::string_view content) {
  statement.bind(record.key);
  statement.bind(token);
  statement.bind(record.created_at);
  statement.bind(record.last_seen);
  statement.bind(record.expires_at);
  statement.bind(std::string_view(record.owner));
  statement.bind(content);
}

/// The operation that a row was asked for by; the keys are sorted.
StoreOp& op_of(Ops ops, const SessionKey& key) noexcept {
  constexpr auto key_of = [](const StoreOp& op) -> const SessionKey& { return op.record.key; };
  return *std::ranges::lower_bound(ops, key, {}, key_of);
}

void answer_rest(Ops ops, Outcome outcome) noexcept {
  for (auto& op : ops) {
    if (op.outcome == Outcome::unanswered) op.outcome = outcome;
  }
}

/// False: another has what it needs locked.
template <class F>
bool unless_locked(F f) {
  try {
    f();
    return true;
  } catch (const DriverError& error) {
    if (error.verdict() != Verdict::later) throw;
    return false;
  }
}

/// To wait for another one: a server takes up to two seconds for the one that it is told
/// (settings.cpp), and a call that its deadline ends costs the connection.
bool has_time_for_a_lock(Deadline until) noexcept {
  constexpr std::chrono::seconds longest{2};
  return until == Deadline{} || until - std::chrono::steady_clock::now() > longest;
}

/// The least key after the page that ended so; empty where there is none.
std::optional<SessionKey> first_after(std::string_view from) {
  const auto last = page_before(from);
  if (!last) return SessionKey{};
  auto key = *last;
  for (auto at = key.bytes.rbegin(); at != key.bytes.rend(); ++at) {
    *at = static_cast<std::byte>(std::to_integer<unsigned>(*at) + 1);
    if (*at != std::byte{0}) return key;
  }
  return std::nullopt;
}

}  // namespace

/// What was sent has been applied, or a part of it: an error from here on does not say that it was
/// not.
template <class F>
void Batch::settle(Ops ops, F read) {
  try {
    read();
  } catch (const DriverError& error) {
    if (error.verdict() == Verdict::lost) error.tell();
    answer_rest(ops, Outcome::unknown);
  }
}

template <class F>
void Batch::look(Ops ops, F f) {
  auto& select = statement(Form::look, ops.size());
  bind_keys(select, ops);
  select.execute();
  while (select.fetch(row_)) f(op_of(ops, row_.key));
}

Statement& Batch::statement(Form form, std::size_t n) {
  wire_.check();
  auto& slot = statements_[static_cast<std::size_t>(form)]
                          [static_cast<std::size_t>(std::bit_width(padded(n)) - 1)];
  if (!slot) slot = std::make_unique<Statement>(wire_, sql(form, padded(n), table_));
  return *slot;
}

void Batch::check_rights() {
  for (const auto form : {Form::load, Form::create_over, Form::replace, Form::erase})
    static_cast<void>(statement(form, 1));
}

void Batch::load(Ops ops, TimePoint now) {
  auto& select = statement(Form::load, ops.size());
  bind_keys(select, ops);
  select.execute();
  while (select.fetch(row_)) {
    auto& op = op_of(ops, row_.key);
    op.record.token = row_.token;
    op.record.owner.swap(row_.owner);
    op.record.created_at = row_.created_at;
    op.record.last_seen = row_.last_seen;
    op.record.expires_at = row_.expires_at;
    select.content_into(op.record.blob);
    op.outcome = row_.expires_at > now ? Outcome::done : Outcome::missing;
  }
  answer_rest(ops, Outcome::missing);
}

void Batch::create(Ops ops, TimePoint now) {
  if (ops.size() > 1 && create_all(ops)) return answer_rest(ops, Outcome::done);
  for (auto& op : ops) create_one(op, now);
}

/// False: a key is taken, and nothing was written.
bool Batch::create_all(Ops ops) {
  auto& insert = statement(Form::create, ops.size());
  for (const auto& op : ops) bind_record(insert, op.record, op.record.token, op.record.blob);
  for (auto i = ops.size(); i < padded(ops.size()); ++i)
    bind_record(insert, ops.back().record, WriteToken{}, {});
  try {
    insert.execute();
  } catch (const DriverError& error) {
    if (error.error() != taken) throw;
    return false;
  }
  return true;
}

void Batch::create_one(StoreOp& op, TimePoint now) {
  auto& insert = statement(Form::create_over, 1);
  bind_record(insert, op.record, op.record.token, op.record.blob);
  for (int i = 0; i < 6; ++i) insert.bind(now);
  op.outcome = insert.execute() == 0 ? Outcome::exists : Outcome::done;
}

void Batch::replace(Ops ops, TimePoint now) {
  auto& update = statement(Form::replace, ops.size());
  bind_own(update, ops, [](const StoreOp& op) { return op.record.token; });
  bind_own(update, ops, [](const StoreOp& op) { return op.record.created_at; });
  bind_own(update, ops, [](const StoreOp& op) { return std::string_view(op.record.owner); });
  bind_own(update, ops, [](const StoreOp& op) { return std::string_view(op.record.blob); });
  bind_times(update, ops, now);
  bind_keys(update, ops);
  update.bind(now);
  bind_own(update, ops, [](const StoreOp& op) { return op.expected; });
  const auto replaced = update.execute();
  if (replaced == ops.size()) return answer_rest(ops, Outcome::done);
  settle(ops, [&] { tell_replaced(ops, replaced, now); });
}

/// A record may have been replaced once more since then. Where fewer have their operation's token
/// than were replaced, one that has another's may hide such a write: nobody but its blob knows.
void Batch::tell_replaced(Ops ops, std::uint64_t replaced, TimePoint now) {
  auto& select = statement(Form::load, ops.size());
  bind_keys(select, ops);
  select.execute();
  std::vector<std::pair<StoreOp*, Record>> newest;
  while (select.fetch(row_)) {
    auto& op = op_of(ops, row_.key);
    if (row_.expires_at <= now) continue;
    if (row_.token == op.record.token) {
      op.outcome = Outcome::done;
      if (op.record.token != op.expected && replaced > 0) --replaced;
    } else if (row_.token == op.expected) {
      op.outcome = Outcome::later;  // it was not there, or was over, when the update came by
    } else {
      select.content_into(row_.blob);
      newest.emplace_back(&op, std::move(row_));
    }
  }
  for (auto& [op, record] : newest) {
    op->outcome = replaced == 0 ? Outcome::conflict : Outcome::unknown;
    if (replaced == 0) op->record = std::move(record);
  }
  answer_rest(ops, Outcome::missing);
}

void Batch::touch(Ops ops, TimePoint now) {
  auto& update = statement(Form::touch, ops.size());
  bind_times(update, ops, now);
  bind_keys(update, ops);
  update.bind(now);
  if (update.execute() == ops.size()) return answer_rest(ops, Outcome::done);
  // What another one had moved as far is not counted as changed.
  settle(ops, [&] {
    look(ops, [&](StoreOp& op) {
      if (row_.expires_at > now) op.outcome = Outcome::done;
    });
    answer_rest(ops, Outcome::missing);
  });
}

void Batch::erase(Ops ops) {
  auto& remove = statement(Form::erase, ops.size());
  bind_keys(remove, ops);
  remove.execute();
  answer_rest(ops, Outcome::done);
}

std::vector<StoreOp> Batch::find_expired(std::size_t limit, TimePoint now) {
  auto& select = statement(Form::expired, 1);
  select.bind(now);
  select.bind(std::uint64_t{limit});
  select.execute();
  std::vector<StoreOp> found;
  while (select.fetch(row_)) found.push_back({Verb::erase, {.key = row_.key}, {}, {}});
  std::ranges::sort(found, {}, [](const StoreOp& op) { return op.record.key; });
  return found;
}

std::uint64_t Batch::remove_expired(Ops ops, TimePoint now) {
  auto& remove = statement(Form::sweep, ops.size());
  bind_keys(remove, ops);
  remove.bind(now);
  return remove.execute();
}

std::size_t Batch::sweep(std::size_t limit, const Call& call) {
  const bool had_time = has_time_for_a_lock(call.deadline);
  std::size_t swept = 0;
  std::vector<StoreOp> found;
  unless_locked([&] { found = find_expired(limit, call.now); });
  for (Ops rest = found; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), most));
    rest = rest.subspan(some.size());
    const bool had = unless_locked([&] { swept += remove_expired(some, call.now); });
    // One that it got may have taken it as long. A call that is shorter than any wait tries all.
    if ((had_time || !had) && !has_time_for_a_lock(call.deadline)) break;
  }
  return swept;
}

OwnerPage Batch::list(std::string_view owner, std::string_view from, std::size_t limit,
                      TimePoint now) {
  OwnerPage page;
  const auto first = first_after(from);
  if (!first) return page;
  auto& select = statement(Form::list, 1);
  select.bind(owner);
  select.bind(*first);
  select.bind(now);
  select.bind(std::uint64_t{limit});
  select.execute();
  while (select.fetch(row_)) {
    page.records.push_back({row_.key,
                            row_.token,
                            std::string(owner),
                            row_.created_at,
                            row_.last_seen,
                            row_.expires_at,
                            {}});
  }
  if (page.records.size() == limit) page.next = page_end(page.records.back().key);
  return page;
}

KeyPage Batch::scan(std::string_view from, std::size_t limit) {
  KeyPage page;
  const auto first = first_after(from);
  if (!first) return page;
  auto& select = statement(Form::scan, 1);
  select.bind(*first);
  select.bind(std::uint64_t{limit});
  select.execute();
  while (select.fetch(row_)) page.keys.push_back(row_.key);
  if (page.keys.size() == limit) page.next = page_end(page.keys.back());
  return page;
}

}  // namespace flame::inline v0::session::mysql
