#include "connection.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <flame/session/share_of.hpp>

#include "schema.hpp"
#include "target.hpp"

namespace flame::inline v0::session::postgres {
namespace {

using Kind = StoreError::Kind;

std::optional<Settings> settings_or(PostgresOptions options, std::string& wrong) try {
  return read_settings(std::move(options));
} catch (const StoreError& error) {
  wrong = error.what();
  return std::nullopt;
}

}  // namespace

Shared::Shared(PostgresOptions options)
    : settings(settings_or(std::move(options), wrong)),
      statements(settings ? settings->table : TableName{}) {}

Connection::Connection(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)),
      link_(shared_->statements, shared_->unnamed),
      batch_(link_, shared_->unnamed),
      sweeper_(link_, std::random_device{}()) {}

void Connection::connect(const Call& call) {
  if (!shared_->settings) throw StoreError(Kind::refused, shared_->wrong);
  const auto& settings = *shared_->settings;
  const auto password = password_of(settings.connections, {});
  const auto targets = find_targets(settings, link_.waiter(), call.deadline);
  std::optional<StoreError> clearest;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    try {
      return open(targets[i], password, share_of(call.deadline, targets.size() - i));
    } catch (const StoreError& error) {
      link_.close();
      if (!clearest || doubt(error.kind()) < doubt(clearest->kind())) clearest = error;
      if (i + 1 < targets.size()) link_.waiter().check(call.deadline);
    }
  }
  throw StoreError(*clearest);
}

/// Also asks whether it is the one that writes: of several hosts, or after a failover, others may
/// be there. What else the choice of a server depends on belongs here.
void Connection::open(const Target& target, const std::string& password, Deadline until) {
  sign_in(target, password, until);
  if (link_.only(Ask::takes_writes, {}, until).flag(0, 0)) return;
  throw error_of(judge("25006", false), "25006");
}

/// A pooler may refuse `options`, and does not say so in a way of its own. Nor is it remembered:
/// another target, or what stands there next time, may take them.
void Connection::sign_in(const Target& target, const std::string& password, Deadline until) {
  const auto& settings = *shared_->settings;
  try {
    return link_.open(keywords_for(settings, target, password, true), until);
  } catch (const StoreError&) {
    if (!link_.refused_options()) throw;
  }
  link_.open(keywords_for(settings, target, password, false), until);
}

std::vector<std::string> Connection::prepare(const Call& call) {
  return prepare_table(link_, *shared_->settings, call.deadline);
}

std::size_t Connection::sweep(std::size_t limit, const Call& call) {
  return sweeper_.sweep(limit, call);
}

OwnerPage Connection::list(std::string_view owner, std::string_view from, std::size_t limit,
                           const Call& call) {
  static_cast<void>(page_before(from));
  Parameters p;
  p << owner << from << call.now << static_cast<std::int64_t>(limit);
  const auto result = link_.only(Ask::list, p, call.deadline);
  OwnerPage page;
  for (int row = 0; row < result.rows(); ++row)
    page.records.push_back({.key = key_of(result.bytes(row, 0)),
                            .token = WriteToken{static_cast<std::uint64_t>(result.number(row, 1))},
                            .owner = std::string(owner),
                            .created_at = result.time(row, 2),
                            .last_seen = result.time(row, 3),
                            .expires_at = result.time(row, 4)});
  if (page.records.size() == limit) page.next = result.bytes(result.rows() - 1, 0);
  return page;
}

KeyPage Connection::scan(std::string_view from, std::size_t limit, const Call& call) {
  Parameters p;
  limit = std::max<std::size_t>(limit, 1);
  p << from << static_cast<std::int64_t>(limit);
  const auto result = link_.only(Ask::scan, p, call.deadline);
  KeyPage page;
  for (int row = 0; row < result.rows(); ++row) {
    const auto key = result.bytes(row, 0);
    if (key.size() == sizeof(SessionKey)) page.keys.push_back(key_of(key));  // or not the library's
  }
  if (static_cast<std::size_t>(result.rows()) == limit)
    page.next = result.bytes(result.rows() - 1, 0);
  return page;
}

std::optional<TimePoint> Connection::clock(const Call& call) {
  return link_.only(Ask::time, {}, call.deadline).time(0, 0);
}

/// An end of nothing: the smallest round trip.
void Connection::ping(const Call& call) {
  link_.start();
  link_.end_group();
  link_.send(call.deadline);
  static_cast<void>(link_.next(call.deadline));
  link_.finish();
}

}  // namespace flame::inline v0::session::postgres
