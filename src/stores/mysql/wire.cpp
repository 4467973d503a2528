#include "wire.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

#include <flame/session/share_of.hpp>
#include <flame/session/socket.hpp>
#include <flame/session/unreachable.hpp>

namespace flame::inline v0::session::mysql {
namespace {

// The driver tells its hook the descriptor alone.
thread_local Wire* current = nullptr;

// Those that send no password in the clear. A server that is not known to be the right one may ask
// for any.
constexpr const char* safe_without_tls =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec";

bool is_tls(MYSQL* mysql) noexcept { return mysql_get_ssl_cipher(mysql) != nullptr; }

/// With TLS the driver reads and writes as the descriptor lets it, and makes it block in
/// connecting.
bool make_non_blocking(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0;
}

/// What the driver makes of one that is no server, or ends the connection at once.
bool is_no_greeting(unsigned error) noexcept {
  constexpr std::array<unsigned, 4> errors{2007, 2012, 2013, 2027};
  return std::ranges::find(errors, error) != errors.end();
}

bool is_no_connection(unsigned error) noexcept { return error == 2002 || error == 2003; }

/// The driver puts it last, in brackets; but of a wait of ours, which it did not see end, the one
/// before.
int system_error_in(std::string_view message) noexcept {
  int error = 0;
  const auto at = message.rfind('(');
  if (at != message.npos)
    std::from_chars(message.data() + at + 1, message.data() + message.size(), error);
  return error == EINPROGRESS ? 0 : error;
}

std::string number_of(unsigned error) { return " (error " + std::to_string(error) + ")"; }

struct FreeResult {
  void operator()(MYSQL_RES* result) const noexcept { mysql_free_result(result); }
};

}  // namespace

Wire::~Wire() { close(); }

void Wire::close() noexcept {
  mysql_.reset();
  if (edges_ >= 0) ::close(edges_);
  edges_ = -1;
  failure_.clear();
  phase_ = Phase::connecting;
  in_step_ = true;
}

Wire::Exchange::Exchange(Wire& wire, Deadline until) : wire_(wire), outer_(current) {
  wire.waiter_.check(until);
  if (!std::exchange(wire.in_step_, false) && wire.phase_ == Phase::connected)
    throw StoreError(StoreError::Kind::connection_lost,
                     "mysql: an exchange before was not finished");
  wire.until_ = until;
  current = &wire;
}

Wire::Exchange::~Exchange() { current = outer_; }

void Wire::fail(unsigned error) {
  if (!failure_.empty()) throw StoreError(StoreError::Kind::connection_lost, failure_);
  if (phase_ == Phase::connecting && is_no_greeting(error))
    throw StoreError(StoreError::Kind::connection_lost,
                     no_answer(address_, "MySQL", false) + number_of(error));
  if (phase_ == Phase::connecting && is_no_connection(error))
    throw StoreError(
        StoreError::Kind::connection_lost,
        unreachable(address_, system_error_in(mysql_error(mysql_.get()))) + number_of(error));
  constexpr unsigned forbidden = 1290;
  if (error == forbidden && std::strstr(mysql_error(mysql_.get()), "max-session-mem-used"))
    error = no_session_memory;
  throw DriverError(error, phase_);
}

std::string Wire::no_server(int descriptor) const {
  return is_connected(descriptor) ? no_answer(address_, "MySQL", true)
                                  : unreachable(address_, ETIMEDOUT);
}

/// Of the addresses of a name that the driver tries each has a share.
Deadline Wire::patience(int descriptor) noexcept {
  if (addresses_left_ < 2 || is_connected(descriptor)) return until_;
  return share_of(until_, addresses_left_--);
}

int Wire::wait(int descriptor, short events) noexcept {
  const auto until = patience(descriptor);
  try {
    if (edges_ < 0) {
      static_cast<void>(waiter_.wait(descriptor, events, until));
      return 1;
    }
    static_cast<void>(waiter_.wait(edges_, POLLIN, until));
    epoll_event event;
    static_cast<void>(::epoll_wait(edges_, &event, 1, 0));
    return 1;
  } catch (const StoreError& error) {
    try {
      const bool is_late = std::chrono::steady_clock::now() >= until;  // else it was given up
      if (until == until_)                                             // the last address
        failure_ = phase_ == Phase::connecting && is_late ? no_server(descriptor) : error.what();
    } catch (...) {
    }
  } catch (...) {  // no memory for its words: the driver's number will do
  }
  errno = ETIMEDOUT;
  return -1;
}

/// Also where the driver says goodbye to a server that does not listen, outside of any exchange:
/// then there is nothing to wait for.
int Wire::wait_for(my_socket descriptor, my_bool is_read, int) noexcept {
  if (!current) return -1;
  if (current->phase_ == Phase::connecting) make_non_blocking(descriptor);
  return current->wait(descriptor, is_read ? POLLIN : POLLOUT);
}

void Wire::set_options(const Dsn& dsn, const std::string& application) {
  auto* const mysql = mysql_.get();
  const auto set = [&](mysql_option option, auto value) { mysql_optionsv(mysql, option, &value); };
  mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, reinterpret_cast<void*>(&Wire::wait_for));
  set(MYSQL_OPT_PROTOCOL,
      dsn.socket.empty() ? unsigned{MYSQL_PROTOCOL_TCP} : unsigned{MYSQL_PROTOCOL_SOCKET});
  set(MYSQL_OPT_LOCAL_INFILE, 0U);  // a server may ask for any file of ours
  set(MYSQL_OPT_RECONNECT, my_bool{0});
  mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "binary");
  mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", application.c_str());
  // Seconds, and only where the driver's handshake finds the descriptor blocking (README).
  set(MYSQL_OPT_CONNECT_TIMEOUT, dsn.tls ? 1U : 0U);
  if (dsn.tls) {
    set(MYSQL_OPT_SSL_ENFORCE, my_bool{1});
    set(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, my_bool{1});
    if (!dsn.ca.empty()) mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, dsn.ca.c_str());
  } else if (dsn.socket.empty()) {
    mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, safe_without_tls);
  }
}

