#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <flame/flame.hpp>

#include "app.hpp"
#include "asio_loop.hpp"
#include "connection.hpp"
#include "file.hpp"
#include "handler_memory.hpp"

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

/// Counted among the server's connections for as long as it lives.
class Place {
 public:
  /// Empty where there are HostOptions::max_connections.
  [[nodiscard]] static std::optional<Place> take(Shared& shared) noexcept;
  Place(Place&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  Place& operator=(Place&&) = delete;
  ~Place();

 private:
  explicit Place(Shared& shared) noexcept : shared_(&shared) {}

  Shared* shared_;
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
  /// From any thread, once: accepts no more, and closes connections as they fall idle.
  void drain() noexcept { loop_.post(&draining_); }
  /// From any thread, once, after drain(): has run() drop what is left, and return.
  void finish() noexcept { loop_.post(&finishing_); }

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
  void wait_for_clients();
  void on_client(boost::system::error_code ec);
  [[nodiscard]] bool accept() noexcept;
  void stop_accepting() noexcept;
  void add(boost::asio::ip::tcp::socket socket);
  void turn_away(boost::asio::ip::tcp::socket& socket);
  void look_at_clock() noexcept;
  void start_ticking();
  void wait_for_tick();
  void tick();
  void flush_log() noexcept;

  Shared& shared_;
  std::chrono::milliseconds tick_;
  HandlerMemory accept_memory_{}, tick_memory_{};
  AsioLoop loop_{};
  session::Operation draining_{}, finishing_{};
  boost::asio::ip::tcp::acceptor acceptor_;
  bool pauses_ = false;  // it accepts again at the next tick
  boost::asio::posix::stream_descriptor ticker_;
  bool ticking_ = false;
  Connection::Clock::time_point now_{};
  std::int64_t second_ = 0;
  std::string date_{}, log_time_{}, log_{};
  std::list<Client> clients_{};
};

}  // namespace flame::inline v0::detail
