#include "worker.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "access.hpp"
#include "chain.hpp"
#include "outgoing.hpp"
#include "text.hpp"
#include "wire.hpp"

namespace flame::inline v0::detail {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

/// For so long nobody must come before a worker that drains accepts no more.
constexpr milliseconds last_wait{50};
constexpr milliseconds draining_tick{10};
constexpr std::size_t most_late_a_turn = 8, most_looked_at_a_turn = 128;
constexpr std::chrono::microseconds between_turns{250};
constexpr std::size_t most_turns_at_once = 16;
constexpr std::size_t log_capacity = 16 * 1024;
constexpr std::size_t most_log = 256 * 1024;  // while nobody reads it

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

/// Requests may have taken so long that nobody could be accepted meanwhile.
bool somebody_waits(asio::ip::tcp::acceptor& acceptor) noexcept {
  if (!acceptor.is_open()) return false;
  pollfd waiting{acceptor.native_handle(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

}  // namespace

Place::~Place() {
  if (shared_ == nullptr) return;
  shared_->places.give_back(one_);
  shared_->tell_if_quiet();
}

Worker::Worker(Shared& shared, const asio::ip::tcp& protocol, Descriptor listening)
    : shared_(shared),
      tick_(tick_of(shared.options)),
      protocol_(protocol),
      acceptor_(loop_.io()),
      ticker_(loop_.io()) {
  acceptor_.assign(protocol, listening.get());
  listening.release();
  acceptor_.non_blocking(true);
  Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer) throw std::system_error(errno, std::generic_category());
  ticker_.assign(timer.get());
  timer.release();

  loop_.stop = shared_.stop.get_token();
  loop_.pool = &shared_.pool;
  draining_op_.context = cutting_op_.context = finishing_op_.context = this;
  draining_op_.done = [](session::Operation& self) noexcept {
    static_cast<Worker*>(self.context)->begin_to_drain();
  };
  cutting_op_.done = [](session::Operation& self) noexcept {
    auto& worker = *static_cast<Worker*>(self.context);
    worker.stop_accepting();
    for (const auto& client : worker.clients_)
      worker.cut_some_ |= client.connection->cut(worker.why_);
    worker.loop_.wake_sleepers();
    worker.shared_.pool.cut(worker.loop_);
    worker.has_cut_ = true;
  };
  finishing_op_.done = [](session::Operation& self) noexcept {
    static_cast<Worker*>(self.context)->loop_.io().stop();
  };
  shared_.accepting.fetch_add(1);
  look_at_clock();
  wait_for_clients();
}

Worker::~Worker() = default;

void Worker::run() {
  loop_.run();
  // Only now: what is queued must not run on a connection that is gone.
  stop_accepting();
  clients_.remove_if([](const Client& client) { return !client.connection->is_handling(); });
  finish_log();
}

std::string_view Worker::running() const noexcept {
  const auto* route = loop_.running.load(std::memory_order_relaxed);
  return route != nullptr ? route->name : std::string_view();
}

void Worker::look_whether_blocked() noexcept try {
  const auto now = std::chrono::steady_clock::now();
  const auto turn = loop_.turns.load(std::memory_order_relaxed);
  const auto name = running();
  if (name.empty() || turn != seen_turn_) {
    seen_turn_ = turn;
    seen_since_ = now;
  }
  if (name.empty() || turn == told_turn_ || now - seen_since_ < std::chrono::seconds(1)) return;
  told_turn_ = turn;
  log_error(std::string(name) +
            " has held its thread for longer than a second, and all others there wait: let it "
            "co_await, or give it a thread of its own");
} catch (const std::bad_alloc&) {
}

// --- Accepting
// Not with async_accept: it takes memory before it calls back, and where there is none it never
// does.

void Worker::wait_for_clients() {
  acceptor_.async_wait(asio::ip::tcp::acceptor::wait_read,
                       accept_memory_.bind([this](error_code ec) { on_client(ec); }));
}

void Worker::on_client(error_code ec) {
  if (!acceptor_.is_open()) return;
  if (!ec && accept()) return wait_for_clients();
  pauses_ = true;  // no descriptors left, say: trying at once would spin
  start_ticking();
}

/// False: there is nothing to accept it with.
bool Worker::accept() noexcept try {
  Descriptor accepted(
      ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!accepted) {
    if (errno == EMFILE || errno == ENFILE) return close_longest_idle(nullptr) && false;
    return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
  }
  asio::ip::tcp::socket socket(loop_.io());
  socket.assign(protocol_, accepted.get());
  accepted.release();
  // Else the kernel takes megabytes at once and says nothing for long while they are read, and a
  // client that reads slowly looks like one that does not.
  const int unsent = 16 * 1024;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  add(std::move(socket));
  return true;
} catch (const std::exception& error) {  // out of memory: this one is closed, and others go on
  log_error(error.what());
  return true;
}

void Worker::stop_accepting() noexcept {
  if (!acceptor_.is_open()) return;
  error_code ec;
  acceptor_.close(ec);
  shared_.accepting.fetch_sub(1);
  shared_.tell_if_quiet();
}

void Worker::begin_to_drain() noexcept {
  draining_ = true;
  tick_ = std::min(tick_, draining_tick);
  next_round_ = {};
  for (const auto& client : clients_) client.connection->drain();
  last_client_ = Connection::Clock::now();
  last_accept_ = last_client_ + shared_.options.drain_time / 2;
  start_ticking();
}

void Worker::go_on_draining() noexcept {
  const bool none_came = clock_ >= last_client_ + last_wait && !somebody_waits(acceptor_);
  if (none_came || clock_ >= last_accept_) stop_accepting();
  if (acceptor_.is_open()) return;
  for (const auto& client : clients_) client.connection->close_if_idle();
}

void Worker::add(asio::ip::tcp::socket socket) {
  start_ticking();
  error_code ec;
  const auto peer = socket.remote_endpoint(ec).address();
  if (ec) return;
  const bool is_proxy = shared_.proxies.trust(peer.to_string());
  auto one = is_proxy ? std::string() : Places::one(peer);
  if (!take_place(one)) return turn_away(socket);
  Place place(shared_, std::move(one));
  clients_.push_back({std::move(place), std::make_unique<Connection>(*this, std::move(socket))});
  auto& connection = *clients_.back().connection;
  connection.entry = std::prev(clients_.end());
  connection.open();
  if (!draining_) return;
  connection.drain();
  last_client_ = Connection::Clock::now();
}

/// One that is closed for another gives its place back a little later: so there may be a few more
/// than the bound, but not of descriptors.
bool Worker::take_place(const std::string& one) {
  switch (shared_.places.take(one, false)) {
    case Places::Answer::taken:
      return true;
    case Places::Answer::full_for_one:
      if (!close_longest_idle(&one)) return false;
      break;
    case Places::Answer::full:
      if (!close_longest_idle(nullptr)) return false;
      break;
  }
  return shared_.places.take(one, true) == Places::Answer::taken;
}

/// `one`: of this address. False: none is idle, of this worker's.
bool Worker::close_longest_idle(const std::string* one) noexcept {
  for (const auto& client : clients_) {
    if ((one == nullptr || client.place.one() == *one) &&
        client.connection->close_for_another(now_))
      return true;
  }
  return false;
}

void Worker::fell_idle(Connection& connection) noexcept {
  go_past(connection);
  clients_.splice(clients_.end(), clients_, connection.entry);
}

void Worker::turn_away(asio::ip::tcp::socket& socket) {
  auto context = ContextAccess::make();
  error_code ec;
  const auto peer = socket.remote_endpoint(ec).address().to_string();
  RequestAccess::set_peer(ContextAccess::request(context), peer);
  refuse(context, 503);
  Outgoing outgoing;
  outgoing.begin(context, {.keep_alive = false}, date_);
  socket.non_blocking(true, ec);
  socket.write_some(outgoing.buffers(), ec);
  if (logs()) log(context, {}, "too many connections");
}

void Worker::remove(Connection& connection) noexcept {
  go_past(connection);
  clients_.erase(connection.entry);
}

// --- The clock

/// Without memory the date stays what it was.
void Worker::look_at_clock() noexcept try {
  const auto clock = Connection::Clock::now();
  now_ += std::min<Connection::Clock::duration>(clock - std::exchange(clock_, clock),
                                                2 * tick_of(shared_.options));
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  if (second == second_) return;
  date_ = date_line(second);
  if (logs()) log_time_ = log_time(second);
  second_ = second;
} catch (const std::bad_alloc&) {
}

void Worker::start_ticking() {
  if (ticking_) return;
  ticking_ = true;
  look_at_clock();
  wait_for_tick(tick_);
}

/// A descriptor, since timers of Asio's may need memory each time.
void Worker::wait_for_tick(std::chrono::microseconds time) {
  itimerspec once{};
  once.it_value.tv_nsec = std::chrono::nanoseconds(time).count();
  ::timerfd_settime(ticker_.native_handle(), 0, &once, nullptr);
  due_ = clock_ + time;
  ticker_.async_wait(asio::posix::stream_descriptor::wait_read,
                     tick_memory_.bind([this](error_code) { tick(); }));
}

void Worker::tick() {
  look_at_clock();
  // Where the loop has much to do there are fewer of these turns, and so each is for more.
  const auto late = static_cast<std::size_t>((clock_ - std::min(due_, clock_)) / between_turns);
  const bool more = check_deadlines(std::min(1 + late, most_turns_at_once));
  if (clock_ >= next_round_) see_to_the_rest();
  ticking_ = !clients_.empty() || !log_.empty() || (acceptor_.is_open() && (draining_ || pauses_));
  if (ticking_) wait_for_tick(more ? between_turns : tick_);
}

/// What looks at all clients, or asks the system, is not for each turn of a crowd.
void Worker::see_to_the_rest() {
  next_round_ = clock_ + tick_;
  flush_log();
  if (std::exchange(pauses_, false) && acceptor_.is_open()) wait_for_clients();
  if (draining_) go_on_draining();
}

/// Of a crowd a part each turn, so that nobody waits while all of it is looked at, or is late at
/// once. A round is for those that are there when it begins: else it would have no end while many
/// fall idle, and so are the last again. True: the next turn goes on.
bool Worker::check_deadlines(std::size_t turns) noexcept {
  if (left_ == 0) {
    next_ = clients_.begin();
    left_ = clients_.size();
  }
  const auto least = left_ - std::min(left_, most_looked_at_a_turn * turns);
  std::size_t late = 0;
  for (; left_ > least && next_ != clients_.end(); --left_) {
    if (late == most_late_a_turn * turns) return true;
    Connection& connection = *next_->connection;
    ++next_;
    if (connection.check_deadline(now_)) ++late;
  }
  if (next_ == clients_.end()) left_ = 0;
  return left_ > 0;
}

/// This one is not where it was any more.
void Worker::go_past(const Connection& connection) noexcept {
  if (next_ == connection.entry) ++next_;
}

void Worker::log(const Context& context, std::chrono::nanoseconds time, std::string_view why) {
  if (log_.size() >= most_log) {
    ++dropped_lines_;
    return;
  }
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

/// What cannot be written now stays for the next time, up to a bound. So no loop and no stop waits
/// for whoever reads it, or for a worker that does.
void Worker::flush_log() noexcept try {
  static std::mutex mutex;
  const std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock) return;
  const auto write = [this] {
    log_.erase(0, log_.size() - write_now(STDOUT_FILENO, log_).size());
    return log_.empty();
  };
  if (!write() || dropped_lines_ == 0) return;
  log_ = log_time_ + "flame: lines dropped here, since nobody read this log: " +
         std::to_string(std::exchange(dropped_lines_, 0)) + '\n';
  write();
} catch (const std::bad_alloc&) {
}

void Worker::finish_log() noexcept try {
  for (int tries = 0; tries < 20; ++tries) {
    flush_log();
    if (log_.empty()) return;
    std::this_thread::sleep_for(draining_tick);
  }
  const auto left = dropped_lines_ + static_cast<std::size_t>(std::ranges::count(log_, '\n'));
  log_error("lines dropped at the end of the log, since nobody read it: " + std::to_string(left));
} catch (const std::bad_alloc&) {
}

}  // namespace flame::inline v0::detail
