#include "connection.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "access.hpp"
#include "chain.hpp"
#include "proxies.hpp"
#include "text.hpp"
#include "worker.hpp"

namespace flame::inline v0::detail {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr int most_in_a_turn = 8;  // requests
constexpr std::size_t first_capacity = 4 * 1024;
constexpr std::size_t body_room = 16 * 1024;
constexpr std::chrono::milliseconds linger{2'000};

}  // namespace

Connection::Connection(Worker& worker, asio::ip::tcp::socket socket)
    : Exchange(worker.loop()),
      worker_(worker),
      socket_(std::move(socket)),
      in_(new char[first_capacity]),
      capacity_(first_capacity) {
  retiring_.context = this;
  retiring_.done = [](session::Operation& self) noexcept {
    auto& connection = *static_cast<Connection*>(self.context);
    connection.worker_.remove(connection);
  };
  going_on_.context = this;
  going_on_.done = [](session::Operation& self) noexcept {
    static_cast<Connection*>(self.context)->go_on();
  };
  sending_.context = resuming_.context = this;
  sending_.done = [](session::Operation& self) noexcept {
    static_cast<Connection*>(self.context)->send_for_another();
  };
  resuming_.done = [](session::Operation& self) noexcept {
    static_cast<Connection*>(self.context)->go_on_streaming();
  };
}

Connection::~Connection() = default;

void Connection::go_on() noexcept try {
  pending_ = false;
  if (cut_ || phase_ == Phase::closed) return close();
  begin_handling();
  if (!start(worker_.app())) return;
  respond(parser_->keep_alive());
  if (write() && next_request()) process();
} catch (...) {  // out of memory
  close();
}

void Connection::open() noexcept try {
  error_code ec;
  const auto peer = socket_.remote_endpoint(ec).address();
  if (!ec) socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  if (!ec) socket_.non_blocking(true, ec);
  if (ec) return close();
  peer_ = peer.to_string();
  is_proxied_ = worker_.proxies().trust(peer_);
  RequestAccess::set_peer(ContextAccess::request(context()), peer_);
  fall_idle();
  read();
} catch (...) {  // out of memory
  close();
}

// --- Reading

void Connection::read() {
  socket_.async_read_some(asio::buffer(in_.get() + end_, capacity_ - end_),
                          [this](error_code ec, std::size_t size) { on_read(ec, size); });
  pending_ = true;
}

void Connection::on_read(error_code ec, std::size_t size) try {
  pending_ = quiet_ = false;
  if (ec || phase_ == Phase::closed) return close();
  if (phase_ == Phase::closing) return read();  // and forget it: see shut_down()
  end_ += size;
  progress_ += size;
  process();
} catch (...) {  // out of memory
  close();
}

void Connection::process() {
  for (int left = most_in_a_turn; parse(); --left) {
    if (left == 0) return go_on_later();
    begin_handling();
    if (!start(worker_.app())) return;
    respond(parser_->keep_alive());
    if (!write() || !next_request()) return;
  }
}

/// After the others that wait for the loop: one that pipelines must not hold them up.
void Connection::go_on_later() noexcept {
  pending_ = true;
  phase_ = Phase::handling;  // it has arrived whole, and must neither time out nor count as idle
  deadline_ = Clock::time_point::max();
  worker_.loop().post(&going_on_);
}

/// Of a head that was not read to its end, the proxy's own word may be missing.
void Connection::tell_client() {
  auto& request = ContextAccess::request(context());
  if (parser_ && (parser_->is_header_done() || parser_->refusal().status == 413))
    return detail::tell_client(request, worker_.proxies(), peer_, client_);
  RequestAccess::set_peer(request, peer_, true);
  RequestAccess::set_proxied(request, false, {});
}

void Connection::begin_handling() {
  if (is_proxied_) tell_client();
  phase_ = Phase::handling;
  deadline_ = Clock::time_point::max();
  if (worker_.logs()) begun_ = Clock::now();
}

/// True: a whole request is there. False: it goes on when more was read, or not at all.
bool Connection::parse() {
  if (phase_ == Phase::idle && request_begins()) {
    phase_ = Phase::head;
    expect_within(worker_.options().head_time);
    parser_.emplace(ContextAccess::request(context()), worker_.options(), worker_.bodies());
  }
  while (phase_ != Phase::idle) {
    unparsed_ += parser_->feed({in_.get() + unparsed_, end_ - unparsed_});
    if (parser_->is_refused()) {
      refuse(parser_->refusal().status, parser_->refusal().why);
      return false;
    }
    if (parser_->is_done()) return true;
    if (phase_ == Phase::body || !parser_->is_header_done()) break;
    begin_body();
  }
  if (make_room()) {
    read();
  } else {
    refuse(431, "head too large");
  }
  return false;
}

/// One empty line before a request is left out, and begins none (RFC 9112, 2.2).
bool Connection::request_begins() noexcept {
  std::string_view bytes(in_.get() + unparsed_, end_ - unparsed_);
  if (!empty_line_ && bytes.starts_with("\r\n")) {
    empty_line_ = true;
    bytes.remove_prefix(2);
    unparsed_ += 2;
  }
  return !bytes.empty() && (empty_line_ || bytes != "\r");
}

void Connection::begin_body() {
  phase_ = Phase::body;
  expect_within(worker_.options().body_time);
  head_end_ = unparsed_;
  if (capacity_ - head_end_ < body_room) resize(head_end_ - begin_ + body_room);
  if (parser_->wants_continue() && unparsed_ == end_) send_continue();
}

bool Connection::make_room() {
  if (phase_ == Phase::body) {  // what was used of it has been copied
    std::memmove(in_.get() + head_end_, in_.get() + unparsed_, end_ - unparsed_);
    end_ -= unparsed_ - head_end_;
    unparsed_ = head_end_;
    return end_ < capacity_;
  }
  if (end_ < capacity_) return true;
  const auto size = end_ - begin_;
  resize(size < capacity_ / 2 ? capacity_
                              : std::min(2 * capacity_, worker_.options().max_head + 1));
  return end_ < capacity_;
}

/// Moves what is there to the front of a buffer of this size, if it fits.
void Connection::resize(std::size_t capacity) {
  if (capacity < end_ - begin_) return;
  std::unique_ptr<char[]> larger(new char[capacity]);
  std::memcpy(larger.get(), in_.get() + begin_, end_ - begin_);
  if (parser_ && parser_->is_header_done()) {
    RequestAccess::rebase(ContextAccess::request(context()), in_.get() + begin_, larger.get());
  }
  in_ = std::move(larger);
  capacity_ = capacity;
  for (auto* place_in : {&head_end_, &unparsed_, &end_}) *place_in -= std::min(*place_in, begin_);
  begin_ = 0;
}

void Connection::send_continue() {
  constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code ec;
  socket_.write_some(asio::buffer(text.data(), text.size()), ec);
}

// --- Writing

void Connection::done() noexcept try {
  if (phase_ == Phase::streaming) {
    if (end_stream() && next_request()) process();
    return;
  }
  if (cut_) return close();
  respond(parser_->keep_alive());
  if (write() && next_request()) process();
} catch (...) {  // out of memory
  close();
}

/// `why`: where it was refused.
void Connection::respond(bool keep_alive, std::string_view why) {
  const bool by_close =
      parser_ && parser_->http_1_0() && ResponseAccess::stream(context().response()) != nullptr;
  keep_alive_ = keep_alive && !by_close && (!draining_ || more_has_arrived());
  outgoing_.begin(context(), {keep_alive_, parser_->http_1_0()}, worker_.date());
  if (worker_.logs()) worker_.log(context(), Clock::now() - begun_, why);
}

/// True: all is written. False: it goes on in on_written(), or the connection is closed.
bool Connection::write() {
  if (!read_on()) return false;
  error_code ec;
  const auto size = socket_.write_some(outgoing_.buffers(), ec);
  if (ec && ec != asio::error::would_block && ec != asio::error::try_again) {
    cut_answer("answer cut: client gone");
    return false;
  }
  outgoing_.consume(size);
  if (outgoing_.is_sent()) return true;
  if (!outgoing_.has_buffers() && outgoing_.is_stream()) return begin_stream();
  phase_ = Phase::writing;
  expect_within(worker_.options().write_time);
  write_rest();
  return false;
}

/// False: what was sent of a file must not look whole, and so the connection is closed.
bool Connection::read_on() {
  if (outgoing_.read_on()) return true;
  log_error("a static file became shorter while it was sent, or cannot be read any more");
  close();
  return false;
}

/// Not asio::async_write: where there is no memory for one of its steps, it calls nobody back.
void Connection::write_rest() {
  socket_.async_write_some(outgoing_.buffers(),
                           [this](error_code ec, std::size_t size) { on_written(ec, size); });
  pending_ = true;
}

void Connection::on_written(error_code ec, std::size_t size) try {
  pending_ = false;
  if (phase_ == Phase::closed) return close();
  if (ec) return cut_answer("answer cut: client gone");
  outgoing_.consume(size);
  progress_ += size;
  if (outgoing_.has_buffers()) {
    write_rest();
  } else if (outgoing_.is_stream()) {
    if (begin_stream() && next_request()) process();
  } else if (!outgoing_.is_sent()) {
    if (read_on()) write_rest();
  } else if (next_request()) {
    process();
  }
} catch (...) {  // out of memory
  close();
}

/// False: there is none.
bool Connection::next_request() noexcept {
  parser_.reset();
  reset();
  outgoing_.clear();
  if (!keep_alive_) {
    shut_down();
    return false;
  }
  empty_line_ = false;
  fall_idle();
  begin_ = unparsed_;
  if (begin_ == end_) begin_ = unparsed_ = end_ = 0;
  return true;
}

// --- Ending

/// Tries to write once: a read may be under way.
void Connection::refuse(int status, std::string_view why) noexcept try {
  begin_handling();
  detail::refuse(context(), status);
  if (status == 413 || status == 503)
    worker_.app().make_error_page(context());  // well-formed so far
  respond(false, why);
  error_code ec;
  socket_.write_some(outgoing_.buffers(), ec);
  shut_down();
} catch (...) {  // out of memory
  close();
}

/// Reads on until the client has closed too: closing over what it still sends would reset the
/// connection, and the answer could be lost.
void Connection::shut_down() noexcept try {
  error_code ec;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  if (ec) return close();
  phase_ = Phase::closing;
  expect_within(linger);
  begin_ = head_end_ = unparsed_ = end_ = 0;
  if (!pending_) read();
} catch (...) {  // out of memory
  close();
}

void Connection::close() noexcept {
  phase_ = Phase::closed;
  deadline_ = Clock::time_point::max();
  error_code ec;
  socket_.close(ec);
  if (!pending_) worker_.loop().post(&retiring_);
}

void Connection::be_late() noexcept {
  if (phase_ == Phase::head) return refuse(408, "head too slow");
  if (phase_ == Phase::body) {
    if (goes_on(worker_.options().body_time)) return;
    return refuse(408, "body too slow");
  }
  if (phase_ == Phase::writing) {
    if (goes_on(worker_.options().write_time)) return;
    return cut_answer("answer cut: read too slowly");
  }
  if (phase_ == Phase::streaming) {
    if (goes_on(worker_.options().write_time)) return;
    deadline_ = Clock::time_point::max();
    return give_up("answer cut: read too slowly");
  }
  if (phase_ == Phase::idle && more_waits()) return expect_within({});  // it is not idle any more
  close();
}

/// At the end of a time that starts anew with progress.
bool Connection::goes_on(std::chrono::milliseconds time) noexcept {
  const auto least =
      static_cast<double>(worker_.options().min_rate) * std::chrono::duration<double>(time).count();
  if (static_cast<double>(progress_) < least) return false;
  expect_within(time);
  return true;
}

void Connection::fall_idle() noexcept {
  phase_ = Phase::idle;
  idle_since_ = worker_.now();
  expect_within(worker_.options().idle_time);
  worker_.fell_idle(*this);
}

void Connection::cut_answer(std::string_view why) noexcept try {
  if (worker_.logs()) worker_.log(context(), Clock::now() - begun_, why);
  close();
} catch (...) {  // out of memory
  close();
}

bool Connection::close_for_another(Clock::time_point now) noexcept {
  if (phase_ != Phase::idle || now <= idle_since_ || more_waits()) return false;
  close();
  return true;
}

/// To be read. What an idle one has read begins no request: half a line end, at most.
bool Connection::more_waits() const noexcept {
  error_code ec;
  return socket_.available(ec) > 0;
}

/// Behind the request that is being answered.
bool Connection::more_has_arrived() const noexcept { return end_ > unparsed_ || more_waits(); }

/// What a read has taken may not have been told yet: so it looks twice, and closes where no read
/// ended between.
void Connection::close_if_idle() noexcept {
  if (phase_ != Phase::idle) return;
  const bool was_quiet = std::exchange(quiet_, !more_waits());
  if (was_quiet && quiet_) close();
}

bool Connection::cut(std::string_view why) noexcept {
  if (phase_ == Phase::closed) return false;  // and on its way out
  if (phase_ == Phase::idle || phase_ == Phase::closing) {
    close();
    return false;
  }
  const auto* route = ContextAccess::route(context());
  log_cut(route != nullptr ? route->name : "a request on its way in", why);
  if (!is_handling()) {
    close();
    return true;
  }
  cut_ = gone_ = true;
  error_code ec;
  socket_.close(ec);
  return true;
}

void Connection::expect_within(std::chrono::milliseconds time) noexcept {
  deadline_ = worker_.now() + time;
  progress_ = 0;
}

}  // namespace flame::inline v0::detail
