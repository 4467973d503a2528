#include "link.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <string_view>

#include <flame/session/socket.hpp>
#include <flame/session/unreachable.hpp>

namespace flame::inline v0::session::postgres {
namespace {

constexpr std::chrono::milliseconds tls_slice{50};

/// Where it goes to now, which is not what the DSN says, but what that led to.
std::string address_of(PGconn* connection) {
  const auto text = [](const char* value) { return std::string(value ? value : ""); };
  const auto host = text(PQhostaddr(connection));
  return (host.empty() ? text(PQhost(connection)) : host) + ":" + text(PQport(connection));
}

/// With what the environment says.
bool wants_tls(PGconn* connection) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> all(PQconninfo(connection),
                                                                         &PQconninfoFree);
  for (auto* at = all.get(); at && at->keyword; ++at) {
    const std::string_view mode = at->val ? at->val : "";
    if (std::string_view(at->keyword) == "sslmode")
      return mode == "require" || mode.starts_with("verify-");
  }
  return false;
}

StoreError connect_error_of(PGconn* connection) {
  return connect_error({.message = PQerrorMessage(connection),
                        .needs_password = PQconnectionNeedsPassword(connection) != 0,
                        .wants_tls = wants_tls(connection),
                        .address = address_of(connection)});
}

std::string_view field(const PGresult* result, int code) noexcept {
  const char* const text = PQresultErrorField(result, code);
  return text ? text : "";
}

}  // namespace

void Link::open(const Keywords& keywords, Deadline until) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  prepared_ = {};
  in_exchange_ = unsent_ = unconfirmed_ = ended_ = false;
  waiter_.check(until);
  connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
  auto* const connection = connection_.get();
  if (!connection) throw std::bad_alloc();
  PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE);
  PQsetNoticeReceiver(connection, on_notice, this);
  if (PQstatus(connection) == CONNECTION_BAD) throw connect_error_of(connection);
  for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;) {
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    try {
      static_cast<void>(waiter_.wait(PQsocket(connection), events, until));
    } catch (const StoreError&) {
      waiter_.check({});  // who gave up is told so
      const auto at = address_of(connection);
      throw StoreError(StoreError::Kind::connection_lost, is_connected(PQsocket(connection))
                                                              ? no_answer(at, "PostgreSQL", true)
                                                              : unreachable(at, ETIMEDOUT));
    }
    state = PQconnectPoll(connection);
    if (state == PGRES_POLLING_FAILED) throw connect_error_of(connection);
  }
  if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1)
    lose("libpq cannot send several statements at once");
}

bool Link::refused_options() const noexcept {
  return connection_ && PQstatus(connection_.get()) == CONNECTION_BAD &&
         may_be_for_options(PQerrorMessage(connection_.get()));
}

/// Also for errors that come while nothing was asked: the server says why it ends the connection.
void Link::on_notice(void* link, const PGresult* notice) noexcept {
  auto& self = *static_cast<Link*>(link);
  const auto severity = field(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == "FATAL" || severity == "PANIC") self.ended_ = true;
  if (severity == "WARNING" &&
      says_unconfirmed(field(notice, PG_DIAG_SQLSTATE), field(notice, PG_DIAG_SOURCE_FILE)))
    self.unconfirmed_ = true;
}

