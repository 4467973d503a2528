#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flame::inline v0::detail {

/// An IP address; one of IPv4 is the IPv6 address that it is mapped to (RFC 4291, 2.5.5.2).
struct Address {
  std::array<std::uint8_t, 16> bytes{};
};

/// Nothing where it is neither: with a zone, say.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text) noexcept;
[[nodiscard]] std::string to_string(const Address& address);

struct Network {
  Address base{};
  unsigned bits = 128;  // of the mapped address

  /// Those of IPv4 are in networks of IPv4 alone.
  [[nodiscard]] bool has(const Address& address) const noexcept;
};
[[nodiscard]] constexpr Network v4(std::uint8_t a, std::uint8_t b, unsigned bits) noexcept {
  return {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b}}, 96 + bits};
}

/// An address, or one with `/` and its number of bits. Nothing where it is neither, or where bits
/// beyond that number are set: then it may mean another network.
[[nodiscard]] std::optional<Network> parse_network(std::string_view text) noexcept;

}  // namespace flame::inline v0::detail
