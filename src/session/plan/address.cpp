#include "address.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace flame::inline v0::session {
namespace {

bool is_private_v4(unsigned a, unsigned b) noexcept {
  return a == 0                                // this network
         || a == 127                           // loopback
         || a == 10                            // RFC 1918
         || (a == 172 && (b & 0xf0U) == 0x10)  //
         || (a == 192 && b == 168)             //
         ||
         (a == 100 && (b & 0xc0U) == 0x40)  // RFC 6598, where load balancers of some clouds stand
         || (a == 169 && b == 254);         // link-local
}

bool is_zero_but_the_last(const Address& address) noexcept {
  return std::all_of(address.bytes.begin(), address.bytes.end() - 1,
                     [](std::uint8_t byte) { return byte == 0; });
}

bool is_private_v6(const Address& address) noexcept {
  const unsigned a = address.bytes[0], b = address.bytes[1];
  return (is_zero_but_the_last(address) && address.bytes.back() <= 1)  // unspecified and loopback
         || (a & 0xfeU) == 0xfc                                        // RFC 4193
         || (a == 0xfe && (b & 0xc0U) == 0x80);                        // link-local
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  text.copy(terminated.data(), text.size());
  Address out;
  if (::inet_pton(AF_INET, terminated.data(), out.bytes.data()) == 1) {
    out.size = 4;
    return out;
  }
  if (::inet_pton(AF_INET6, terminated.data(), out.bytes.data()) != 1) return std::nullopt;
  constexpr std::array<std::uint8_t, 12> v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  const bool is_v4 = std::equal(v4_mapped.begin(), v4_mapped.end(), out.bytes.begin());
  if (is_v4) std::copy_n(out.bytes.begin() + 12, 4, out.bytes.begin());
  out.size = is_v4 ? 4 : 16;
  return out;
}

bool is_loopback(const Address& address) noexcept {
  if (address.size == 4) return address.bytes[0] == 127;
  return is_zero_but_the_last(address) && address.bytes.back() == 1;
}

bool is_private(const Address& address) noexcept {
  return address.size == 4 ? is_private_v4(address.bytes[0], address.bytes[1])
                           : is_private_v6(address);
}

}  // namespace flame::inline v0::session
