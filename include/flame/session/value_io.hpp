#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

/// The two ends of a stored value: what a Codec writes to and reads from. Values are CBOR (RFC
/// 8949).
namespace flame::inline v0::session {

/// Thrown for a value that cannot be stored. The text names the remedy, never the value.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How deep arrays, maps and structs may nest within one value.
inline constexpr std::size_t max_depth = 32;

namespace detail {

/// The containers that are open, and how many items each still lacks. One rule for writing and
/// reading, so that whatever was written can be read.
class Nesting {
 public:
  /// One item, which is no container.
  void add() noexcept {
    count();
    close();
  }
  /// A container of n items; false, and nothing happens, where that is too deep.
  [[nodiscard]] bool open(std::uint64_t n) noexcept {
    if (depth_ == max_depth) return false;
    count();
    missing_[depth_++] = n;
    close();
    return true;
  }
  [[nodiscard]] bool all_closed() const noexcept { return depth_ == 0; }
  /// How many items there were outside of all containers.
  [[nodiscard]] std::size_t items() const noexcept { return items_; }

 private:
  void count() noexcept { depth_ == 0 ? ++items_ : --missing_[depth_ - 1]; }
  void close() noexcept {
    while (depth_ > 0 && missing_[depth_ - 1] == 0) --depth_;
  }

  std::size_t depth_ = 0;
  std::size_t items_ = 0;
  std::array<std::uint64_t, max_depth>
      missing_;  // set up to depth_ only: clearing it costs more than using it
};

}  // namespace detail

/// Appends CBOR items to a string, which it must not outlive: shortest heads, definite lengths.
/// After array(n) come n items, after map(n) n pairs of items, after tag() the one it marks.
class Writer {
 public:
  explicit Writer(std::string& out) noexcept : out_(out) {}

  void null();
  void boolean(bool value);
  void unsigned_integer(std::uint64_t value);
  void negative_integer(std::uint64_t n);  ///< the value is -1 - n
  void integer(std::int64_t value);
  void real(float value);   ///< bit-exact, 4 bytes
  void real(double value);  ///< bit-exact, 8 bytes
  /// A text string; a byte string where it is not UTF-8. Reader::text() takes both.
  void text(std::string_view value);
  void bytes(std::span<const std::byte> value);
  void array(std::size_t n);  ///< ValueError: deeper than max_depth
  void map(std::size_t n);    ///< ValueError: deeper than max_depth
  void tag(std::uint64_t number);
  /// One item that is encoded already, by encode() or as Reader::skip() gave it.
  void item(std::string_view encoded);

  /// Exactly one item was written, and nothing that was begun is missing.
  [[nodiscard]] bool complete() const noexcept {
    return nesting_.items() == 1 && nesting_.all_closed() && !tagged_;
  }

 private:
  void scalar(std::span<const unsigned char> head, std::string_view body = {});
  void container(std::span<const unsigned char> head, std::uint64_t n);

  std::string& out_;
  detail::Nesting nesting_;
  bool tagged_ = false;
};

/// Reads one CBOR item after another from bytes, which must outlive it and the views it gives. Any
/// bytes whatever are safe to read. Where the next item is not what was asked for, malformed or of
/// indefinite length, the answer is empty (or false), and it stays where it is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] bool null() noexcept;
  [[nodiscard]] std::optional<bool> boolean() noexcept;
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer() noexcept;
  [[nodiscard]] std::optional<std::uint64_t> negative_integer() noexcept;  ///< n of -1 - n
  [[nodiscard]] std::optional<std::int64_t> integer() noexcept;  ///< either, where it fits
  [[nodiscard]] std::optional<float> real32() noexcept;
  [[nodiscard]] std::optional<double> real64() noexcept;
  /// Text, which is UTF-8, or a byte string, which Writer::text() makes of what is not.
  [[nodiscard]] std::optional<std::string_view> text() noexcept;
  [[nodiscard]] std::optional<std::span<const std::byte>> bytes() noexcept;
  /// How many items follow: no more than there are bytes left. Empty also where deeper than
  /// max_depth.
  [[nodiscard]] std::optional<std::size_t> array() noexcept;
  /// How many pairs follow: no more than there are bytes left for. Empty also where deeper than
  /// max_depth.
  [[nodiscard]] std::optional<std::size_t> map() noexcept;
  [[nodiscard]] std::optional<std::uint64_t> tag() noexcept;

  /// The bytes of the next item, whatever it is, with all that it contains; empty where it is
  /// malformed or nests deeper than max_depth by itself. Text in it is not checked to be UTF-8.
  [[nodiscard]] std::optional<std::string_view> skip() noexcept;
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::size_t bytes_left() const noexcept { return rest_.size(); }

 private:
  std::string_view rest_;
  detail::Nesting nesting_;
};

/// How values of type T are stored: `static void write(Writer&, const T&)`, which writes one item,
/// and `static std::optional<T> read(Reader&)`, which is empty for what write() cannot have
/// written. value.hpp lists the types that have one, and shows how to give one to a type of yours.
template <class T, class Enable = void>
struct Codec;

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
