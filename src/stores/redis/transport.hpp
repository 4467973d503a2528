#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <flame/session/socket.hpp>

#include "settings.hpp"

namespace flame::inline v0::session::redis {

class Tls;

/// A stream of bytes to a server, which never blocks but in wait(). All throws StoreError.
class Transport {
 public:
  explicit Transport(Waiter& waiter);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Resolved anew, and each of the addresses tried in its share of the time.
  void connect(const Settings& settings, Deadline until);
  /// How many bytes went; 0: none, for now.
  [[nodiscard]] std::size_t send(std::string_view bytes);
  /// How many came; 0: none, for now.
  [[nodiscard]] std::size_t receive(std::span<char> into);
  /// Until what send() or receive() lacked may be there.
  void wait(bool to_send, Deadline until);
  /// Whether nothing waits to be read, and the server has not closed it.
  [[nodiscard]] bool is_quiet();
  /// Whether receive() may hold back what no wait() tells of.
  [[nodiscard]] bool reads_ahead() const noexcept { return tls_ != nullptr; }

 private:
  void start_tls(const Settings& settings, Deadline until);

  Waiter& waiter_;
  Socket socket_{};
  std::unique_ptr<Tls> tls_{};
};

}  // namespace flame::inline v0::session::redis
