#include "value_utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace flame::inline v0::session {
namespace {

bool is_tail(unsigned char byte) noexcept { return (byte & 0xC0) == 0x80; }

/// How many bytes the character at text takes; 0 where it is none. `second` has the bounds that
/// keep out what is too long, a surrogate or too high.
std::size_t character(const unsigned char* text, std::size_t left) noexcept {
  const unsigned char first = text[0];
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (left < size) return 0;
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (text[1] < low || text[1] > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (!is_tail(text[i])) return 0;
  }
  return size;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    std::uint64_t eight = 0;
    if (end - at >= 8 && (std::memcpy(&eight, at, 8), (eight & 0x8080808080808080U) == 0)) {
      at += 8;
      continue;
    }
    const std::size_t size = character(at, static_cast<std::size_t>(end - at));
    if (size == 0) return false;
    at += size;
  }
  return true;
}

}  // namespace flame::inline v0::session
