#include "address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <string_view>

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

/// Of size 0 where it is none.
Address parse(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  Address out;
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return out;
  text.copy(terminated.data(), text.size());
  if (::inet_pton(AF_INET, terminated.data(), out.bytes.data()) == 1)
    out.size = 4;
  else if (::inet_pton(AF_INET6, terminated.data(), out.bytes.data()) == 1)
    out.size = 16;
  return out;
}

void unmap_v4(Address& address) noexcept {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  if (address.size != 16 || !std::equal(mapped.begin(), mapped.end(), address.bytes.begin()))
    return;
  std::copy_n(address.bytes.begin() + 12, 4, address.bytes.begin());
  address.size = 4;
}

}  // namespace

std::optional<Address> address_of(const Peer& peer) noexcept {
  const std::string_view from(reinterpret_cast<const char*>(peer.from_.data()), peer.size_);
  Address out;
  if (peer.kind_ == Peer::Kind::text)
    out = parse(from);
  else if (from.size() == 4 || from.size() == 16)
    out.size = from.copy(reinterpret_cast<char*>(out.bytes.data()), out.bytes.size());
  unmap_v4(out);
  return out.size == 0 ? std::nullopt : std::optional(out);
}

bool is_loopback(const Address& address) noexcept {
  if (address.size == 4) return address.bytes[0] == 127;
  return is_zero_but_the_last(address) && address.bytes.back() == 1;
}

bool is_private(const Address& address) noexcept {
  return address.size == 4 ? is_private_v4(address.bytes[0], address.bytes[1])
                           : is_private_v6(address);
}

bool Peer::is_this_host() const noexcept {
  const auto address = address_of(*this);
  return address && is_loopback(*address);
}

bool Peer::is_one_client() const noexcept {
  const auto address = address_of(*this);
  return address && !is_private(*address);
}

}  // namespace flame::inline v0::session
