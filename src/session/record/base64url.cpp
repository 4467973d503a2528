#include "base64url.hpp"

#include <array>
#include <cstdint>

namespace flame::inline v0::session {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr auto values = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return table;
}();

int value_of(char c) noexcept { return values[static_cast<unsigned char>(c)]; }

}  // namespace

void base64url_encode(std::span<const std::byte> in, char* out) noexcept {
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::byte byte : in) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
    for (count += 8; count >= 6; count -= 6) *out++ = alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) *out = alphabet[bits << (6 - count) & 63];
}

bool base64url_decode(std::string_view in, std::byte* out) noexcept {
  int wrong = 0;  // negative once one was
  for (; in.size() >= 4; in.remove_prefix(4)) {
    const int a = value_of(in[0]), b = value_of(in[1]), c = value_of(in[2]), d = value_of(in[3]);
    wrong |= a | b | c | d;
    const auto bits = static_cast<std::uint32_t>(a) << 18 | static_cast<std::uint32_t>(b) << 12 |
                      static_cast<std::uint32_t>(c) << 6 | static_cast<std::uint32_t>(d);
    out[0] = static_cast<std::byte>(bits >> 16);
    out[1] = static_cast<std::byte>(bits >> 8);
    out[2] = static_cast<std::byte>(bits);
    out += 3;
  }
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : in) {
    wrong |= value_of(c);
    bits = bits << 6 | (static_cast<std::uint32_t>(value_of(c)) & 63);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *out++ = static_cast<std::byte>(bits >> count & 255);
  }
  return wrong >= 0 && (bits & ((1U << count) - 1)) == 0;
}

bool is_base64url(std::string_view in) noexcept {
  int wrong = 0, last = 0;
  for (const char c : in) wrong |= last = value_of(c);
  const unsigned spare = in.size() * 6 % 8;
  return wrong >= 0 && (static_cast<unsigned>(last) & ((1U << spare) - 1)) == 0;
}

}  // namespace flame::inline v0::session
