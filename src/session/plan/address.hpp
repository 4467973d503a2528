#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <flame/session/peer.hpp>

namespace flame::inline v0::session {

/// An IP address; one of IPv4 that is mapped to IPv6 (RFC 4291, 2.5.5.2) is one of IPv4.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t size = 0;  // 4 or 16
};

/// Nothing where it is neither: with a zone, say.
[[nodiscard]] std::optional<Address> address_of(const Peer& peer) noexcept;

[[nodiscard]] bool is_loopback(const Address& address) noexcept;

/// Loopback, link-local, of a private network, or no address of a peer at all.
[[nodiscard]] bool is_private(const Address& address) noexcept;

}  // namespace flame::inline v0::session
