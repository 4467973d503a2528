#pragma once

#include <cbor.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

/// libcbor's reading of a head (RFC 8949, 3), to hold the library's against.
namespace flame::session::by_libcbor {

enum class Kind : std::uint8_t {
  none,
  positive,
  negative,
  bytes,
  text,
  array,
  map,
  tag,
  null,
  boolean,
  real32,
  real64,
  other
};

struct Head {
  Kind kind = Kind::none;   ///< none: malformed, cut off, or of indefinite length
  std::uint64_t value = 0;  ///< integer, count, tag, boolean
  std::string_view body{};  ///< of bytes and text
  std::size_t size = 0;     ///< with the body
};

namespace detail {
template <Kind kind, class Value>
void found(void* head, Value value) noexcept {
  *static_cast<Head*>(head) = {kind, static_cast<std::uint64_t>(value)};
}
template <Kind kind>
void found_simple(void* head) noexcept {
  *static_cast<Head*>(head) = {kind};
}
template <Kind kind, class Value>
void found_real(void* head, Value) noexcept {
  *static_cast<Head*>(head) = {kind};
}
template <Kind kind>
void found_body(void* head, cbor_data data, std::size_t size) noexcept {
  *static_cast<Head*>(head) = {kind, size, {reinterpret_cast<const char*>(data), size}};
}

inline cbor_callbacks make_callbacks() noexcept {
  cbor_callbacks callbacks = cbor_empty_callbacks;
  callbacks.uint8 = found<Kind::positive, std::uint8_t>;
  callbacks.uint16 = found<Kind::positive, std::uint16_t>;
  callbacks.uint32 = found<Kind::positive, std::uint32_t>;
  callbacks.uint64 = found<Kind::positive, std::uint64_t>;
  callbacks.negint8 = found<Kind::negative, std::uint8_t>;
  callbacks.negint16 = found<Kind::negative, std::uint16_t>;
  callbacks.negint32 = found<Kind::negative, std::uint32_t>;
  callbacks.negint64 = found<Kind::negative, std::uint64_t>;
  callbacks.byte_string = found_body<Kind::bytes>;
  callbacks.string = found_body<Kind::text>;
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
}  // namespace detail

/// Of a container that the bytes have no room for: none, as in the library.
inline Head head_of(std::string_view bytes) noexcept {
  static const cbor_callbacks callbacks = detail::make_callbacks();
  Head head;
  // libcbor refuses tags that nobody had registered; they are well-formed (RFC 8949, 3.4).
  if (const auto first = bytes.empty() ? 0U : static_cast<unsigned char>(bytes[0]);
      first >= 0xC6 && first <= 0xD4)
    return {Kind::tag, first & 31U, {}, 1};
  const auto result = cbor_stream_decode(reinterpret_cast<cbor_data>(bytes.data()), bytes.size(),
                                         &callbacks, &head);
  if (result.status != CBOR_DECODER_FINISHED) return {};
  const auto left = bytes.size() - result.read;
  if (head.kind == Kind::array && head.value > left) return {};
  if (head.kind == Kind::map && head.value > left / 2) return {};
  head.size = result.read;
  return head;
}

}  // namespace flame::session::by_libcbor
