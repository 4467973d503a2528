#include "socket.hpp"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include <flame/session/resolve.hpp>
#include <flame/session/share_of.hpp>

#include "failure.hpp"

namespace flame::inline v0::session::mongo {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address unix_address(const std::string& path) {
  Address out;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) lose("the socket's path is too long");
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
    lose("a server's address cannot be read");
  Address out;
  out.size = found->ai_addrlen;
  std::memcpy(&out.bytes, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return out;
}

/// A peer that vanished is seen though nothing is sent.
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
  if (out.get() < 0) lose("no socket could be made");
  if (address.bytes.ss_family != AF_UNIX) set_options(out.get());
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.bytes);
  if (::connect(out.get(), to, address.size) == 0) return out;
  if (errno == EINPROGRESS || errno == EINTR) {
    static_cast<void>(waiter.wait(out.get(), POLLOUT, until));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(out.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return out;
  }
  lose("a server cannot be reached");
}

}  // namespace

Socket connected_to_path(const std::string& path, Waiter& waiter, Deadline until) {
  return connected(unix_address(path), waiter, until);
}

Socket connected_to_host(const std::string& host, std::uint16_t port, Waiter& waiter,
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

}  // namespace flame::inline v0::session::mongo
