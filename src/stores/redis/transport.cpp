#include "transport.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <system_error>

#include <flame/session/share_of.hpp>

#include "tls.hpp"

namespace flame::inline v0::session::redis {
namespace {

[[noreturn]] void lose(const std::string& text) {
  throw StoreError(StoreError::Kind::connection_lost, "redis store: " + text);
}

}  // namespace

Transport::Transport(Waiter& waiter) : waiter_(waiter) {}
Transport::~Transport() = default;

void Transport::connect(const Settings& settings, Deadline until) {
  waiter_.check(until);
  socket_ = settings.socket.empty() ? connect_to_host(settings.host, settings.port, waiter_, until)
                                    : connect_to_path(settings.socket, waiter_, until);
  if (settings.tls.enabled) start_tls(settings, until);
}

void Transport::start_tls(const Settings& settings, Deadline until) {
  tls_ = std::make_unique<Tls>(settings.tls, settings.host, socket_.get());
  // One of plain text waits for the end of a line. Told a little before the end, when whoever waits
  // for the connection still listens.
  const auto now = std::chrono::steady_clock::now();
  auto patience = until == Deadline{} ? until : until - (until - now) / 4;
  for (; !tls_->shake_hands(); patience = until) {
    try {
      wait(false, patience);
    } catch (const StoreError&) {
      waiter_.check(until);
      lose(
          "the server did not begin TLS in time: is this its port for plain text? Name the one "
          "for TLS");
    }
  }
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
    lose("the connection broke: " + std::generic_category().message(errno));
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
