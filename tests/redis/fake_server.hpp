#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "test_support/temporary_folder.hpp"

namespace flame::session::tests {

/// Says what a test wants it to, to one connection after another.
class FakeServer {
 public:
  using Talk = std::function<void(int descriptor)>;

  explicit FakeServer(Talk talk) : talk_(std::move(talk)) {
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
    ::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listening_, 5);
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
  /// What a client without a password says first.
  static void greet(int descriptor) {
    hear(descriptor);
    say(descriptor, "+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  }

 private:
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
  int listening_ = -1;
  std::thread thread_{};
};

}  // namespace flame::session::tests
