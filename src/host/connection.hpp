#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "exchange.hpp"
#include "outgoing.hpp"
#include "parser.hpp"

namespace flame::inline v0::detail {

struct Client;
class Worker;

/// One client: requests in, in order, one at a time; responses out. At most one asynchronous
/// operation is under way. Belongs to its worker, and to its thread.
class Connection final : public Exchange, private Sink {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(Worker& worker, boost::asio::ip::tcp::socket socket);
  ~Connection();

  void open() noexcept;
  /// Once in a while: ends what has taken too long.
  /// Whether there was something to do, after which there is another deadline.
  bool check_deadline(Clock::time_point now) noexcept {
    if (now < deadline_) return false;
    be_late();
    return true;
  }
  /// What has arrived is answered, the last of it with `Connection: close`.
  void drain() noexcept { draining_ = true; }
  /// Once in a while after drain(): ends it where nothing has arrived and nothing is under way.
  void close_if_idle() noexcept;
  /// False: it is not idle, or has not been for long, or something has arrived.
  [[nodiscard]] bool close_for_another(Clock::time_point now) noexcept;
  /// Ends it whatever is under way, which leaves a line; a handler may go on.
  bool cut(std::string_view why) noexcept;
  /// A function of the application's is under way.
  [[nodiscard]] bool is_handling() const noexcept {
    return phase_ == Phase::handling || phase_ == Phase::streaming;
  }

  /// The worker's, for its list of clients.
  std::list<Client>::iterator entry{};

 private:
  enum class Phase : std::uint8_t {
    idle,
    head,
    body,
    handling,
    writing,
    streaming,
    closing,
    closed
  };

  void done() noexcept override;

  void read();
  void on_read(boost::system::error_code ec, std::size_t size);
  void process();
  void go_on_later() noexcept;
  void go_on() noexcept;
  void begin_handling();
  void tell_client();
  [[nodiscard]] bool parse();
  [[nodiscard]] bool request_begins() noexcept;
  void begin_body();
  [[nodiscard]] bool make_room();
  void resize(std::size_t capacity);
  void send_continue();

  void respond(bool keep_alive, std::string_view why = {});
  [[nodiscard]] bool write();
  [[nodiscard]] bool read_on();
  void write_rest();
  void on_written(boost::system::error_code ec, std::size_t size);
  [[nodiscard]] bool next_request() noexcept;
  [[nodiscard]] bool more_waits() const noexcept;
  [[nodiscard]] bool more_has_arrived() const noexcept;

  // A streamed answer
  [[nodiscard]] bool begin_stream();
  [[nodiscard]] bool end_stream();
  bool send(std::string_view piece, std::coroutine_handle<> waiting) override;
  bool is_gone() const noexcept override { return gone_; }
  void send_for_another() noexcept;
  void go_on_streaming() noexcept;
  [[nodiscard]] bool send_piece();
  void send_rest();
  void on_sent(boost::system::error_code ec, std::size_t size) noexcept;
  void resume_function() noexcept;
  void give_up(std::string_view why) noexcept;

  void refuse(int status, std::string_view why) noexcept;
  void shut_down() noexcept;
  void close() noexcept;
  void be_late() noexcept;
  [[nodiscard]] bool goes_on(std::chrono::milliseconds time) noexcept;
  void fall_idle() noexcept;
  void cut_answer(std::string_view why) noexcept;
  void expect_within(std::chrono::milliseconds time) noexcept;

  Worker& worker_;
  boost::asio::ip::tcp::socket socket_;
  session::Operation retiring_{}, going_on_{};
  std::string peer_{}, client_{};  // the other end, and who is behind it
  bool is_proxied_ = false;
  Phase phase_ = Phase::idle;
  bool pending_ = false;  // an asynchronous operation is under way
  bool draining_ = false;
  bool quiet_ = false;  // nothing had arrived when close_if_idle() looked
  bool cut_ = false;    // while its handler went on
  bool keep_alive_ = false;
  bool empty_line_ = false;  // came before this request
  Clock::time_point deadline_ = Clock::time_point::max();
  std::size_t progress_ = 0;  // bytes since the deadline was set
  Clock::time_point idle_since_{};
  Clock::time_point begun_{};  // only where there is a log

  // What was read: [begin_, head_end_) is the head that the request's views are of.
  std::unique_ptr<char[]> in_;
  std::size_t capacity_;
  std::size_t begin_ = 0, head_end_ = 0, unparsed_ = 0, end_ = 0;
  std::optional<Parser> parser_{};

  Outgoing outgoing_{};

  session::Operation sending_{}, resuming_{};
  std::string_view piece_{};
  std::coroutine_handle<> waiting_{};
  std::atomic<bool> gone_{false};           // nobody takes the rest of the stream
  std::size_t in_turn_ = 0;                 // what its pieces cost
  std::chrono::milliseconds write_left_{};  // of write_time, while it does not write
};

}  // namespace flame::inline v0::detail
