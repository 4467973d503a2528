#include "server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <deque>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include "app.hpp"
#include "exit.hpp"
#include "proxies.hpp"
#include "signals.hpp"
#include "text.hpp"
#include "worker.hpp"

namespace flame::inline v0::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::string_view default_address = "127.0.0.1:2830";
constexpr std::size_t most_threads = 1024;
constexpr std::chrono::hours a_year{365 * 24};
constexpr std::chrono::milliseconds cut_time{200};
constexpr std::chrono::milliseconds look_time{250};
/// For what the application provides, after requests were cut.
constexpr std::chrono::milliseconds close_time{2'000};
/// The same where nothing was cut: a store that hangs has 4 s in Manager::stop().
constexpr std::chrono::milliseconds quiet_close_time{5'000};

tl::unexpected<session::Error> error(std::string text) {
  return tl::unexpected(session::Error{session::Errc::invalid_option, std::move(text)});
}

std::string chosen_address(const HostOptions& options) {
  if (!options.address.empty()) return options.address;
  const char* set = std::getenv("FLAME_ADDR");
  return set != nullptr && *set != '\0' ? set : std::string(default_address);
}

session::Result<tcp::endpoint> resolve(asio::io_context& io, const std::string& address) {
  const auto wrong = [&] {
    return error("`" + address + "` is no address to listen on: give host:port, such as " +
                 std::string(default_address) + " (option address, or FLAME_ADDR)");
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong();
  const auto port_text = std::string_view(address).substr(colon + 1);
  auto host = address.substr(0, colon);
  unsigned short port = 0;
  const auto [end, parsed] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (parsed != std::errc() || end != port_text.data() + port_text.size()) return wrong();
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);

  error_code ec;
  const auto literal = asio::ip::make_address(host, ec);
  if (!ec) return tcp::endpoint(literal, port);
  if (host.find(':') != std::string::npos) return wrong();
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, "", ec);
  if (ec || found.empty()) return wrong();
  return tcp::endpoint(found.begin()->endpoint().address(), port);
}

session::Result<void> listen(tcp::acceptor& acceptor, const std::string& address,
                             const tcp::endpoint& at) {
  Descriptor socket(::socket(at.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw std::system_error(errno, std::generic_category());
  error_code ec;
  acceptor.assign(at.protocol(), socket.get(), ec);
  if (!ec) socket.release();
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(at, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec == asio::error::address_in_use)
    return error(
        "cannot listen on " + address + ": " + ec.message() +
        ": end what listens there, or choose another port (option address, or FLAME_ADDR)");
  if (ec) return error("cannot listen on " + address + ": " + ec.message());
  return {};
}

/// The system has no more of something.
session::Error lacking(const std::string& why) {
  return {session::Errc::invalid_option,
          "the host cannot start: " + why +
              ": raise the limits of this process (ulimit -n, ulimit -u), or lower option threads"};
}

std::string text_of(const tcp::endpoint& endpoint) {
  const auto host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? '[' + host + ']' : host) + ':' +
         std::to_string(endpoint.port());
}

/// The server that this thread is one of: it cannot wait for its own end.
thread_local const void* serving = nullptr;
/// … and whose loop it runs.
thread_local const Worker* own_worker = nullptr;

std::size_t threads_of(const HostOptions& options) {
  if (options.threads != 0) return options.threads;
  return std::max(1U, std::thread::hardware_concurrency());
}

[[noreturn]] void wait_for_ever() noexcept {
  for (;;) ::pause();
}

/// What is open by now, a store's and the application's, stays.
std::size_t connections_of(const HostOptions& options) {
  constexpr std::size_t of_a_loop = 6, of_the_host = 8;
  const auto others = open_descriptors() + of_the_host + of_a_loop * threads_of(options);
  const auto out = raise_descriptors(options.max_connections, others);
  if (out == 0) throw std::system_error(EMFILE, std::generic_category());
  return out;
}

}  // namespace

session::Error caught_error() noexcept try {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const boost::system::system_error& error) {
    return lacking(error.code().message());
  } catch (const std::system_error& error) {
    const bool threads = error.code() == std::errc::resource_unavailable_try_again;
    return lacking(threads ? "no thread could be started" : error.code().message());
  } catch (const std::exception& error) {
    return {session::Errc::invalid_option, std::string("the host cannot start: ") + error.what()};
  } catch (...) {
    return {session::Errc::invalid_option,
            "the host cannot start: something threw what is no std::exception"};
  }
} catch (const std::bad_alloc&) {
  return {session::Errc::out_of_memory, "out of memory"};  // short enough to need none
}

