#include <cbor.h>

#include <bit>
#include <limits>

#include <flame/session/value_codecs.hpp>
#include <flame/session/value_io.hpp>

#include "value_utf8.hpp"

namespace flame::inline v0::session {
namespace {

static_assert(sizeof(std::size_t) == sizeof(std::uint64_t),
              "libcbor cuts 64-bit lengths on others");

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
  std::uint64_t value = 0;  // integer, count, tag, boolean
  std::string_view body{};  // of bytes and text
  std::size_t size = 0;     // of the head, and the body if it has one
};

template <Kind kind, class Value>
void found(void* item, Value value) noexcept {
  static_cast<Item*>(item)->kind = kind;
  static_cast<Item*>(item)->value = static_cast<std::uint64_t>(value);
}

template <Kind kind>
void found_string(void* item, cbor_data data, std::size_t size) noexcept {
  static_cast<Item*>(item)->kind = kind;
  static_cast<Item*>(item)->body = {reinterpret_cast<const char*>(data), size};
}

template <Kind kind>
void found_simple(void* item) noexcept {
  static_cast<Item*>(item)->kind = kind;
}

template <Kind kind, class Value>
void found_real(void* item, Value) noexcept {
  static_cast<Item*>(item)->kind = kind;
}

// What is left as it is here, all that begins or ends something of indefinite length, leaves
// Kind::none.
cbor_callbacks make_callbacks() noexcept {
  cbor_callbacks callbacks = cbor_empty_callbacks;
  callbacks.uint8 = found<Kind::unsigned_integer, std::uint8_t>;
  callbacks.uint16 = found<Kind::unsigned_integer, std::uint16_t>;
  callbacks.uint32 = found<Kind::unsigned_integer, std::uint32_t>;
  callbacks.uint64 = found<Kind::unsigned_integer, std::uint64_t>;
  callbacks.negint8 = found<Kind::negative_integer, std::uint8_t>;
  callbacks.negint16 = found<Kind::negative_integer, std::uint16_t>;
  callbacks.negint32 = found<Kind::negative_integer, std::uint32_t>;
  callbacks.negint64 = found<Kind::negative_integer, std::uint64_t>;
  callbacks.byte_string = found_string<Kind::bytes>;
  callbacks.string = found_string<Kind::text>;
  callbacks.array_start = found<Kind::array, std::size_t>;
  callbacks.map_start = found<Kind::map, std::size_t>;
  callbacks.tag = found<Kind::tag, std::uint64_t>;
  callbacks.float2 = found_real<Kind::other, float>;
  callbacks.float4 = found_real<Kind::real32, float>;
  callbacks.float8 = found_real<Kind::real64, double>;
  callbacks.undefined = found_simple<Kind::other>;
  callbacks.null = found_simple<Kind::null>;
  callbacks.boolean = found<Kind::boolean, bool>;
  return callbacks;
}

/// The head that bytes begin with. What it announces fits into the bytes that follow.
Item next_item(std::string_view bytes) noexcept {
  static const cbor_callbacks callbacks = make_callbacks();
  Item item;
  const auto result = cbor_stream_decode(reinterpret_cast<cbor_data>(bytes.data()), bytes.size(),
                                         &callbacks, &item);
  item.size = result.read;
  const std::size_t left = bytes.size() - item.size;
  if (result.status != CBOR_DECODER_FINISHED || (item.kind == Kind::array && item.value > left) ||
      (item.kind == Kind::map && item.value > left / 2))
    item = {};
  return item;  // one object on all ways: a copy of what was just written stalls
}

/// Of a float: libcbor hands over the number, which may lose the bits of a NaN on the way.
template <class Bits>
Bits argument(std::string_view bytes) noexcept {
  Bits bits = 0;
  for (std::size_t i = 1; i <= sizeof(Bits); ++i) {
    bits = static_cast<Bits>(bits << 8 | static_cast<unsigned char>(bytes[i]));
  }
  return bits;
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
  const auto before = rest_;
  if (take(Kind::real32, rest_, nesting_).kind == Kind::none) return std::nullopt;
  return std::bit_cast<float>(argument<std::uint32_t>(before));
}

std::optional<double> Reader::real64() noexcept {
  const auto before = rest_;
  if (take(Kind::real64, rest_, nesting_).kind == Kind::none) return std::nullopt;
  return std::bit_cast<double>(argument<std::uint64_t>(before));
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
