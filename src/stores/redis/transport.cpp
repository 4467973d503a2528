#include "transport.hpp"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

#include <flame/session/resolve.hpp>

#include "tls.hpp"

namespace flame::inline v0::session::redis {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void lose(const std::string& text) {
  throw StoreError(StoreError::Kind::connection_lost, "redis store: " + text);
}

std::string text_of(int error) { return std::generic_category().message(error); }

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address unix_address(const std::string& path) {
  Address out;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw StoreError(StoreError::Kind::refused, "redis store: the socket's path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  out.size = sizeof address;
  std::memcpy(&out.bytes, &address, sizeof address);
  return out;
}

Address numeric_address(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0 || !found)
    lose("the server's address cannot be read");
  Address out;
  out.size = found->ai_addrlen;
  std::memcpy(&out.bytes, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return out;
}

/// A peer that vanished is seen though nothing is sent, and sooner than the kernel alone would.
void set_options(int descriptor) {
  constexpr int on = 1, idle = 30, interval = 10, probes = 3, unacknowledged = 30'000;
  const auto set = [&](int level, int name, int value) {
    ::setsockopt(descriptor, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, on);
  set(IPPROTO_TCP, TCP_NODELAY, on);
  set(IPPROTO_TCP, TCP_KEEPIDLE, idle);
  set(IPPROTO_TCP, TCP_KEEPINTVL, interval);
  set(IPPROTO_TCP, TCP_KEEPCNT, probes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged);
}

Socket connected(const Address& address, Waiter& waiter, Deadline until) {
  Socket out(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (out.get() < 0) lose("no socket could be made: " + text_of(errno));
  if (address.bytes.ss_family != AF_UNIX) set_options(out.get());
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.bytes);
  if (::connect(out.get(), to, address.size) == 0) return out;
  if (errno != EINPROGRESS && errno != EINTR)
    lose("the server cannot be reached: " + text_of(errno));
  static_cast<void>(waiter.wait(out.get(), POLLOUT, until));
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(out.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) lose("the server cannot be reached: " + text_of(error));
  return out;
}

Deadline share(Deadline until, std::size_t parts) {
  if (until == Deadline{}) return until;
  const auto now = steady_clock::now();
  return now + (until - now) / static_cast<int>(parts);
}

Socket connected_to_any(const Settings& settings, Waiter& waiter, Deadline until) {
  const auto addresses = resolve(settings.host, waiter, until);
  for (std::size_t i = 0;; ++i) {
    waiter.check(until);
    try {
      return connected(numeric_address(addresses.at(i), settings.port), waiter,
                       share(until, addresses.size() - i));
    } catch (const StoreError&) {
      if (i + 1 >= addresses.size()) throw;
    }
  }
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Transport::Transport(Waiter& waiter) : waiter_(waiter) {}
Transport::~Transport() = default;

void Transport::connect(const Settings& settings, Deadline until) {
  waiter_.check(until);
  socket_ = settings.socket.empty() ? connected_to_any(settings, waiter_, until)
                                    : connected(unix_address(settings.socket), waiter_, until);
  if (settings.tls.enabled) start_tls(settings, until);
}

void Transport::start_tls(const Settings& settings, Deadline until) {
  tls_ = std::make_unique<Tls>(settings.tls, settings.host, socket_.get());
  while (!tls_->shake_hands()) wait(false, until);
}

std::size_t Transport::send(std::string_view bytes) {
  if (tls_) return tls_->send(bytes);
  const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  // What broke it may have been said before: receive() reads that first.
  return 0;
}

std::size_t Transport::receive(std::span<char> into) {
  if (tls_) return tls_->receive(into);
  auto got = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
  if (got < 0 && errno == ECONNRESET)  // told once; what came before it is still there
    got = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) lose("the server closed the connection");
  if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    lose("the connection broke: " + text_of(errno));
  return 0;
}

void Transport::wait(bool to_send, Deadline until) {
  const int events = tls_ ? tls_->lacks(to_send) : POLLIN | (to_send ? POLLOUT : 0);
  static_cast<void>(waiter_.wait(socket_.get(), static_cast<short>(events), until));
}

bool Transport::is_quiet() {
  if (tls_) return tls_->is_quiet();
  char byte = 0;
  const auto got = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

}  // namespace flame::inline v0::session::redis
