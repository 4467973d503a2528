#include <algorithm>
#include <utility>

#include "access.hpp"
#include "chain.hpp"
#include "connection.hpp"
#include "text.hpp"
#include "worker.hpp"

/// A connection whose answer is being streamed. It is closed only when the function is over:
/// before, it is `gone`, which the function is told by its next write.
namespace flame::inline v0::detail {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t most_in_a_turn = 256 * 1024;  // bytes
constexpr std::size_t cost_of_a_piece = 1024;

}  // namespace

/// The head has been sent. True: so is all the rest.
bool Connection::begin_stream() {
  phase_ = Phase::streaming;
  deadline_ = Clock::time_point::max();
  gone_ = false;
  in_turn_ = 0;
  write_left_ = worker_.options().write_time;
  return start_stream(*this) && end_stream();
}

bool Connection::end_stream() {
  if (cut_ || gone_) {
    close();
    return false;
  }
  if (!stream_failed()) {
    outgoing_.end_pieces();
    return write();
  }
  error_code ec;  // a clean end would look like that of the answer
  if (parser_->http_1_0()) socket_.set_option(asio::socket_base::linger(true, 0), ec);
  cut_answer("answer cut: its handler failed");
  return false;
}

bool Connection::send(std::string_view piece, std::coroutine_handle<> waiting) {
  piece_ = piece;
  waiting_ = waiting;
  if (std::this_thread::get_id() != worker_.loop().thread) {
    worker_.loop().post(&sending_);
    return false;
  }
  if (!send_piece()) return false;
  if (in_turn_ < most_in_a_turn) return true;
  worker_.loop().post(&resuming_);  // after the others that wait for the loop
  return false;
}

/// For a thread that is not the loop's.
void Connection::send_for_another() noexcept try {
  if (send_piece()) go_on_streaming();
} catch (...) {  // out of memory
  give_up("answer cut: out of memory");
  go_on_streaming();
}

void Connection::go_on_streaming() noexcept {
  in_turn_ = 0;
  worker_.loop().has_thread(ContextAccess::route(context()));
  std::exchange(waiting_, {}).resume();
}

/// False: it goes on in on_sent().
bool Connection::send_piece() {
  if (gone_) return true;
  outgoing_.begin_piece(piece_);
  error_code ec;
  const auto size = socket_.write_some(outgoing_.buffers(), ec);
  if (ec && ec != asio::error::would_block && ec != asio::error::try_again) {
    give_up("answer cut: client gone");
    return true;
  }
  outgoing_.consume(size);
  in_turn_ += size + cost_of_a_piece;
  if (!outgoing_.has_buffers()) {
    write_left_ = worker_.options().write_time;
    progress_ = 0;
    return true;
  }
  deadline_ = worker_.now() + write_left_;
  send_rest();
  return false;
}

void Connection::send_rest() {
  socket_.async_write_some(outgoing_.buffers(),
                           [this](error_code ec, std::size_t size) { on_sent(ec, size); });
  pending_ = true;
}

void Connection::on_sent(error_code ec, std::size_t size) noexcept try {
  pending_ = false;
  outgoing_.consume(size);
  progress_ += size;
  if (ec) give_up("answer cut: client gone");
  if (!gone_ && outgoing_.has_buffers()) return send_rest();
  write_left_ =
      std::max(std::chrono::milliseconds(0),
               std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - worker_.now()));
  resume_function();
} catch (...) {  // out of memory
  give_up("answer cut: out of memory");
  resume_function();
}

/// What it waits for while it does not write is its own affair.
void Connection::resume_function() noexcept {
  deadline_ = Clock::time_point::max();
  worker_.loop().post(&resuming_);
}

/// The function is told by its next write, and the connection closed when it is over.
void Connection::give_up(std::string_view why) noexcept try {
  if (gone_.exchange(true)) return;
  error_code ec;
  socket_.close(ec);
  if (worker_.logs()) worker_.log(context(), Clock::now() - begun_, why);
} catch (...) {  // out of memory: without a line
}

}  // namespace flame::inline v0::detail
