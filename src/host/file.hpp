#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace flame::inline v0::detail {

class Descriptor {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    const int kept = errno;
    if (value_ >= 0) ::close(value_);
    errno = kept;
  }
  [[nodiscard]] int get() const noexcept { return value_; }
  /// Somebody else's from now on.
  int release() noexcept { return std::exchange(value_, -1); }
  explicit operator bool() const noexcept { return value_ >= 0; }

 private:
  int value_;
};

/// A file that is read in pieces. How long it was at first is how long it is.
class File {
 public:
  /// Null where it is no regular file.
  [[nodiscard]] static std::shared_ptr<const File> of(Descriptor descriptor);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// All of `to`, from this place on. False: it cannot be read, or is shorter by now.
  [[nodiscard]] bool read(std::size_t from, std::span<char> to) const noexcept;

 private:
  File(Descriptor descriptor, std::size_t size) noexcept
      : descriptor_(std::move(descriptor)), size_(size) {}

  Descriptor descriptor_;
  std::size_t size_;
};

}  // namespace flame::inline v0::detail
