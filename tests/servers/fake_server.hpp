#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "test_support/temporary_folder.hpp"

namespace flame::session::tests {

/// Says what a test wants it to, to one connection after another; over TCP where a port is given.
class FakeServer {
 public:
  using Talk = std::function<void(int descriptor)>;

  explicit FakeServer(Talk talk, std::uint16_t port = 0)
      : talk_(std::move(talk)), listening_(port == 0 ? listen_at(path()) : listen_at(port)) {
    if (listening_ < 0) throw std::runtime_error("the fake server cannot listen");
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  [[nodiscard]] std::string address() const { return "unix:" + path(); }

  static bool say(int descriptor, std::string_view text) {
    return ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  /// Whatever comes next; empty: nothing ever will.
  static std::string hear(int descriptor) {
    std::string text(65536, '\0');
    const auto got = ::recv(descriptor, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  /// What a client without a password says first: a name, and ROLE. A server that tells its role is
  /// asked for it again each time.
  static void greet(int descriptor, std::string_view role = "-ERR unknown command\r\n") {
    hear(descriptor);
    say(descriptor, "+OK\r\n");
    say(descriptor, role);
  }

 private:
  static int listening(const auto& address) {
    const auto* const bytes = reinterpret_cast<const sockaddr*>(&address);
    const int descriptor = ::socket(bytes->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(descriptor, bytes, sizeof address) == 0 && ::listen(descriptor, 5) == 0)
      return descriptor;
    ::close(descriptor);
    return -1;
  }
  static int listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return listening(address);
  }
  static int listen_at(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return listening(address);
  }

  [[nodiscard]] std::string path() const { return (folder_.path() / "s").string(); }
  void serve() {
    for (;;) {
      const int descriptor = ::accept(listening_, nullptr, nullptr);
      if (descriptor < 0) return;
      talk_(descriptor);
      ::close(descriptor);
    }
  }

  test_support::TemporaryFolder folder_{};
  Talk talk_;
  int listening_;
  std::thread thread_{};
};

}  // namespace flame::session::tests
