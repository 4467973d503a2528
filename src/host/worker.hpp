#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <flame/flame.hpp>

#include "app.hpp"
#include "asio_loop.hpp"
#include "connection.hpp"

namespace flame::inline v0::detail {

/// What all workers of a server share.
struct Shared {
  const App& app;
  HostOptions options{};
  bool logs = false;
  std::atomic<std::size_t> connections{0};
  std::mutex mutex{};
  std::condition_variable changed{};  // a connection went
};

/// One thread's share of a server: an event loop, the connections it accepted, and its clock.
class Worker {
 public:
  Worker(Shared& shared, const boost::asio::ip::tcp& protocol, int listening);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// On the worker's thread, until finish().
  void run();
  /// From any thread: accepts no more, and closes connections as they fall idle.
  void drain();
  /// From any thread, after drain(): drops what is left, and has run() return.
  void finish();

  // For its connections
  [[nodiscard]] AsioLoop& loop() noexcept { return loop_; }
  [[nodiscard]] const App& app() const noexcept { return shared_.app; }
  [[nodiscard]] const HostOptions& options() const noexcept { return shared_.options; }
  [[nodiscard]] bool logs() const noexcept { return shared_.logs; }
  /// As of the last tick, and so never too late; deadlines are rounded up to the next one.
  [[nodiscard]] Connection::Clock::time_point now() const noexcept { return now_ + tick_; }
  [[nodiscard]] std::string_view date() const noexcept { return date_; }
  /// `why`: of a request that was refused.
  void log(const Context& context, std::chrono::nanoseconds time, std::string_view why = {});
  /// Destroys it: nothing of it may be on the stack.
  void remove(Connection& connection) noexcept;

 private:
  void accept();
  void on_accept(boost::system::error_code ec, boost::asio::ip::tcp::socket socket);
  void add(boost::asio::ip::tcp::socket socket);
  void turn_away(boost::asio::ip::tcp::socket& socket);
  void look_at_clock();
  void start_ticking();
  void tick();
  void flush_log() noexcept;

  Shared& shared_;
  std::chrono::milliseconds tick_;
  AsioLoop loop_{};
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_again_, ticker_;
  bool ticking_ = false;
  Connection::Clock::time_point now_{};
  std::int64_t second_ = 0;
  std::string date_{}, log_time_{}, log_{};
  std::list<std::unique_ptr<Connection>> connections_{};
};

}  // namespace flame::inline v0::detail
