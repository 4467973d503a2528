#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace flame::inline v0::detail {

/// SIGINT and SIGTERM of this process. To a child that fork() makes of it meanwhile they are what
/// they are by default: Asio's handlers would tell its parent of them, and let the child go on.
class Signals {
 public:
  /// Throws what the system has no more of.
  explicit Signals(boost::asio::io_context& io);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] boost::asio::signal_set& set() noexcept { return set_; }

 private:
  boost::asio::signal_set set_;
};

}  // namespace flame::inline v0::detail
