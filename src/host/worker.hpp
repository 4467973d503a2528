#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <flame/flame.hpp>

#include "app.hpp"
#include "asio_loop.hpp"
#include "blocking_pool.hpp"
#include "connection.hpp"
#include "file.hpp"
#include "handler_memory.hpp"
#include "places.hpp"
#include "proxies.hpp"

namespace flame::inline v0::detail {

/// What all workers of a server share.
struct Shared {
  const App& app;
  HostOptions options{};
  bool logs = false;
  Places places{10'000, 0};
  BlockingPool pool;
  Proxies proxies{options};
  std::atomic<std::size_t> bodies{0};          // bytes
  boost::asio::io_context* control = nullptr;  // stopped when, draining, nothing is left
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> accepting{0};  // workers
  std::stop_source stop{};

  [[nodiscard]] bool is_quiet() const noexcept { return accepting == 0 && places.taken() == 0; }
  void tell_if_quiet() noexcept {
    if (draining && is_quiet()) control->stop();
  }
};

/// Counted among the server's connections for as long as it lives.
class Place {
 public:
  /// Taken already.
  Place(Shared& shared, std::string one) noexcept : shared_(&shared), one_(std::move(one)) {}
  Place(Place&& other) noexcept
      : shared_(std::exchange(other.shared_, nullptr)), one_(std::move(other.one_)) {}
  [[nodiscard]] const std::string& one() const noexcept { return one_; }
  Place& operator=(Place&&) = delete;
  ~Place();

 private:
  Shared* shared_;
  std::string one_;
};

/// Who is connected.
struct Client {
  Place place;  // first: it is free when all else is gone
  std::unique_ptr<Connection> connection;
};

/// One thread's share of a server: an event loop, the connections it accepted, and its clock.
class Worker {
 public:
  Worker(Shared& shared, const boost::asio::ip::tcp& protocol, Descriptor listening);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// On the worker's thread, until finish().
  void run();
  /// From any thread, once: answers what has arrived, in the backlog too, and then accepts no more
  /// and closes connections as they fall idle.
  void drain() noexcept { loop_.post(&draining_op_); }
  /// From any thread, once, after drain(): ends what is still under way, and wakes its sleepers.
  void cut(std::string_view why) noexcept {
    why_ = why;
    loop_.post(&cutting_op_);
  }
  /// It has done so. False for long: a handler does not let go of its thread.
  [[nodiscard]] bool has_cut() const noexcept { return has_cut_; }
  /// Once it has: whether a request was under way.
  [[nodiscard]] bool cut_some() const noexcept { return cut_some_; }
  /// The name of the route whose handler has the thread; empty where none has.
  [[nodiscard]] std::string_view running() const noexcept;
  /// On one thread that looks every now and then: tells once of each handler that has held the
  /// worker's thread since the look before.
  void look_whether_blocked() noexcept;
  /// From any thread, once, after drain(): has run() drop what is left, and return.
  void finish() noexcept { loop_.post(&finishing_op_); }
  /// On the worker's own thread.
  [[nodiscard]] std::size_t connections() const noexcept { return clients_.size(); }
  /// After run(): handlers that wait for what is not the host's. They need this worker's memory.
  [[nodiscard]] std::size_t left_behind() const noexcept { return clients_.size(); }

  // For its connections
  [[nodiscard]] AsioLoop& loop() noexcept { return loop_; }
  [[nodiscard]] const App& app() const noexcept { return shared_.app; }
  [[nodiscard]] const HostOptions& options() const noexcept { return shared_.options; }
  [[nodiscard]] const Proxies& proxies() const noexcept { return shared_.proxies; }
  [[nodiscard]] bool logs() const noexcept { return shared_.logs; }
  /// Of the time that the loop has had for its clients: where a handler holds it, it stands still.
  /// As of the last tick, and so never too late; deadlines are rounded up to the next one.
  [[nodiscard]] Connection::Clock::time_point now() const noexcept { return now_ + tick_; }
  [[nodiscard]] std::string_view date() const noexcept { return date_; }
  /// `why`: of a request that was refused.
  void log(const Context& context, std::chrono::nanoseconds time, std::string_view why = {});
  /// Bytes of all bodies on this server.
  [[nodiscard]] std::atomic<std::size_t>& bodies() noexcept { return shared_.bodies; }
  /// From now on it is idle: nobody has been for a shorter time.
  void fell_idle(Connection& connection) noexcept;
  /// Destroys it: nothing of it may be on the stack.
  void remove(Connection& connection) noexcept;

 private:
  void wait_for_clients();
  void on_client(boost::system::error_code ec);
  [[nodiscard]] bool accept() noexcept;
  void stop_accepting() noexcept;
  void add(boost::asio::ip::tcp::socket socket);
  [[nodiscard]] bool take_place(const std::string& one);
  [[nodiscard]] bool close_longest_idle(const std::string* one) noexcept;
  void turn_away(boost::asio::ip::tcp::socket& socket);
  void begin_to_drain() noexcept;
  void go_on_draining() noexcept;
  void look_at_clock() noexcept;
  void start_ticking();
  void wait_for_tick(std::chrono::microseconds time);
  [[nodiscard]] bool check_deadlines(std::size_t turns) noexcept;
  void go_past(const Connection& connection) noexcept;
  void see_to_the_rest();
  void tick();
  void flush_log() noexcept;
  void finish_log() noexcept;

  Shared& shared_;
  std::chrono::milliseconds tick_;
  HandlerMemory accept_memory_{}, tick_memory_{};
  AsioLoop loop_{};
  session::Operation draining_op_{}, cutting_op_{}, finishing_op_{};
  bool draining_ = false;
  Connection::Clock::time_point last_client_{}, last_accept_{};  // while it drains
  std::string_view why_{};
  unsigned seen_turn_ = 0, told_turn_ = 0;  // by look_whether_blocked()
  std::chrono::steady_clock::time_point seen_since_{};
  bool cut_some_ = false;
  std::atomic<bool> has_cut_{false};
  boost::asio::ip::tcp protocol_;
  boost::asio::ip::tcp::acceptor acceptor_;
  bool pauses_ = false;  // it accepts again at the next tick
  boost::asio::posix::stream_descriptor ticker_;
  bool ticking_ = false;
  Connection::Clock::time_point clock_{}, due_{};  // as of the last tick; the next one
  Connection::Clock::time_point now_{};            // the same, but for when the loop was held
  Connection::Clock::time_point next_round_{};
  std::int64_t second_ = 0;
  std::string date_{}, log_time_{}, log_{};
  std::size_t dropped_lines_ = 0;  // of the log, since it was last written whole
  std::list<Client> clients_{};    // of those that are idle the longest comes first
  std::list<Client>::iterator next_ = clients_.end();  // whose deadline is to be looked at
  std::size_t left_ = 0;                               // of this round, to be looked at
};

}  // namespace flame::inline v0::detail
