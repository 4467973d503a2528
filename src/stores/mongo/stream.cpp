#include "stream.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include <flame/session/share_of.hpp>
#include <flame/session/socket.hpp>
#include <flame/session/unreachable.hpp>

#include "failure.hpp"
#include "settings.hpp"

namespace flame::inline v0::session::mongo {
namespace {

using std::chrono::steady_clock;

constexpr int our_type = 101;                       // the driver's own are small
constexpr std::int32_t longest_handshake = 60'000;  // milliseconds
constexpr std::size_t read_at_once = 16384;

/// When a wait of the driver's ends: below 0 it has no end of its own.
Deadline end_of(std::int32_t milliseconds) noexcept {
  if (milliseconds < 0) return {};
  return steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

Deadline earlier(Deadline a, Deadline b) noexcept {
  if (a == Deadline{}) return b;
  return b == Deadline{} ? a : std::min(a, b);
}

}  // namespace

/// The driver's functions, on a socket of ours. None of them throws, for C code is below them, and
/// none but the making needs memory: where there is none for that, the process ends, as it does by
/// the driver's own hand.
struct Stream : mongoc_stream_t {
  Stream(Streams& of, Socket on) : mongoc_stream_t{}, streams(of), socket(std::move(on)) {
    type = our_type;
    destroy = [](mongoc_stream_t* self) noexcept { delete to(self); };
    failed = destroy;
    mongoc_stream_t::close = [](mongoc_stream_t* self) {
      to(self)->socket.close();
      return 0;
    };
    flush = [](mongoc_stream_t*) { return 0; };
    setsockopt = [](mongoc_stream_t*, int, int, void*, mongoc_socklen_t) { return 0; };
    writev = [](mongoc_stream_t* self, mongoc_iovec_t* iov, std::size_t count, std::int32_t wait) {
      return to(self)->write({iov, count}, wait);
    };
    readv = [](mongoc_stream_t* self, mongoc_iovec_t* iov, std::size_t count, std::size_t least,
               std::int32_t wait) {
      return to(self)->read({iov, count}, least, wait);
    };
    check_closed = [](mongoc_stream_t* self) { return to(self)->is_closed(); };
    timed_out = [](mongoc_stream_t* self) { return to(self)->error == ETIMEDOUT; };
    should_retry = [](mongoc_stream_t* self) { return to(self)->error == EAGAIN; };
    poll = [](mongoc_stream_poll_t* polls, std::size_t count, std::int32_t wait) {
      return wait_for({polls, count}, wait);
    };
  }
  static Stream* to(mongoc_stream_t* stream) noexcept { return static_cast<Stream*>(stream); }

  ssize_t write(std::span<mongoc_iovec_t> all, std::int32_t patience) noexcept;
  ssize_t read(std::span<mongoc_iovec_t> into, std::size_t least, std::int32_t patience) noexcept;
  bool is_closed() const noexcept;
  static bool look(mongoc_stream_poll_t& at) noexcept;
  static ssize_t wait_for(std::span<mongoc_stream_poll_t> all, std::int32_t patience) noexcept;

  bool wait(short events, Deadline until, std::int32_t patience) noexcept;
  ssize_t fail(int with) noexcept;
  std::size_t take(std::span<mongoc_iovec_t> into, std::size_t done) noexcept;
  bool fill() noexcept;