std::vector<std::string> check(const HostOptions& options) {
  std::vector<std::string> errors;
  const auto need = [&](bool good, const char* text) {
    if (!good) errors.emplace_back(text);
  };
  using std::chrono::milliseconds;
  need(options.threads <= most_threads, "option threads is above 1024");
  need(options.max_head >= 256, "option max_head is below 256 bytes");
  need(options.max_head <= std::size_t{1} << 24, "option max_head is above 16 MiB");
  need(options.max_fields > 0, "option max_fields is 0");
  need(options.blocking_threads > 0,
       "option blocking_threads is 0: handlers in flame::blocking need one at least");
  need(options.blocking_threads <= most_threads, "option blocking_threads is above 1024");
  need(options.min_rate > 0, "option min_rate is 0");
  need(options.max_connections > 0, "option max_connections is 0");
  need(options.head_time > milliseconds{0}, "option head_time is not above 0");
  need(options.head_time <= a_year, "option head_time is above a year");
  need(options.body_time > milliseconds{0}, "option body_time is not above 0");
  need(options.body_time <= a_year, "option body_time is above a year");
  need(options.idle_time > milliseconds{0}, "option idle_time is not above 0");
  need(options.idle_time <= a_year, "option idle_time is above a year");
  need(options.write_time > milliseconds{0}, "option write_time is not above 0");
  need(options.write_time <= a_year, "option write_time is above a year");
  need(options.drain_time >= milliseconds{0}, "option drain_time is below 0");
  need(options.drain_time <= std::chrono::hours{24}, "option drain_time is above a day");
  need(options.max_bodies >= options.max_body, "option max_bodies is below max_body");
  for (auto& error : check_proxies(options)) errors.push_back(std::move(error));
  return errors;
}

/// Its own thread waits for the end, and sees to it: workers cannot wait for each other.
struct Server::Impl {
  enum class Turn : int { wait, serve, end };
  enum class End : int { no, requests, ended };

  Impl(App& served, HostOptions host_options, bool logs)
      : app(served),
        shared{served, host_options, logs,
               Places(connections_of(host_options), host_options.max_per_address),
               BlockingPool(host_options.blocking_threads, host_options.blocking_waiting,
                            [this] { begin_to_serve(); })} {
    shared.control = &control;
  }

  session::Result<void> start(bool with_signals) {
    const auto address = chosen_address(shared.options);
    const auto endpoint = resolve(control, address);
    if (!endpoint) return tl::unexpected(endpoint.error());
    tcp::acceptor acceptor(control);
    if (auto listening = listen(acceptor, address, *endpoint); !listening) return listening;
    listens_at = text_of(acceptor.local_endpoint());
    for (std::size_t i = threads_of(shared.options); i > 0; --i) {
      Descriptor listening(::fcntl(acceptor.native_handle(), F_DUPFD_CLOEXEC, 0));
      if (!listening) throw std::system_error(errno, std::generic_category());
      workers.emplace_back(shared, endpoint->protocol(), std::move(listening));
    }
    if (with_signals) {
      signals.emplace(control);
      wait_for_signal();
    }
    start_threads();
    return {};
  }

  void wait_for_signal() {
    signals->set().async_wait([this](error_code failed, int) {
      if (failed) return;
      if (std::exchange(signalled, true)) at_once = true;
      stopping = true;
      control.stop();
      wait_for_signal();
    });
  }

  /// None serves before all are there: else requests would be under way when one is wanting.
  void start_threads() {
    const auto go_on = [this](Turn now) {
      turn = now;
      turn.notify_all();
    };
    try {
      threads.reserve(workers.size());
      for (auto& worker : workers) {
        threads.emplace_back([this, &worker] {
          turn.wait(Turn::wait);
          if (turn == Turn::end) return;
          begin_to_serve();
          own_worker = &worker;
          worker.run();
        });
      }
      supervisor = std::thread([this] { supervise(); });
    } catch (...) {
      go_on(Turn::end);
      for (auto& thread : threads) thread.join();
      throw;
    }
    started = true;
    go_on(Turn::serve);
  }

