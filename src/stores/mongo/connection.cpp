#include "connection.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "schema.hpp"

namespace flame::inline v0::session::mongo {
namespace {

constexpr std::int64_t no_such_index = 2;

std::optional<Settings> settings_or(MongoOptions options, std::string& wrong) try {
  return read_settings(std::move(options));
} catch (const StoreError& error) {
  wrong = error.what();
  return std::nullopt;
}

const Settings& settings_of(const Shared& shared) {
  static const Settings none;
  return shared.settings ? *shared.settings : none;
}

SessionKey random_key() {
  std::random_device random;
  SessionKey key;
  for (auto& byte : key.bytes) byte = static_cast<std::byte>(random());
  return key;
}

}  // namespace

Shared::Shared(MongoOptions options) : settings(settings_or(std::move(options), wrong)) {}

Connection::Connection(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)),
      settings_(settings_of(*shared_)),
      commands_(settings_.collection, settings_.concerns),
      link_(settings_),
      batch_(link_, commands_) {}

void Connection::connect(const Call& call) {
  if (!shared_->settings) throw StoreError(StoreError::Kind::refused, shared_->wrong);
  link_.connect(password_of(settings_.connections, {}), call.deadline);
}

std::vector<std::string> Connection::prepare(const Call& call) {
  auto facts = look(link_, settings_, call.deadline);
  if (settings_.init_collection && !problem_of(facts, settings_).empty() && may_be_made(facts)) {
    make(link_, settings_, facts, call.deadline);
    facts = look(link_, settings_, call.deadline);
  }
  if (const auto problem = problem_of(facts, settings_); !problem.empty()) refuse(problem);
  try_rights(call);
  shared_->sweeps = !facts.removed_after;
  return warnings_of(facts, settings_);
}

/// By writes that find nothing.
void Connection::try_rights(const Call& call) {
  StoreOp op{.verb = Verb::touch, .record = {.key = random_key()}};
  batch_.run({&op, 1}, call);
  op = {.verb = Verb::erase, .record = {.key = op.record.key}};
  try {
    batch_.run({&op, 1}, call);
  } catch (const StoreError& error) {
    if (error.kind() != StoreError::Kind::unconfirmed) throw;
    throw StoreError(StoreError::Kind::connection_lost, error.what());
  }
}

/// What is over is removed only where it still is.
std::size_t Connection::sweep(std::size_t limit, const Call& call) {
  if (!shared_->sweeps || limit == 0) return 0;
  std::vector<SessionKey> keys;
  each_document(link_.ask_surely(commands_.find_expired(limit, call.now), call.deadline),
                "cursor.firstBatch", [&](const bson_t& document) {
                  if (const auto key = read_key(document)) keys.push_back(*key);
                });
  if (keys.empty()) return 0;
  const auto removed =
      read_written(link_.ask_surely(commands_.remove_expired(keys, call.now), call.deadline));
  return static_cast<std::size_t>(removed.count);
}

/// Left to itself a server may also read the whole index of what is over.
const bson_t& Connection::ask_for_page(std::string_view owner, std::string_view from,
                                       std::size_t limit, const Call& call) {
  const auto answer = link_.ask(commands_.list(owner, from, limit, call.now), call.deadline);
  if (!answer.failure) return answer.reply;
  if (answer.failure->code != no_such_index) throw error_of(*answer.failure);
  // The collection was dropped meanwhile, and made anew by a save.
  return link_.ask_surely(commands_.list(owner, from, limit, call.now, false), call.deadline);
}

OwnerPage Connection::list(std::string_view owner, std::string_view from, std::size_t limit,
                           const Call& call) {
  static_cast<void>(page_before(from));  // or it is refused
  OwnerPage page;
  if (owner.empty() || owner.size() > max_owner || limit == 0) return page;
  std::size_t found = 0;
  each_document(ask_for_page(owner, from, limit, call), "cursor.firstBatch",
                [&](const bson_t& document) {
                  const auto key = read_key(document);
                  Record record;
                  const auto token = find_number(document, "token");
                  if (!key) return;
                  ++found;
                  page.next = page_end(*key);
                  if (!token || !read_times(document, record)) return;
                  record.key = *key;
                  record.token = WriteToken{static_cast<std::uint64_t>(*token)};
                  record.owner = owner;
                  page.records.push_back(std::move(record));
                });
  if (found < std::min<std::size_t>(limit, most_listed)) page.next.clear();
  return page;
}

KeyPage Connection::scan(std::string_view from, std::size_t limit, const Call& call) {
  static_cast<void>(page_before(from));  // or it is refused
  KeyPage page;
  limit = std::clamp<std::size_t>(limit, 1, most_listed);
  each_document(link_.ask_surely(commands_.scan(from, limit), call.deadline), "cursor.firstBatch",
                [&](const bson_t& document) {
                  if (const auto key = read_key(document)) page.keys.push_back(*key);
                });
  if (page.keys.size() == limit) page.next = page_end(page.keys.back());
  return page;
}

std::optional<TimePoint> Connection::clock(const Call& call) {
  return find_time(link_.hello(call.deadline), "localTime");
}

void Connection::ping(const Call& call) {
  Document command;
  command.writer().number("ping", std::int32_t{1});
  static_cast<void>(link_.ask_surely(command, call.deadline));
}

}  // namespace flame::inline v0::session::mongo
