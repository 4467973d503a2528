#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <flame/session/waiter.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

/// For authors of stores that talk to their server themselves: a descriptor, closed at its end.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket() { close(); }
  [[nodiscard]] int get() const noexcept { return descriptor_; }  ///< -1: none
  void close() noexcept;

 private:
  int descriptor_ = -1;
};

/// Whether its peer has taken the connection.
[[nodiscard]] bool is_connected(int descriptor) noexcept;

/// A connection over TCP that never blocks, and whose peer is missed within a minute though
/// nothing is sent. The name is resolved anew, and each of its addresses tried in its share of the
/// time. Throws StoreError connection_lost, as resolve() and the Waiter do.
[[nodiscard]] Socket connect_to_host(const std::string& host, std::uint16_t port, Waiter& waiter,
                                     Deadline until);
/// The same over the socket of a file. Throws StoreError refused where the path is too long for
/// one.
[[nodiscard]] Socket connect_to_path(const std::string& path, Waiter& waiter, Deadline until);

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
