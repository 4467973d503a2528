#include "connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <type_traits>
#include <utility>

#include <flame/session/resolve.hpp>
#include <flame/session/share_of.hpp>

#include "option_file.hpp"
#include "schema.hpp"

namespace flame::inline v0::session::mysql {
namespace {

constexpr std::size_t beside_values = 4096;  // of a statement that is executed
constexpr std::size_t beside_blob = 320;     // of an operation: owner apart, keys are sent often
constexpr int tries_to_make_table = 5;
constexpr unsigned no_right = 1142;

[[noreturn]] void fail(StoreError::Kind kind, const std::string& text) {
  throw StoreError(kind, "mysql: " + text);
}

Login login_of(const Config& config) {
  const auto& dsn = config.dsn;
  Credentials kept;
  if (!dsn.option_file.empty()) kept = read_option_file(dsn.option_file);
  Login login;
  login.user = dsn.user.empty() ? kept.user.value_or("") : dsn.user;
  login.password =
      password_of(config.connections, dsn.password ? *dsn.password : kept.password.value_or(""));
  return login;
}

/// Where to. With TLS the driver is given the name, for it compares the certificate with what it
/// was given; that the system knows it in time is tried first.
std::vector<Place> places_of(const Dsn& dsn, Waiter& waiter, Deadline until) {
  if (!dsn.socket.empty()) return {Place{}};
  auto found = resolve(dsn.host, waiter, until);
  if (dsn.tls) return {Place{dsn.host, found.size()}};
  std::vector<Place> places;
  for (auto& address : found) places.push_back({std::move(address), 1});
  return places;
}

/// What to mend where they are refused.
std::string login_is_in(const Config& config) {
  if (config.connections.password) return "the DSN and connections.password";
  if (!config.connections.password_file.empty()) return "the DSN and the password file";
  const auto& dsn = config.dsn;
  if (dsn.option_file.empty() || (!dsn.user.empty() && dsn.password)) return "the DSN";
  return dsn.user.empty() && !dsn.password ? "the option file" : "the DSN and the option file";
}

std::size_t bytes_of(const StoreOp& op) noexcept {
  return beside_blob + op.record.owner.size() + op.record.blob.size();
}

}  // namespace

Connection::Connection(std::shared_ptr<const Config> config)
    : config_(std::move(config)), batch_(wire_, config_->table) {}

template <class F>
auto Connection::exchange(const Call& call, F f) {
  Wire::Exchange exchange(wire_, call.deadline);
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      exchange.finish();
    } else {
      auto answer = f();
      exchange.finish();
      return answer;
    }
  } catch (const DriverError& error) {
    // What the server refused it has answered: nothing is left to read.
    if (error.verdict() != Verdict::lost) exchange.finish();
    tell(error);
  }
}

void Connection::tell(const DriverError& error) const {
  const auto table = quoted(config_->table);
  switch (error.error()) {
    case 1045:
      error.tell("mysql: the server refuses the user or the password: set them in " +
                 login_is_in(*config_));
    case 1049:
      if (error.phase() == Phase::connecting || config_->table.schema.empty()) error.tell();
      error.tell("mysql: the database `" + config_->table.schema +
                 "` of the table is not there: create it, or set another table");
    case 1146:
      error.tell(problem_of({}, config_->table));
    case no_right:
    case 1143:
      error.tell("mysql: the user lacks rights: run: GRANT SELECT, INSERT, UPDATE, DELETE ON " +
                 table + " TO the user");
    default:
      error.tell();
  }
}

void Connection::connect(const Call& call) {
  if (config_->wrong) throw StoreError(*config_->wrong);
  const auto login = login_of(*config_);
  const auto places = places_of(config_->dsn, wire_.waiter(), call.deadline);
  std::optional<StoreError> failure;
  for (std::size_t i = 0; i < places.size(); ++i) {
    try {
      return open(places[i], login, {call.now, share_of(call.deadline, places.size() - i)});
    } catch (const StoreError& error) {
      wire_.close();
      if (error.kind() == StoreError::Kind::refused) throw;  // so would the others
      // One that is read-only says more of what to mend than others that are silent.
      if (!failure || failure->kind() != StoreError::Kind::away) failure = error;
      if (i + 1 < places.size()) wire_.check(call.deadline);
    }
  }
  throw StoreError(*failure);
}

void Connection::open(const Place& place, const Login& login, const Call& call) {
  exchange(call, [&] {
    wire_.open(config_->dsn, place, login, config_->connections.application_name);
    begin_session();
  });
}

void Connection::begin_session() {
  wire_.query(limits_setup());
  std::map<std::string, std::string> values;
  for (auto& row : wire_.query(settings_query())) values[row[0]] = std::move(row[1]);
  settings_ = Settings(std::move(values));
  if (settings_.is_on("read_only") || settings_.is_on("innodb_read_only"))
    fail(StoreError::Kind::away, "this server is read-only now: set the DSN to one that is not");
  if (settings_.max_packet() < 2 * beside_values)
    fail(StoreError::Kind::refused, "max_allowed_packet is " +
                                        std::to_string(settings_.max_packet()) +
                                        ": it holds no statement: set it to 16M");
  most_bytes_ = settings_.max_packet() - beside_values;
  wire_.query(session_setup(settings_));
}