  void begin_to_serve() const noexcept {
    block_broken_pipes();
    serving = this;
  }

  void supervise() {
    block_broken_pipes();
    const auto work = asio::make_work_guard(control);
    while (!stopping) {
      control.run_for(look_time);
      for (auto& worker : workers) worker.look_whether_blocked();
    }
    drain();
    if (exits_within()) wait_for_ever();  // what is provided may be gone at any time
    signals.reset();  // one more from now on is the system's affair: it ends the process
    const bool cuts = !shared.is_quiet();
    if (cuts) cut();
    change(End::requests);
    app.close();
    // One that has not cut yet is to do so first, so that nobody sleeps on.
    for (auto& worker : workers)
      if (cuts) wait_for_cut(worker, std::chrono::steady_clock::time_point::max());
    for (auto& worker : workers) worker.finish();
    for (auto& thread : threads) thread.join();
    shared.pool.end();
    for (const auto& worker : workers) left_behind += worker.left_behind();
    if (has_told) has_told->wait(false);
    change(End::ended);
  }

  /// Callbacks are the application's: they may call stop(), which does not wait there, or hang.
  void tell_stop() {
    try {
      auto told = std::make_shared<std::atomic<bool>>(false);
      std::thread([server = this, stop = shared.stop, told]() mutable {
        serving = server;
        stop.request_stop();
        *told = true;
        told->notify_all();
      }).detach();
      has_told = std::move(told);
    } catch (const std::exception&) {  // no thread is left, or no memory
      serving = this;
      shared.stop.request_stop();
    }
  }

  void drain() {
    shared.draining = true;
    for (auto& worker : workers) worker.drain();
    tell_stop();
    const auto until = std::chrono::steady_clock::now() + shared.options.drain_time;
    while (std::chrono::steady_clock::now() < until) {
      control.restart();
      if (at_once || shared.is_quiet()) return;
      control.run_until(until);
    }
  }

  /// Each that was under way has its line when this returns.
  void cut() {
    for (auto& worker : workers)
      worker.cut(at_once ? "a second signal came" : "drain_time was over");
    const auto until = std::chrono::steady_clock::now() + cut_time;
    for (auto& worker : workers) {
      wait_for_cut(worker, until);
      if (!worker.has_cut() || worker.cut_some()) cuts_some = true;
      if (worker.has_cut()) continue;
      const auto name = worker.running();
      log_cut(name.empty() ? "a handler" : name, "it did not give its thread back in time");
    }
  }

