#include <cbor.h>

#include <bit>
#include <limits>

#include <flame/session/value_codecs.hpp>
#include <flame/session/value_io.hpp>

#include "value_utf8.hpp"

namespace flame::inline v0::session {
namespace {

static_assert(sizeof(std::size_t) == sizeof(std::uint64_t),
              "counts and lengths of 64 bits are cut on others");

/// A head is at most 9 bytes: one, and an argument of 8.
class Head {
 public:
  template <class Encode, class Value>
  Head(Encode encode, Value value) noexcept : size_(encode(value, bytes_, sizeof bytes_)) {}

  /// A float by its bits. libcbor may give NaN other ones; so it writes them as an integer of fixed
  /// width, and the first byte is set here.
  static Head real(std::uint32_t bits) noexcept { return {cbor_encode_uint32, bits, 0xFA}; }
  static Head real(std::uint64_t bits) noexcept { return {cbor_encode_uint64, bits, 0xFB}; }

  [[nodiscard]] std::span<const unsigned char> bytes() const noexcept { return {bytes_, size_}; }

 private:
  template <class Encode, class Value>
  Head(Encode encode, Value value, unsigned char first) noexcept : Head(encode, value) {
    bytes_[0] = first;
  }

  unsigned char bytes_[9];
  std::size_t size_;
};

enum class Kind : std::uint8_t {
  none,  // malformed, cut off, or of indefinite length
  unsigned_integer,
  negative_integer,
  bytes,
  text,
  array,
  map,
  tag,
  null,
  boolean,
  real32,
  real64,
  other,  // well-formed, and never written here: undefined, half floats
};

struct Item {
  Kind kind = Kind::none;
  std::uint64_t value = 0;  // integer, count, tag, boolean, bits of a float
  std::string_view body{};  // of bytes and text
  std::size_t size = 0;     // of the head, and the body if it has one
};

/// Major type 7 (RFC 8949, 3.3).
Kind kind_of_simple(unsigned information) noexcept {
  switch (information) {
    case 20:
    case 21:
      return Kind::boolean;
    case 22:
      return Kind::null;
    case 23:
    case 25:
      return Kind::other;
    case 26:
      return Kind::real32;
    case 27:
      return Kind::real64;
    default:
      return Kind::none;
  }
}

/// The head that bytes begin with (RFC 8949, 3), and the body of a string. What it announces fits
/// into the bytes that follow. Not libcbor's decoder, which calls back by a table: a twelfth of
/// what a load takes. Tests hold the two against each other.
Item next_item(std::string_view bytes) noexcept {
  Item item;  // one object on all ways: a copy of what was just written stalls
  if (bytes.empty()) return item;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const unsigned major = first >> 5, information = first & 31;
  item.value = information;
  item.size = 1;
  if (information >= 24) {  // 1, 2, 4 or 8 bytes follow; from 28 on none, or nobody knows how many
    const std::size_t more = information < 28 ? std::size_t{1} << (information - 24) : bytes.size();
    if (more >= bytes.size()) return item;
    item.value = 0;
    for (; item.size <= more; ++item.size)
      item.value = item.value << 8 | static_cast<unsigned char>(bytes[item.size]);
  }
  const std::size_t left = bytes.size() - item.size;
  const auto fits = [&](Kind kind, std::size_t room) {
    return item.value <= room ? kind : Kind::none;
  };
  switch (major) {
    case 0:
      item.kind = Kind::unsigned_integer;
      break;
    case 1:
      item.kind = Kind::negative_integer;
      break;
    case 2:
    case 3:
      item.kind = fits(major == 2 ? Kind::bytes : Kind::text, left);
      if (item.kind == Kind::none) break;
      item.body = bytes.substr(item.size, item.value);
      item.size += item.body.size();
      break;
    case 4:
      item.kind = fits(Kind::array, left);
      break;
    case 5:
      item.kind = fits(Kind::map, left / 2);
      break;
    case 6:
      item.kind = Kind::tag;
      break;
    default:
      item.kind = kind_of_simple(information);
      if (item.kind == Kind::boolean) item.value = information == 21 ? 1 : 0;
  }
  return item;
}

/// Takes a head that is no container.
Item take(Kind kind, std::string_view& rest, detail::Nesting& nesting) noexcept {
  const Item item = next_item(rest);
  if (item.kind != kind) return {};
  rest.remove_prefix(item.size);
  nesting.add();
  return item;
}

[[noreturn]] void throw_too_deep() {
  throw ValueError(
      "a value may nest " + std::to_string(max_depth) +
      " arrays, maps and structs deep: store it in flatter form, or as several values");
}

}  // namespace

void Writer::null() { scalar(Head(cbor_encode_ctrl, std::uint8_t{CBOR_CTRL_NULL}).bytes()); }
void Writer::boolean(bool value) { scalar(Head(cbor_encode_bool, value).bytes()); }
void Writer::unsigned_integer(std::uint64_t value) {
  scalar(Head(cbor_encode_uint, value).bytes());
}
void Writer::negative_integer(std::uint64_t n) { scalar(Head(cbor_encode_negint, n).bytes()); }

void Writer::integer(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < 0 ? negative_integer(~bits) : unsigned_integer(bits);
}

void Writer::real(float value) { scalar(Head::real(std::bit_cast<std::uint32_t>(value)).bytes()); }
void Writer::real(double value) { scalar(Head::real(std::bit_cast<std::uint64_t>(value)).bytes()); }

void Writer::text(std::string_view value) {
  const auto encode = is_utf8(value) ? cbor_encode_string_start : cbor_encode_bytestring_start;
  scalar(Head(encode, value.size()).bytes(), value);
}

void Writer::bytes(std::span<const std::byte> value) {
  scalar(Head(cbor_encode_bytestring_start, value.size()).bytes(),
         {reinterpret_cast<const char*>(value.data()), value.size()});
}

void Writer::array(std::size_t n) { container(Head(cbor_encode_array_start, n).bytes(), n); }
void Writer::map(std::size_t n) {
  container(Head(cbor_encode_map_start, n).bytes(), 2 * std::uint64_t{n});
}

void Writer::tag(std::uint64_t number) {
  const Head head(cbor_encode_tag, number);
  out_.append(reinterpret_cast<const char*>(head.bytes().data()), head.bytes().size());
  tagged_ = true;
}

void Writer::item(std::string_view encoded) { scalar({}, encoded); }

void Writer::scalar(std::span<const unsigned char> head, std::string_view body) {
  out_.reserve(out_.size() + head.size() + body.size());  // one allocation for both
  out_.append(reinterpret_cast<const char*>(head.data()), head.size());
  out_.append(body);
  nesting_.add();
  tagged_ = false;
}

void Writer::container(std::span<const unsigned char> head, std::uint64_t n) {
  if (!nesting_.open(n)) throw_too_deep();
  out_.append(reinterpret_cast<const char*>(head.data()), head.size());
  tagged_ = false;
}

bool Reader::null() noexcept { return take(Kind::null, rest_, nesting_).kind != Kind::none; }

std::optional<bool> Reader::boolean() noexcept {
  const Item item = take(Kind::boolean, rest_, nesting_);
  return item.kind == Kind::none ? std::nullopt : std::optional(item.value != 0);
}

std::optional<std::uint64_t> Reader::unsigned_integer() noexcept {
  const Item item = take(Kind::unsigned_integer, rest_, nesting_);
  return item.kind == Kind::none ? std::nullopt : std::optional(item.value);
}

std::optional<std::uint64_t> Reader::negative_integer() noexcept {
  const Item item = take(Kind::negative_integer, rest_, nesting_);
  return item.kind == Kind::none ? std::nullopt : std::optional(item.value);
}

std::optional<std::int64_t> Reader::integer() noexcept {
  const Item item = next_item(rest_);
  const bool negative = item.kind == Kind::negative_integer;
  if (!negative && item.kind != Kind::unsigned_integer) return std::nullopt;
  if (item.value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
  rest_.remove_prefix(item.size);
  nesting_.add();
  return static_cast<std::int64_t>(negative ? ~item.value : item.value);
}

std::optional<float> Reader::real32() noexcept {
  const Item item = take(Kind::real32, rest_, nesting_);
  if (item.kind == Kind::none) return std::nullopt;
  return std::bit_cast<float>(static_cast<std::uint32_t>(item.value));
}

std::optional<double> Reader::real64() noexcept {
  const Item item = take(Kind::real64, rest_, nesting_);
  if (item.kind == Kind::none) return std::nullopt;
  return std::bit_cast<double>(item.value);
}

std::optional<std::string_view> Reader::text() noexcept {
  const Item item = next_item(rest_);
  if (item.kind != Kind::text && item.kind != Kind::bytes) return std::nullopt;
  if (item.kind == Kind::text && !is_utf8(item.body)) return std::nullopt;
  rest_.remove_prefix(item.size);
  nesting_.add();
  return item.body;
}

std::optional<std::span<const std::byte>> Reader::bytes() noexcept {
  const Item item = take(Kind::bytes, rest_, nesting_);
  if (item.kind == Kind::none) return std::nullopt;
  return std::as_bytes(std::span(item.body));
}

std::optional<std::size_t> Reader::array() noexcept {
  const Item item = next_item(rest_);
  if (item.kind != Kind::array || !nesting_.open(item.value)) return std::nullopt;
  rest_.remove_prefix(item.size);
  return item.value;
}

std::optional<std::size_t> Reader::map() noexcept {
  const Item item = next_item(rest_);
  if (item.kind != Kind::map || !nesting_.open(2 * item.value)) return std::nullopt;
  rest_.remove_prefix(item.size);
  return item.value;
}

std::optional<std::uint64_t> Reader::tag() noexcept {
  const Item item = next_item(rest_);
  if (item.kind != Kind::tag) return std::nullopt;
  rest_.remove_prefix(item.size);
  return item.value;
}

std::optional<std::string_view> Reader::skip() noexcept {
  auto rest = rest_;
  detail::Nesting nesting;
  do {
    const Item item = next_item(rest);
    rest.remove_prefix(item.size);
    switch (item.kind) {
      case Kind::none:
        return std::nullopt;
      case Kind::tag:
        break;  // belongs to the item that follows
      case Kind::array:
        if (!nesting.open(item.value)) return std::nullopt;
        break;
      case Kind::map:
        if (!nesting.open(2 * item.value)) return std::nullopt;
        break;
      default:
        nesting.add();
    }
  } while (nesting.items() == 0 || !nesting.all_closed());
  const auto item = rest_.substr(0, rest_.size() - rest.size());
  rest_ = rest;
  nesting_.add();
  return item;
}

}  // namespace flame::inline v0::session
