#include "peer.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace flame::inline v0::detail {
namespace {

using Bytes = std::span<const std::uint8_t>;

struct Network {
  std::array<std::uint8_t, 16> bytes{};
  unsigned bits = 0;
};

constexpr std::array private_v4{
    Network{{0}, 8},          // this network
    Network{{10}, 8},         // RFC 1918
    Network{{172, 16}, 12},   //
    Network{{192, 168}, 16},  //
    Network{{100, 64}, 10},   // RFC 6598, where load balancers of some clouds stand
    Network{{127}, 8},        // loopback
    Network{{169, 254}, 16},  // link-local
};
constexpr std::array private_v6{
    Network{{}, 127},           // unspecified and loopback
    Network{{0xfc}, 7},         // RFC 4193
    Network{{0xfe, 0x80}, 10},  // link-local
};
constexpr Network v4_mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};

bool is_in(const Network& network, Bytes address) noexcept {
  const auto whole = network.bits / 8, rest = network.bits % 8;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return std::equal(address.begin(), address.begin() + whole, network.bytes.begin()) &&
         (rest == 0 || (address[whole] & mask) == (network.bytes[whole] & mask));
}

bool is_in_any(std::span<const Network> networks, Bytes address) noexcept {
  return std::ranges::any_of(networks, [&](const Network& each) { return is_in(each, address); });
}

}  // namespace

bool is_public(std::string_view address) noexcept {
  std::array<char, INET6_ADDRSTRLEN> text{};
  std::array<std::uint8_t, 16> bytes{};
  if (address.size() >= text.size()) return false;
  address.copy(text.data(), address.size());
  if (::inet_pton(AF_INET, text.data(), bytes.data()) == 1)
    return !is_in_any(private_v4, Bytes(bytes).first(4));
  // With a scope it is link-local, and not read here.
  if (::inet_pton(AF_INET6, text.data(), bytes.data()) != 1) return false;
  if (is_in(v4_mapped, bytes)) return !is_in_any(private_v4, Bytes(bytes).last(4));
  return !is_in_any(private_v6, bytes);
}

}  // namespace flame::inline v0::detail
