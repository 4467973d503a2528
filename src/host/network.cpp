#include "network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace flame::inline v0::detail {
namespace {

constexpr unsigned mapped_bits = 96;

bool is_v4(const Address& address) noexcept {
  const auto mapped = v4(0, 0, 0).base.bytes;
  return std::equal(mapped.begin(), mapped.begin() + mapped_bits / 8, address.bytes.begin());
}

/// Which bits of that byte belong to a network of so many.
std::uint8_t mask(unsigned bits, std::size_t byte) noexcept {
  const auto before = 8 * static_cast<unsigned>(byte);
  const auto own = bits <= before ? 0 : std::min(bits - before, 8U);
  return static_cast<std::uint8_t>(0xff00U >> own);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size()) return std::nullopt;
  text.copy(copy.data(), text.size());
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  auto v4_address = v4(0, 0, 0).base;
  if (::inet_pton(AF_INET, copy.data(), v4_address.bytes.data() + mapped_bits / 8) == 1)
    return v4_address;
  Address address;
  if (::inet_pton(AF_INET6, copy.data(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4(address))
    ::inet_ntop(AF_INET, address.bytes.data() + mapped_bits / 8, text.data(), text.size());
  else
    ::inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

bool Network::has(const Address& address) const noexcept {
  if (is_v4(address) && (bits < mapped_bits || !is_v4(base))) return false;
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    if (((base.bytes[i] ^ address.bytes[i]) & mask(bits, i)) != 0) return false;
  }
  return true;
}

std::optional<Network> parse_network(std::string_view text) noexcept {
  const auto slash = text.find('/');
  const auto base = parse_address(text.substr(0, slash));
  if (!base) return std::nullopt;
  Network network{*base};
  if (slash == std::string_view::npos) return network;
  const auto number = text.substr(slash + 1);
  const auto* end = number.data() + number.size();
  const auto [read_to, error] = std::from_chars(number.data(), end, network.bits);
  if (error != std::errc() || read_to != end) return std::nullopt;
  const bool written_as_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  if (network.bits > (written_as_v4 ? 32U : 128U)) return std::nullopt;
  if (written_as_v4) network.bits += mapped_bits;
  for (std::size_t i = 0; i < base->bytes.size(); ++i) {
    if ((base->bytes[i] & ~mask(network.bits, i) & 0xff) != 0) return std::nullopt;
  }
  return network;
}

}  // namespace flame::inline v0::detail
