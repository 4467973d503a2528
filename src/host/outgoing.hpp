#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "wire.hpp"

namespace flame::inline v0::detail {

class File;

/// A response on its way: its head, then its body, or a file or a stream piece by piece.
class Outgoing {
 public:
  using Buffers = std::array<boost::asio::const_buffer, 3>;

  /// The response stays as it is until it is sent.
  void begin(const Context& context, Framing framing, std::string_view date);
  /// Once buffers() are sent, and at first: has them hold the file's next piece, if there is a
  /// file. False: it is shorter than it was, or cannot be read.
  [[nodiscard]] bool read_on();
  [[nodiscard]] const Buffers& buffers() const noexcept { return buffers_; }
  /// Once the head is sent: what is begun as pieces, up to end_pieces(), is a stream.
  [[nodiscard]] bool is_stream() const noexcept { return streams_; }
  /// Not empty, and there until it is sent.
  void begin_piece(std::string_view piece);
  void end_pieces();
  void consume(std::size_t size) noexcept;
  [[nodiscard]] bool has_buffers() const noexcept;
  [[nodiscard]] bool is_sent() const noexcept;
  /// What only a large file needs is given back.
  void clear() noexcept { piece_ = std::string(); }

 private:
  std::string head_{}, piece_{};
  Buffers buffers_{};
  bool streams_ = false, chunked_ = false;
  const File* file_ = nullptr;  // while there is something left to read
  std::size_t read_ = 0;        // of the file
};

}  // namespace flame::inline v0::detail
