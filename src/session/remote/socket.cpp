#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include <flame/session/resolve.hpp>
#include <flame/session/share_of.hpp>
#include <flame/session/socket.hpp>
#include <flame/session/unreachable.hpp>

namespace flame::inline v0::session {

bool is_connected(int descriptor) noexcept {
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  return ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

namespace {

struct Address {
  std::string name;  // for people
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

[[noreturn]] void lose(const Address& address, int error) {
  throw StoreError(StoreError::Kind::connection_lost, unreachable(address.name, error));
}

Address unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw StoreError(StoreError::Kind::refused,
                     "the path of the store's socket, `" + path + "`, is longer than " +
                         std::to_string(sizeof address.sun_path - 1) + " bytes");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Address out{.name = path, .size = sizeof address};
  std::memcpy(&out.bytes, &address, sizeof address);
  return out;
}

Address numeric_address(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  Address out{.name = host + ", port " + std::to_string(port)};
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0 || !found)
    lose(out, EADDRNOTAVAIL);
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

void wait_for(int descriptor, const Address& address, Waiter& waiter, Deadline until) try {
  static_cast<void>(waiter.wait(descriptor, POLLOUT, until));
} catch (const StoreError&) {
  waiter.check({});
  if (until == Deadline{} || std::chrono::steady_clock::now() < until) throw;
  lose(address, ETIMEDOUT);
}

Socket connected(const Address& address, Waiter& waiter, Deadline until) {
  Socket out(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (out.get() < 0) lose(address, errno);
  if (address.bytes.ss_family != AF_UNIX) set_options(out.get());
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.bytes);
  if (::connect(out.get(), to, address.size) == 0) return out;
  if (errno != EINPROGRESS && errno != EINTR) lose(address, errno);
  wait_for(out.get(), address, waiter, until);
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(out.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) lose(address, error);
  return out;
}

}  // namespace

void Socket::close() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Socket connect_to_host(const std::string& host, std::uint16_t port, Waiter& waiter,
                       Deadline until) {
  const auto addresses = resolve(host, waiter, until);
  for (std::size_t i = 0;; ++i) {
    waiter.check(until);
    try {
      return connected(numeric_address(addresses.at(i), port), waiter,
                       share_of(until, addresses.size() - i));
    } catch (const StoreError&) {
      if (i + 1 >= addresses.size()) throw;
    }
  }
}

Socket connect_to_path(const std::string& path, Waiter& waiter, Deadline until) {
  return connected(unix_address(path), waiter, until);
}

}  // namespace flame::inline v0::session