void Link::start() {
  if (!connection_ || in_exchange_) lose("the connection is over");
  for (char byte = 0;;) {
    const auto got = ::recv(PQsocket(connection_.get()), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    const bool open = got > 0 && PQconsumeInput(connection_.get()) == 1;
    if (open) static_cast<void>(PQisBusy(connection_.get()));  // reads it
    if (open && !ended_) continue;
    throw StoreError(StoreError::Kind::later,
                     "postgres store: the server ended a connection that was not in use");
  }
  steps_.clear();
  at_ = 0;
  end_ = {};
  unconfirmed_ = false;
  in_exchange_ = true;
}

void Link::sent(int result) {
  if (result != 1) lose("the connection broke");
}

void Link::prepare(Ask ask) {
  const auto& [text, name] = statements_[ask];
  const bool unnamed = unnamed_.load(std::memory_order_relaxed);
  auto& prepared = prepared_[static_cast<std::size_t>(ask)];
  if (unnamed ? unnamed_is_ == ask : prepared) return;
  sent(PQsendPrepare(connection_.get(), unnamed ? "" : name.c_str(), text.c_str(), 0, nullptr));
  steps_.emplace_back(Step::preparation, ask);
  if (unnamed)
    unnamed_is_ = ask;
  else
    prepared = true;
}

void Link::ask(Ask ask, const Parameters& parameters) {
  prepare(ask);
  const bool unnamed = unnamed_is_ == ask;
  sent(PQsendQueryPrepared(connection_.get(), unnamed ? "" : statements_[ask].name.c_str(),
                           parameters.count(), parameters.values(), parameters.lengths(),
                           parameters.formats(), 1));
  steps_.emplace_back(Step::question, ask);
}

void Link::ask(const std::string& text, const Parameters& parameters) {
  unnamed_is_.reset();
  sent(PQsendQueryParams(connection_.get(), text.c_str(), parameters.count(), nullptr,
                         parameters.values(), parameters.lengths(), parameters.formats(), 1));
  steps_.emplace_back(Step::question, Ask{});
}

void Link::end_group() {
  unnamed_is_.reset();  // the next group may have another session of a pooler's
  sent(PQpipelineSync(connection_.get()));
  steps_.emplace_back(Step::end, Ask{});
}

void Link::send(Deadline until) {
  const int left = PQflush(connection_.get());
  if (left < 0) lose("the connection broke");
  unsent_ = left == 1;
  waiter_.check(until);
}

void Link::consume() {
  if (PQconsumeInput(connection_.get()) != 1) lose("the connection broke");
}

void Link::wait_for(short events, Deadline until) {
  const auto got = waiter_.wait(PQsocket(connection_.get()), events, until);
  if (got & POLLOUT) send(until);
  if (got & ~POLLOUT) consume();
}

void Link::fill(Deadline until) {
  const auto events = static_cast<short>(unsent_ ? POLLIN | POLLOUT : POLLIN);
  if (!PQsslInUse(connection_.get())) return wait_for(events, until);
  // What TLS has decrypted already makes no descriptor readable: two reads take a whole record,
  // and where a part of another is left, the next slice takes it.
  for (int reads = 0; reads < 2; ++reads) {
    consume();
    if (!PQisBusy(connection_.get())) return;
  }
  const auto slice = std::chrono::steady_clock::now() + tls_slice;
  if (until != Deadline{} && until <= slice) return wait_for(events, until);
  try {
    wait_for(events, slice);
  } catch (const StoreError&) {
    if (std::chrono::steady_clock::now() < slice) throw;
    waiter_.check(until);
  }
}

/// The next one that is not the end of another's.
Result Link::receive(Deadline until) {
  for (int nothing = 0; nothing < 3; ++nothing) {
    while (PQisBusy(connection_.get())) fill(until);
    if (Result result(PQgetResult(connection_.get())); result) return result;
  }
  lose("the connection broke");
}

void Link::failed(const Result& result) {
  if (result.status() == PGRES_PIPELINE_ABORTED || end_.failure) return;
  end_.sqlstate = result.sqlstate();
  end_.failure = judge(end_.sqlstate, result.is_fatal());
}

Result Link::next(Deadline until) {
  while (at_ < steps_.size()) {
    const auto [step, ask] = steps_[at_];
    auto result = receive(until);
    const bool at_end = result.status() == PGRES_PIPELINE_SYNC;
    if (at_end != (step == Step::end)) {
      // An error of the commit itself comes before its end.
      if (at_end || !result.failed()) lose("the answers are out of order");
      failed(result);
      continue;
    }
    ++at_;
    if (at_end) return Result();
    if (step == Step::preparation && result.failed())
      prepared_[static_cast<std::size_t>(ask)] = false;
    if (result.failed())
      failed(result);
    else if (step == Step::question)
      return result;
  }
  return Result();
}

GroupEnd Link::group_end() {
  end_.unconfirmed = std::exchange(unconfirmed_, false);
  return std::exchange(end_, {});
}

Result Link::only_once(Ask ask, const Parameters& parameters, Deadline until, bool relaxed,
                       GroupEnd& end) {
  start();
  if (relaxed) this->ask(Ask::relax, {});
  this->ask(ask, parameters);
  end_group();
  send(until);
  Result answer;
  while (auto result = next(until)) answer = std::move(result);
  end = group_end();
  finish();
  return answer;
}

StoreError Link::error(const GroupEnd& end) const {
  return error_of(*end.failure, end.sqlstate, statements_.table());
}

Result Link::only(Ask ask, const Parameters& parameters, Deadline until, bool relaxed) {
  GroupEnd end;
  auto answer = only_once(ask, parameters, until, relaxed, end);
  if (end.failure && end.failure->meaning == Meaning::statement_lost) {
    unnamed_ = true;
    answer = only_once(ask, parameters, until, relaxed, end);
  }
  if (end.failure) throw error(end);
  if (!answer) lose("an answer is missing");
  return answer;
}

}  // namespace flame::inline v0::session::postgres
