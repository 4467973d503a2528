#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

namespace flame::test {

/// For tests: one thread, any free port.
inline HostOptions local(HostOptions options = {}) {
  options.address = "127.0.0.1:0";
  if (options.threads == 0) options.threads = 1;
  return options;
}

/// What start() would report.
inline std::string error_of(Flame& f) {
  try {
    const TestClient client(f);
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

inline std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

/// A client that sends exactly the bytes it is told to.
class Wire {
 public:
  explicit Wire(const std::string& address)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port =
        htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1)));
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    const timeval patience{30, 0};  // a test that hangs fails
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() { ::close(socket_); }

  [[nodiscard]] bool connected() const noexcept { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Each send() is a packet of its own.
  void send_at_once() {
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }
  /// The next close() resets the connection.
  void reset_on_close() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

  /// All until the other side closes.
  std::string read_all() {
    while (more()) {
    }
    return std::exchange(received_, {});
  }
  /// This much, or less where the other side closed.
  std::string read(std::size_t size) {
    while (received_.size() < size && more()) {
    }
    auto text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }
  /// One response, by its Content-Length; empty when the other side closed.
  std::string read_response() {
    std::size_t head = 0;
    while ((head = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return {};
    }
    constexpr std::string_view name = "Content-Length: ";
    const auto at = received_.find(name);
    const auto length =
        at < head ? static_cast<std::size_t>(std::atoi(received_.c_str() + at + name.size())) : 0;
    const auto size = head + 4 + length;
    while (received_.size() < size) {
      if (!more()) return {};
    }
    auto response = received_.substr(0, size);
    received_.erase(0, size);
    return response;
  }

 private:
  bool more() {
    char buffer[4096];
    const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got > 0) received_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  int socket_;
  bool connected_ = false;
  std::string received_{};
};

inline std::string status_of(const std::string& response) {
  return response.substr(0, 8) == "HTTP/1.1" ? response.substr(9, 3) : std::string();
}
inline std::string body_of(const std::string& response) {
  const auto end = response.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : response.substr(end + 4);
}

}  // namespace flame::test