void Wire::open(const Dsn& dsn, const Place& place, const Login& login,
                const std::string& application) {
  addresses_left_ = place.addresses;
  address_ = dsn.socket.empty() ? place.host + ":" + std::to_string(dsn.port) : dsn.socket;
  mysql_.reset(mysql_init(nullptr));
  if (!mysql_) throw std::bad_alloc();
  set_options(dsn, application);
  const auto* const socket = dsn.socket.empty() ? nullptr : dsn.socket.c_str();
  const auto* const host = dsn.socket.empty() ? place.host.c_str() : nullptr;
  const auto* const database = dsn.database.empty() ? nullptr : dsn.database.c_str();
  if (!mysql_real_connect(mysql_.get(), host, login.user.c_str(), login.password.c_str(), database,
                          dsn.port, socket, 0))
    fail(mysql_errno(mysql_.get()));
  if (dsn.tls && !is_tls(mysql_.get())) fail(2026);
  phase_ = Phase::connected;
  if (dsn.tls) watch_tls();
}

/// With TLS the driver waits to be able to read where it could not write. What changed since it
/// tried is told by an edge-triggered epoll, whichever it was.
void Wire::watch_tls() {
  const int descriptor = static_cast<int>(mysql_get_socket(mysql_.get()));
  edges_ = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {}};
  if (!make_non_blocking(descriptor) || edges_ < 0 ||
      ::epoll_ctl(edges_, EPOLL_CTL_ADD, descriptor, &event) != 0)
    throw StoreError(
        StoreError::Kind::connection_lost,
        "no descriptor is left to wait for the store with: raise the limit (ulimit -n)");
}

std::vector<Wire::Row> Wire::query(const std::string& sql) {
  auto* const mysql = mysql_.get();
  if (mysql_real_query(mysql, sql.data(), sql.size()) != 0) fail(mysql_errno(mysql));
  const std::unique_ptr<MYSQL_RES, FreeResult> result(mysql_store_result(mysql));
  std::vector<Row> rows;
  if (!result) {
    if (mysql_field_count(mysql) != 0) fail(mysql_errno(mysql));
    return rows;
  }
  const auto columns = mysql_num_fields(result.get());
  while (const MYSQL_ROW values = mysql_fetch_row(result.get())) {
    const auto* const lengths = mysql_fetch_lengths(result.get());
    auto& row = rows.emplace_back();
    for (unsigned i = 0; i < columns; ++i)
      row.emplace_back(values[i] ? values[i] : "", values[i] ? lengths[i] : 0);
  }
  return rows;
}

void Wire::ping() {
  if (mysql_ping(mysql_.get()) != 0) fail(mysql_errno(mysql_.get()));
}

}  // namespace flame::inline v0::session::mysql
