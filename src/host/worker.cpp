#include "worker.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <ctime>
#include <utility>

#include "access.hpp"
#include "outgoing.hpp"
#include "text.hpp"
#include "wire.hpp"

namespace flame::inline v0::detail {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t log_capacity = 16 * 1024;
constexpr milliseconds accept_pause{100};  // no descriptors left, say: trying at once would spin

/// Fine enough for the shortest of the limits.
milliseconds tick_of(const HostOptions& options) {
  const auto shortest = std::min({options.head_time, options.body_time, options.idle_time,
                                  options.write_time, milliseconds{1'000}});
  return std::clamp(shortest / 4, milliseconds{10}, milliseconds{250});
}

std::string log_time(std::int64_t second) {
  const auto time = static_cast<std::time_t>(second);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ ", &parts);
  return {text, size};
}

}  // namespace

Worker::Worker(Shared& shared, const asio::ip::tcp& protocol, int listening)
    : shared_(shared),
      tick_(tick_of(shared.options)),
      acceptor_(loop_.io(), protocol, listening),
      accept_again_(loop_.io()),
      ticker_(loop_.io()) {
  look_at_clock();
  accept();
}

Worker::~Worker() = default;

void Worker::run() {
  // A log whose reader has gone is a failed write, and not the end of the process.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  loop_.run();
  flush_log();
}

void Worker::drain() {
  asio::post(loop_.io(), [this] {
    error_code ec;
    acceptor_.close(ec);
    accept_again_.cancel();
    for (const auto& connection : connections_) connection->drain();
  });
}

void Worker::finish() {
  // In one go: nothing that is queued may run on a connection that is gone.
  asio::post(loop_.io(), [this] {
    connections_.clear();
    loop_.io().stop();
  });
}

void Worker::accept() {
  acceptor_.async_accept(
      [this](error_code ec, asio::ip::tcp::socket socket) { on_accept(ec, std::move(socket)); });
}

void Worker::on_accept(error_code ec, asio::ip::tcp::socket socket) {
  if (!acceptor_.is_open()) return;
  if (!ec) {
    add(std::move(socket));
  } else if (ec != asio::error::connection_aborted) {
    accept_again_.expires_after(accept_pause);
    accept_again_.async_wait([this](error_code cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
    return;
  }
  accept();
}

void Worker::add(asio::ip::tcp::socket socket) {
  start_ticking();
  if (shared_.connections.fetch_add(1) >= shared_.options.max_connections) {
    shared_.connections.fetch_sub(1);
    return turn_away(socket);
  }
  auto& connection =
      connections_.emplace_front(std::make_unique<Connection>(*this, std::move(socket)));
  connection->place = connections_.begin();
  connection->open();
}

void Worker::turn_away(asio::ip::tcp::socket& socket) {
  auto context = ContextAccess::make();
  error_code ec;
  const auto peer = socket.remote_endpoint(ec).address().to_string();
  RequestAccess::set_peer(ContextAccess::request(context), peer, false);
  refuse(context, 503);
  Outgoing outgoing;
  outgoing.begin(context, {.keep_alive = false}, date_);
  socket.non_blocking(true, ec);
  socket.write_some(outgoing.buffers(), ec);
  if (logs()) log(context, {}, "too many connections");
}

void Worker::remove(Connection& connection) noexcept {
  connections_.erase(connection.place);
  const std::scoped_lock lock(shared_.mutex);
  shared_.connections.fetch_sub(1);
  shared_.changed.notify_all();
}

void Worker::look_at_clock() {
  now_ = Connection::Clock::now();
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  if (second == second_) return;
  second_ = second;
  date_ = date_line(second);
  if (logs()) log_time_ = log_time(second);
}

void Worker::start_ticking() {
  if (ticking_) return;
  ticking_ = true;
  look_at_clock();
  tick();
}

void Worker::tick() {
  ticker_.expires_after(tick_);
  ticker_.async_wait([this](error_code ec) {
    if (ec) return;
    look_at_clock();
    flush_log();
    for (const auto& connection : connections_) connection->check_deadline(now_);
    if (connections_.empty()) {
      ticking_ = false;
    } else {
      tick();
    }
  });
}

void Worker::log(const Context& context, std::chrono::nanoseconds time, std::string_view why) {
  const auto known = [](std::string_view text) { return text.empty() ? "-" : text; };
  const auto& request = context.request();
  log_ += log_time_;
  log_.append(request.peer()).append(" ").append(known(request.method_name())).append(" ");
  append_escaped(log_, known(request.path()));
  log_.append(" ").append(std::to_string(context.response().status())).append(" ");
  log_.append(std::to_string(time.count() / 1000)).append("us");
  log_.append(why.empty() ? "" : " ").append(why).append("\n");
  if (log_.size() >= log_capacity) flush_log();
}

void Worker::flush_log() noexcept {
  write_all(STDOUT_FILENO, log_);
  log_.clear();
}

}  // namespace flame::inline v0::detail
