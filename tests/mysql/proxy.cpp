#include "proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace flame::inline v0::session::mysql {
namespace {

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    throw std::runtime_error("the proxy takes numeric addresses alone");
  return address;
}

int new_socket() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  static_cast<void>(::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  return descriptor;
}

bool send_all(int to, const char* data, std::size_t size) {
  while (size > 0) {
    const auto sent = ::send(to, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace

Proxy::Proxy(const std::string& host, std::uint16_t port)
    : host_(host),
      server_port_(port),
      listener_(new_socket()),
      signal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  auto address = address_of("127.0.0.1", 0);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, any, &size) != 0)
    throw std::runtime_error("the proxy cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  stop_ = true;
  wake();
  thread_.join();
  for (const auto& pair : pairs_) {
    ::close(pair.client);
    ::close(pair.server);
  }
  ::close(listener_);
  ::close(signal_);
}

void Proxy::wake() noexcept { static_cast<void>(::eventfd_write(signal_, 1)); }

void Proxy::stall() {
  stalled_ = true;
  wake();
}

void Proxy::resume() {
  stalled_ = false;
  wake();
}

void Proxy::answer_next(unsigned error, std::string text) {
  std::string body = "\xff";
  body += static_cast<char>(error & 255);
  body += static_cast<char>(error >> 8);
  body += "#HY000" + text;
  std::string packet{static_cast<char>(body.size() & 255), static_cast<char>(body.size() >> 8), 0,
                     1};
  const std::scoped_lock lock(mutex_);
  answer_ = packet + body;
}

void Proxy::accept() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int server = new_socket();
  const auto address = address_of(host_, server_port_);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(client);
    ::close(server);
    return;
  }
  pairs_.push_back({.client = client, .server = server});
}

/// A packet has three bytes of length and a number; a request's is 0, what goes on has others.
void Proxy::count(Pair& pair, std::string_view bytes) {
  constexpr std::size_t header_size = 4;
  while (!bytes.empty()) {
    const auto body = std::min(pair.body, bytes.size());
    pair.body -= body;
    bytes.remove_prefix(body);
    const auto part = bytes.substr(0, header_size - pair.header.size());
    pair.header += part;
    bytes.remove_prefix(part.size());
    if (pair.header.size() < header_size) return;
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(pair.header[i]); };
    pair.body = at(0) + (at(1) << 8U) + (at(2) << 16U);
    if (at(3) == 0) ++requests_;
    pair.header.clear();
  }
}

bool Proxy::pass_up(Pair& pair) {
  if (countdown_ > 0 && --countdown_ == 0) {
    stalled_ = true;
    return true;
  }
  char data[65536];
  const auto size = ::recv(pair.client, data, sizeof data, 0);
  if (size <= 0) return false;
  count(pair, {data, static_cast<std::size_t>(size)});
  std::string answer;
  {
    const std::scoped_lock lock(mutex_);
    answer.swap(answer_);
  }
  if (!answer.empty()) return send_all(pair.client, answer.data(), answer.size());
  return send_all(pair.server, data, static_cast<std::size_t>(size));
}

bool Proxy::pass_down(const Pair& pair) {
  char data[65536];
  const auto size = ::recv(pair.server, data, sizeof data, 0);
  if (size <= 0 || drop_reply_.exchange(false)) return false;
  return send_all(pair.client, data, static_cast<std::size_t>(size));
}

void Proxy::run() {
  while (!stop_) {
    std::vector<pollfd> all{{signal_, POLLIN, 0}};
    if (!stalled_) {
      all.push_back({listener_, POLLIN, 0});
      for (const auto& pair : pairs_) {
        all.push_back({pair.client, POLLIN, 0});
        all.push_back({pair.server, POLLIN, 0});
      }
    }
    if (::poll(all.data(), all.size(), -1) < 0) continue;
    eventfd_t ignored = 0;
    static_cast<void>(::eventfd_read(signal_, &ignored));
    std::vector<Pair> left;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const bool was_polled = all.size() > 2 * i + 3;
      bool alive = true;
      if (alive && was_polled && !stalled_ && all[2 * i + 2].revents != 0)
        alive = pass_up(pairs_[i]);
      if (alive && was_polled && !stalled_ && all[2 * i + 3].revents != 0)
        alive = pass_down(pairs_[i]);
      if (alive) {
        left.push_back(pairs_[i]);
      } else {
        ::close(pairs_[i].client);
        ::close(pairs_[i].server);
      }
    }
    pairs_ = std::move(left);
    if (all.size() > 1 && all[1].revents != 0) accept();
  }
}

}  // namespace flame::inline v0::session::mysql
