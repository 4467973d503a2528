#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
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

/// A file that is read in pieces, or a part of one. How long it was at first is how long it is.
class File {
 public:
  /// Null where it is no regular file: then the descriptor stays the caller's.
  [[nodiscard]] static std::shared_ptr<File> of(Descriptor&& descriptor);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Of its last change, in seconds since the epoch.
  [[nodiscard]] std::int64_t modified() const noexcept { return modified_; }
  /// A strong entity tag: another one after each change that moves the size, the time or the inode.
  [[nodiscard]] const std::string& etag() const noexcept { return etag_; }

  /// From now on it is this part of it alone.
  void narrow(std::size_t first, std::size_t size) noexcept {
    first_ += first;
    size_ = size;
  }
  /// All of `to`, from this place on. False: it cannot be read, or is shorter by now.
  [[nodiscard]] bool read(std::size_t from, std::span<char> to) const noexcept;

 private:
  explicit File(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

  Descriptor descriptor_;
  std::size_t first_ = 0, size_ = 0;
  std::int64_t modified_ = 0;
  std::string etag_{};
};

}  // namespace flame::inline v0::detail