  static void wait_for_cut(const Worker& worker, std::chrono::steady_clock::time_point until) {
    while (!worker.has_cut() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

  void change(End now) {
    const std::scoped_lock lock(mutex);
    end = now;
    has_changed.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex);
    ++waiting;
    wait_for_end(lock);
    --waiting;
    has_changed.notify_all();
    if (exits_by == std::thread::id() || exits_by == std::this_thread::get_id()) return;
    lock.unlock();  // and from now on it may be gone
    wait_for_ever();
  }
  /// Until all others have left wait().
  void let_out() {
    std::unique_lock lock(mutex);
    has_changed.wait(lock, [this] { return waiting == 0; });
  }

  /// Until it has ended, or for a while after its last request.
  void wait_for_end(std::unique_lock<std::mutex>& lock) {
    has_changed.wait(lock, [this] { return end != End::no; });
    const bool none_cut = !cuts_some;
    const auto ended = [this] { return end == End::ended; };
    if (gave_up || (!none_cut && at_once)) return;
    if (has_changed.wait_for(lock, none_cut ? quiet_close_time : close_time, ended)) return;
    gave_up = true;
    if (none_cut && !cuts_some.exchange(true))
      log_cut("the stop", "what the application gave the host did not close in time");
  }

  /// The process, by a thread of this server's own.
  [[nodiscard]] bool exits_within() {
    const std::scoped_lock lock(mutex);
    return is_exiting_within;
  }

  /// In a handler, which keeps its own connection open, and what waits for the same loop.
  void wait_for_others() {
    const auto until = std::chrono::steady_clock::now() + shared.options.drain_time;
    const std::size_t own_loop = own_worker != nullptr ? 1 : 0;
    const auto own = own_worker != nullptr ? own_worker->connections() : 1;
    while ((shared.accepting > own_loop || shared.places.taken() > own) &&
           std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

  /// After wait(): its thread is over, or is left behind with all that it uses.
  void part() {
    const std::scoped_lock lock(mutex_of_parting);
    if (!supervisor.joinable()) return;
    if (has_ended()) {
      supervisor.join();
    } else {
      supervisor.detach();
      is_left_behind = true;
    }
  }
  [[nodiscard]] bool has_ended() {
    const std::scoped_lock lock(mutex);
    return end == End::ended;
  }

  /// By fork(): none of its threads are here.
  [[nodiscard]] bool is_inherited() const noexcept { return process != ::getpid(); }

  App& app;
  const pid_t process = ::getpid();
  Shared shared;
  std::atomic<Turn> turn{Turn::wait};
  asio::io_context control{1};
  std::optional<Signals> signals{};
  std::deque<Worker> workers{};
  std::vector<std::thread> threads{};
  std::thread supervisor{};
  std::shared_ptr<std::atomic<bool>> has_told{};  // all callbacks of the stop token
  std::string listens_at{};
  std::atomic<bool> stopping{false}, at_once{false};
  std::mutex mutex{};
  std::condition_variable has_changed{};
  End end = End::no;
  std::size_t waiting = 0;             // for the end
  bool gave_up = false;                // one of them, and no other waits for so long again
  std::thread::id exits_by{};          // of the process
  bool is_exiting_within = false;      // … by a thread of this server's own
  std::atomic<bool> cuts_some{false};  // a request, or a handler
  bool signalled = false;
  std::size_t left_behind = 0;  // handlers
  std::mutex mutex_of_parting{};
  bool started = false, is_left_behind = false;
};

Server::Server(App& app, HostOptions options, bool logs)
    : impl_(std::make_unique<Impl>(app, std::move(options), logs)) {}

Server::~Server() {
  if (impl_->is_inherited()) {
    leave_behind(impl_.release());
    return;
  }
  stop();
  wait();
  end_no_more(*this);
  if (!impl_->started) return;
  if (serving != impl_.get()) impl_->let_out();
  if (!holds_on()) return;
  impl_->part();
  leave_behind(impl_.release());
}

session::Result<void> Server::start(bool with_signals) {
  const auto exit_waits = end_at_exit(*this);
  return impl_->start(with_signals);
}

void Server::stop() noexcept {
  const bool is_first = !impl_->stopping.exchange(true);
  // One of the threads that a child of fork() has not may have had a lock of it.
  if (is_first && !impl_->is_inherited()) impl_->control.stop();
}

bool Server::is_ending() const noexcept { return serving != impl_.get() && impl_->stopping; }

void Server::wait() noexcept {
  if (serving == impl_.get() || !impl_->started || impl_->is_inherited()) return;
  impl_->wait();
  impl_->part();
}

void Server::stop_for_exit() noexcept {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->exits_by = std::this_thread::get_id();
    impl_->is_exiting_within = serving == impl_.get();
  }
  stop();
}

void Server::wait_for_exit() noexcept {
  if (serving == impl_.get()) return impl_->wait_for_others();
  wait();
}

bool Server::holds_on() const noexcept {
  return impl_->supervisor.joinable() || impl_->is_left_behind || impl_->left_behind > 0;
}

bool Server::was_cut() const noexcept { return impl_->cuts_some; }

void leave_behind(const void* memory) noexcept {
  static std::mutex mutex;
  static auto& all = *new std::vector<const void*>;  // leaked on purpose, as what is in it
  const std::scoped_lock lock(mutex);
  try {
    all.push_back(memory);
  } catch (const std::bad_alloc&) {  // it stays all the same
  }
}

const std::string& Server::address() const noexcept { return impl_->listens_at; }

}  // namespace flame::inline v0::detail
