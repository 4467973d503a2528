#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include <flame/session/waiter.hpp>

namespace flame::inline v0::session::mongo {

class Socket {
 public:
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  Socket(Socket&& from) noexcept : descriptor_(std::exchange(from.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }
  [[nodiscard]] int get() const noexcept { return descriptor_; }
  void close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

/// Connected, and never blocking. Throw StoreError connection_lost.
[[nodiscard]] Socket connected_to_path(const std::string& path, Waiter& waiter, Deadline until);
[[nodiscard]] Socket connected_to_host(const std::string& host, std::uint16_t port, Waiter& waiter,
                                       Deadline until);

}  // namespace flame::inline v0::session::mongo
