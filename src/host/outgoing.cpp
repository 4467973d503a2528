#include "outgoing.hpp"

#include <algorithm>
#include <charconv>

#include "access.hpp"
#include "file.hpp"

namespace flame::inline v0::detail {
namespace {

namespace asio = boost::asio;

constexpr std::size_t small_body = 4 * 1024;  // travels in one piece with its head
constexpr std::size_t most_of_a_file = 64 * 1024;
constexpr std::string_view line_end = "\r\n", last_chunk = "0\r\n\r\n";

}  // namespace

void Outgoing::begin(const Context& context, Framing framing, std::string_view date) {
  head_.clear();
  const bool with_body = append_head(head_, context, framing, date);
  const auto& response = context.response();
  file_ = with_body ? ResponseAccess::file(response) : nullptr;
  read_ = 0;
  streams_ = with_body && ResponseAccess::stream(response) != nullptr;
  chunked_ = !framing.http_1_0;
  buffers_[1] = buffers_[2] = {};
  if (with_body && response.body().size() <= small_body) {
    head_ += response.body();
  } else if (with_body) {
    buffers_[1] = asio::buffer(response.body());
  }
  buffers_[0] = asio::buffer(head_);
}

bool Outgoing::read_on() {
  if (file_ == nullptr) return true;
  piece_.resize(std::min(most_of_a_file, file_->size() - read_));
  if (!file_->read(read_, piece_)) return false;
  read_ += piece_.size();
  if (read_ == file_->size()) file_ = nullptr;
  buffers_[1] = asio::buffer(piece_);
  return true;
}

void Outgoing::begin_piece(std::string_view piece) {
  if (!chunked_) {
    buffers_ = {asio::buffer(piece)};
    return;
  }
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
  head_.assign(size.data(), end).append(line_end);
  buffers_ = {asio::buffer(head_), asio::buffer(piece), asio::buffer(line_end)};
}

void Outgoing::end_pieces() {
  streams_ = false;
  buffers_ = {};
  if (chunked_) buffers_[0] = asio::buffer(last_chunk);
}

void Outgoing::consume(std::size_t size) noexcept {
  for (auto& buffer : buffers_) {
    const auto part = std::min(size, buffer.size());
    buffer += part;
    size -= part;
  }
}

bool Outgoing::has_buffers() const noexcept { return asio::buffer_size(buffers_) > 0; }

bool Outgoing::is_sent() const noexcept { return file_ == nullptr && !streams_ && !has_buffers(); }

}  // namespace flame::inline v0::detail