std::vector<std::string> Connection::prepare(const Call& call) {
  const auto& table = config_->table;
  return exchange(call, [&] {
    const auto facts_now = [&] {  // in this order: another may make it meanwhile
      const auto itself = wire_.query(table_query(table));
      const auto columns = wire_.query(columns_query(table));
      return read_facts(itself, columns, wire_.query(indexes_query(table)));
    };
    auto facts = facts_now();
    if (!facts.exists && config_->init_table) {
      make_table();
      facts = facts_now();
    }
    if (const auto problem = problem_of(facts, table); !problem.empty())
      throw StoreError(StoreError::Kind::refused, problem);
    batch_.check_rights();
    auto warnings = warnings_of(settings_, max_record);
    if (facts.engine != "InnoDB")
      warnings.push_back("mysql: the table " + quoted(table) +
                         " is not of InnoDB: what is saved may be lost, or half of it: run: ALTER "
                         "TABLE " +
                         quoted(table) + " ENGINE=InnoDB");
    std::string unused;
    for (const auto& name : config_->dsn.unused)
      unused.append(unused.empty() ? "" : ", ").append(name);
    if (!unused.empty())
      warnings.push_back("mysql: parameters of the DSN have no use here: leave out " + unused);
    return warnings;
  });
}

/// Others may make it at the same time.
void Connection::make_table() {
  for (int tries = 1;; ++tries) {
    try {
      wire_.query(create_statement(config_->table));
      return;
    } catch (const DriverError& error) {
      if (error.error() == no_right)
        error.tell("mysql: the user may not make the table: run: GRANT CREATE ON " +
                   quoted(config_->table) + " TO the user");
      if (error.verdict() != Verdict::later || tries == tries_to_make_table) throw;
    }
  }
}

void Connection::run(std::span<StoreOp> batch, const Call& call) {
  exchange(call, [&] {
    for (const auto verb : {Verb::load, Verb::create, Verb::replace, Verb::touch, Verb::erase}) {
      if (const auto ops = only(verb, batch); !ops.empty()) run_all(verb, ops, call);
    }
  });
}

/// How many of the first ones one statement can hold; 0: not even the first one.
std::size_t Connection::fitting(std::span<StoreOp> ops) const noexcept {
  std::size_t n = 0;
  for (std::size_t bytes = 0; n < std::min(ops.size(), Batch::most); ++n) {
    const auto& record = ops[n].record;
    bytes += bytes_of(ops[n]);
    if (bytes > most_bytes_ || record.owner.size() > max_owner || record.blob.size() > max_record)
      break;
  }
  return n;
}

/// A verb by itself, and its outcomes before the next one begins.
void Connection::run_all(Verb verb, std::span<StoreOp> ops, const Call& call) {
  while (!ops.empty()) {
    const auto n = fitting(ops);
    if (n == 0) ops.front().outcome = Outcome::refused;
    if (n > 0) run_some(verb, ops.first(n), call);
    ops = ops.subspan(std::max<std::size_t>(n, 1));
  }
}

void Connection::run_some(Verb verb, std::span<StoreOp> ops, const Call& call) {
  try {
    switch (verb) {
      case Verb::load:
        return batch_.load(ops, call.now);
      case Verb::create:
        return batch_.create(ops, call.now);
      case Verb::replace:
        return batch_.replace(ops, call.now);
      case Verb::touch:
        return batch_.touch(ops, call.now);
      case Verb::erase:
        return batch_.erase(ops);
    }
  } catch (const DriverError& error) {
    const auto verdict = error.verdict();
    if (verdict != Verdict::later && verdict != Verdict::unknown) throw;
    for (auto& op : ops) {
      if (op.outcome == Outcome::unanswered)
        op.outcome = verdict == Verdict::later ? Outcome::later : Outcome::unknown;
    }
  }
}

std::size_t Connection::sweep(std::size_t limit, const Call& call) {
  return exchange(call, [&] { return batch_.sweep(limit, call); });
}

OwnerPage Connection::list(std::string_view owner, std::string_view from, std::size_t limit,
                           const Call& call) {
  if (owner.empty() || owner.size() > max_owner || limit == 0) return {};
  return exchange(call, [&] { return batch_.list(owner, from, limit, call.now); });
}

KeyPage Connection::scan(std::string_view from, std::size_t limit, const Call& call) {
  return exchange(call, [&] { return batch_.scan(from, std::max<std::size_t>(limit, 1)); });
}

std::optional<TimePoint> Connection::clock(const Call& call) {
  return exchange(call, [&]() -> std::optional<TimePoint> {
    const auto rows =
        wire_.query("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))");
    const auto& text = rows.at(0).at(0);
    std::int64_t microseconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), microseconds);
    return std::chrono::floor<std::chrono::milliseconds>(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(microseconds)));
  });
}

void Connection::ping(const Call& call) {
  exchange(call, [&] { wire_.ping(); });
}

}  // namespace flame::inline v0::session::mysql
