#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "wire.hpp"

namespace flame::inline v0::detail {

class File;

/// A response on its way: its head, then its body, or a file piece by piece.
class Outgoing {
 public:
  /// The response stays as it is until it is sent.
  void begin(const Context& context, Framing framing, std::string_view date);
  /// Once buffers() are sent, and at first: has them hold the file's next piece, if there is a
  /// file. False: it is shorter than it was, or cannot be read.
  [[nodiscard]] bool read_on();
  [[nodiscard]] const std::array<boost::asio::const_buffer, 2>& buffers() const noexcept {
    return buffers_;
  }
  void consume(std::size_t size) noexcept;
  [[nodiscard]] bool has_buffers() const noexcept;
  [[nodiscard]] bool is_sent() const noexcept;
  /// What only a large file needs is given back.
  void clear() noexcept { piece_ = std::string(); }

 private:
  std::string head_{}, piece_{};
  std::array<boost::asio::const_buffer, 2> buffers_{};
  const File* file_ = nullptr;  // while there is something left to read
  std::size_t read_ = 0;        // of the file
};

}  // namespace flame::inline v0::detail