  Streams& streams;
  Socket socket;
  std::array<char, read_at_once> buffer;
  std::size_t begin = 0, end = 0;  // what of it was not taken yet
  int error = 0;
};

namespace {

std::size_t size_of(std::span<const mongoc_iovec_t> all) noexcept {
  std::size_t bytes = 0;
  for (const auto& each : all) bytes += each.iov_len;
  return bytes;
}

constexpr std::size_t parts_at_once = 16;

/// Some of `all` from `done` on: what is not empty.
std::span<iovec> rest_of(std::span<const mongoc_iovec_t> all, std::size_t done,
                         std::array<iovec, parts_at_once>& into) noexcept {
  std::size_t count = 0;
  for (const auto& each : all) {
    const auto skipped = std::min(done, each.iov_len);
    done -= skipped;
    if (each.iov_len > skipped && count < into.size())
      into[count++] = {static_cast<char*>(each.iov_base) + skipped, each.iov_len - skipped};
  }
  return std::span(into).first(count);
}

}  // namespace

ssize_t Stream::fail(int with) noexcept {
  error = with;
  errno = with;
  if (with != EAGAIN) streams.broken_ = true;
  return -1;
}

/// False where the driver's patience, or the call's time, is over.
bool Stream::wait(short events, Deadline until, std::int32_t patience) noexcept {
  if (patience == 0) return false;
  try {
    static_cast<void>(streams.waiter_.wait(socket.get(), events, earlier(until, streams.until_)));
    return true;
  } catch (...) {
    return false;
  }
}

ssize_t Stream::write(std::span<mongoc_iovec_t> all, std::int32_t patience) noexcept {
  const auto until = end_of(patience);
  const auto bytes = size_of(all);
  std::size_t done = 0;
  while (done < bytes) {
    if (streams.over()) return fail(ETIMEDOUT);
    std::array<iovec, parts_at_once> parts;
    const auto rest = rest_of(all, done, parts);
    msghdr message{};
    message.msg_iov = rest.data();
    message.msg_iovlen = rest.size();
    const auto sent = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
    } else if (errno != EAGAIN && errno != EINTR) {
      return fail(errno);
    } else if (!wait(POLLOUT, until, patience)) {
      if (done > 0) break;
      return fail(patience == 0 ? EAGAIN : ETIMEDOUT);
    }
  }
  return static_cast<ssize_t>(done);
}

/// From the buffer into what is empty from `done` on.
std::size_t Stream::take(std::span<mongoc_iovec_t> into, std::size_t done) noexcept {
  std::array<iovec, parts_at_once> parts;
  std::size_t taken = 0;
  for (const auto& each : rest_of(into, done, parts)) {
    const auto part = std::min(each.iov_len, end - begin);
    std::memcpy(each.iov_base, buffer.data() + begin, part);
    begin += part;
    taken += part;
  }
  return taken;
}

/// False: nothing is there yet, or, with `error`, it will never be.
bool Stream::fill() noexcept {
  error = 0;
  const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  begin = 0;
  end = got > 0 ? static_cast<std::size_t>(got) : 0;
  if (got > 0) streams.problem_.clear();
  if (got == 0) error = ECONNRESET;
  if (got < 0 && errno != EAGAIN && errno != EINTR) error = errno;
  return got > 0;
}

ssize_t Stream::read(std::span<mongoc_iovec_t> into, std::size_t least,
                     std::int32_t patience) noexcept {
  const auto until = end_of(patience);
  const auto wanted = std::max<std::size_t>(std::min(least, size_of(into)), 1);
  std::size_t done = take(into, 0);
  while (done < wanted) {
    if (streams.over()) return fail(ETIMEDOUT);
    if (fill()) {
      done += take(into, done);
    } else if (error != 0) {
      return fail(error);
    } else if (!wait(POLLIN, until, patience)) {
      return fail(patience == 0 ? EAGAIN : ETIMEDOUT);
    }
  }
  return static_cast<ssize_t>(done);
}

bool Stream::is_closed() const noexcept {
  char byte = 0;
  const auto got = ::recv(socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

bool Stream::look(mongoc_stream_poll_t& at) noexcept {
  const auto* const stream = to(at.stream);
  pollfd fd{stream->socket.get(), static_cast<short>(at.events), 0};
  if (fd.fd < 0 || ::poll(&fd, 1, 0) < 0) fd.revents = POLLERR;
  const bool buffered = (at.events & POLLIN) != 0 && stream->begin < stream->end;
  at.revents = fd.revents | (buffered ? POLLIN : 0);
  return at.revents != 0;
}

ssize_t Stream::wait_for(std::span<mongoc_stream_poll_t> all, std::int32_t patience) noexcept {
  auto& streams = to(all.front().stream)->streams;
  const auto until = end_of(patience);
  // One descriptor for all of them, for the Waiter waits for one.
  const Socket any(::epoll_create1(EPOLL_CLOEXEC));
  for (const auto& each : all) {
    epoll_event event{};
    event.events = (each.events & POLLIN ? EPOLLIN : 0U) | (each.events & POLLOUT ? EPOLLOUT : 0U);
    ::epoll_ctl(any.get(), EPOLL_CTL_ADD, to(each.stream)->socket.get(), &event);
  }
  for (;;) {
    if (streams.over()) break;
    ssize_t ready = 0;
    for (auto& each : all) ready += look(each);
    if (ready != 0) return ready;
    if (patience == 0) return 0;
    try {
      static_cast<void>(streams.waiter_.wait(any.get(), POLLIN, earlier(until, streams.until_)));
    } catch (...) {
      if (!streams.over()) return 0;
    }
  }
  // The driver would ask again and again until its own time is over.
  streams.broken_ = true;
  for (auto& each : all) each.revents = POLLERR;
  return static_cast<ssize_t>(all.size());
}

bool Streams::over() const noexcept {
  try {
    waiter_.check(until_);
    return false;
  } catch (...) {
    return true;
  }
}

namespace {

Socket connected_or_not(const mongoc_host_list_t& host, Waiter& waiter, Deadline until,
                        std::string& problem) noexcept {
  try {
    auto socket = host.family == AF_UNIX ? connect_to_path(host.host, waiter, until)
                                         : connect_to_host(host.host, host.port, waiter, until);
    // Until it says something.
    problem = no_answer(host.host_and_port, "MongoDB", false) + ", and tls in the URI";
    return socket;
  } catch (const std::exception& error) {
    problem = error.what();
    return {};
  }
}

mongoc_stream_t* secured(mongoc_stream_t* stream, const mongoc_host_list_t& host,
                         const Settings& settings) noexcept {
  mongoc_ssl_opt_t options{};
  const auto given = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  options.ca_file = given(settings.ca_file);
  options.pem_file = given(settings.certificate_file);
  options.pem_pwd = given(settings.certificate_password);
  return mongoc_stream_tls_new_with_hostname(stream, host.host, &options, 1);
}

}  // namespace

mongoc_stream_t* Streams::open(const mongoc_host_list_t& host) {
  // One that is silent leaves the others their part.
  const auto until = share_of(until_, settings_.hosts + 1);
  auto* const stream = new Stream(*this, connected_or_not(host, waiter_, until, problem_));
  if (stream->socket.get() < 0) broken_ = true;
  if (!settings_.tls) return stream;
  if (auto* const tls = secured(stream, host, settings_)) {
    if (stream->socket.get() >= 0 && !shakes_hands(tls, host, until)) stream->socket.close();
    return tls;
  }
  unfit_ = true;
  stream->socket.close();
  return secured(stream, host, {});
}

/// The driver would do so at its first write, and not tell why it failed.
bool Streams::shakes_hands(mongoc_stream_t* tls, const mongoc_host_list_t& host,
                           Deadline until) noexcept {
  bson_error_t error{};
  std::int32_t patience = longest_handshake;
  if (until != Deadline{}) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
    patience = static_cast<std::int32_t>(std::clamp<std::int64_t>(left.count(), 1, patience));
  }
  if (mongoc_stream_tls_handshake_block(tls, host.host, patience, &error)) return true;
  if (!broken_) distrusts_ = true;
  return false;
}

/// Always answers a stream, one that is broken where there is no connection: libmongoc 1.23 waits
/// for a lock of its own for ever where it gets none for a host that another one has named.
mongoc_stream_t* Streams::connect(const mongoc_uri_t*, const mongoc_host_list_t* host, void* self,
                                  bson_error_t*) noexcept {
  return static_cast<Streams*>(self)->open(*host);
}

}  // namespace flame::inline v0::session::mongo
