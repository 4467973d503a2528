#pragma once

#include <array>
#include <functional>

#include "failure.hpp"
#include "pipeline.hpp"
#include "reply.hpp"
#include "transport.hpp"

namespace flame::inline v0::session::redis {

/// Gets the replies of a pipeline, in the order of its commands.
using OnReply = std::function<void(std::size_t command, Reply& reply)>;

/// A connection to one server. All throws StoreError.
class Node {
 public:
  explicit Node(Waiter& waiter) : waiter_(waiter), transport_(waiter) {}

  /// As the user of the settings, in their database. The server is a master, and has started. It
  /// may be repeated.
  void connect(const Settings& settings, Deadline until);
  /// Where commands are appended, for the next exchange.
  [[nodiscard]] Pipeline& pipeline() noexcept { return pipeline_; }
  /// Sends what was appended, takes all replies meanwhile, and forgets it: they are a master's, or
  /// it throws. Once this has thrown, or `on_reply` has, replies may be left on the connection: it
  /// is never used again.
  void exchange(const OnReply& on_reply, Deadline until);

 private:
  void begin();
  [[noreturn]] void give_up(Deadline until);
  void transfer(const OnReply& on_reply, Deadline until);
  void read_replies(std::size_t& replied, const OnReply& on_reply, std::size_t size);
  void check_usable(Deadline until);

  static constexpr std::size_t chunk = std::size_t{16} << 10;

  Waiter& waiter_;
  Transport transport_;
  ReplyReader reader_{};
  Pipeline pipeline_{};
  bool usable_ = false;
  bool tells_role_ = false;  ///< the server, to this user
  std::array<char, chunk> buffer_{};
};

}  // namespace flame::inline v0::session::redis
