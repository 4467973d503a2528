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
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : in) {
    const int value = values[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      *out++ = static_cast<std::byte>(bits >> count & 255);
    }
  }
  return (bits & ((1U << count) - 1)) == 0;
}

}  // namespace flame::inline v0::session
