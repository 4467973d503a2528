#pragma once

#include <mysql.h>

#include <memory>
#include <string>
#include <vector>

#include <flame/session/waiter.hpp>

#include "dsn.hpp"
#include "errors.hpp"

namespace flame::inline v0::session::mysql {

/// What signs in, read anew for each connect.
struct Login {
  std::string user{}, password{};
};

/// Where to.
struct Place {
  std::string host{};         ///< an address, or a name, which the driver looks up itself
  std::size_t addresses = 1;  ///< of that name
};

/// The driver's handle. It calls the driver's blocking functions, but what they wait with is ours:
/// so each ends at the deadline of its Exchange, and when another thread interrupts. They cannot
/// throw through the driver's C, so a wait that ended keeps its words for fail().
class Wire {
 public:
  Wire() = default;
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// A call's frame: what the driver does while it lives waits until `until` at most. An exchange
  /// that was not finished leaves a connection that no other may begin on: its answers would be
  /// another's.
  class Exchange {
   public:
    Exchange(Wire& wire, Deadline until);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    /// All that was asked has been answered, and read.
    void finish() noexcept { wire_.in_step_ = true; }

   private:
    Wire& wire_;
    Wire* const outer_;
  };

  /// Within an Exchange, after close() if it was open.
  void open(const Dsn& dsn, const Place& place, const Login& login, const std::string& application);
  /// As it was made. Waits for nothing.
  void close() noexcept;
  void interrupt() noexcept { waiter_.interrupt(); }
  /// For what is no wait of the driver's.
  [[nodiscard]] Waiter& waiter() noexcept { return waiter_; }
  /// Throws after a deadline, and once it was interrupted.
  void check(Deadline until) const { waiter_.check(until); }
  /// The same for the exchange's: between two calls of the driver that may not wait.
  void check() const { check(until_); }

  using Row = std::vector<std::string>;  // empty for NULL
  /// A statement without parameters, and all of its rows, if it has any.
  std::vector<Row> query(const std::string& sql);
  void ping();

  [[nodiscard]] MYSQL* handle() const noexcept { return mysql_.get(); }
  /// For what the driver said was an error: throws it, or why a wait ended.
  [[noreturn]] void fail(unsigned error);

 private:
  struct Close {
    void operator()(MYSQL* mysql) const noexcept { mysql_close(mysql); }
  };

  static int wait_for(my_socket descriptor, my_bool is_read, int timeout) noexcept;
  [[nodiscard]] int wait(int descriptor, short events) noexcept;
  /// Why `descriptor` had not become what it is waited for.
  [[nodiscard]] std::string no_server(int descriptor) const;
  [[nodiscard]] Deadline patience(int descriptor) noexcept;
  void set_options(const Dsn& dsn, const std::string& application);
  void watch_tls();

  Waiter waiter_;
  Deadline until_{};
  std::string address_{};
  std::string failure_{};  // why a wait ended
  Phase phase_ = Phase::connecting;
  bool in_step_ = true;
  std::size_t addresses_left_ = 1;  // to connect to, with the one being tried
  int edges_ = -1;                  // an epoll, with TLS
  std::unique_ptr<MYSQL, Close> mysql_{};
};

}  // namespace flame::inline v0::session::mysql
