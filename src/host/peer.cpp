#include "peer.hpp"

#include <algorithm>
#include <array>

#include "access.hpp"
#include "network.hpp"

namespace flame::inline v0 {
namespace detail {
namespace {

constexpr std::array private_networks{
    v4(0, 0, 8),                    // this network
    v4(10, 0, 8),                   // RFC 1918
    v4(172, 16, 12),                //
    v4(192, 168, 16),               //
    v4(100, 64, 10),                // RFC 6598, where load balancers of some clouds stand
    v4(127, 0, 8),                  // loopback
    v4(169, 254, 16),               // link-local
    Network{{}, 127},               // unspecified and loopback
    Network{{{{0xfc}}}, 7},         // RFC 4193
    Network{{{{0xfe, 0x80}}}, 10},  // link-local
};

}  // namespace

bool is_public(std::string_view text) noexcept {
  const auto address = parse_address(text);  // with a scope it is link-local, and not read
  return address && std::ranges::none_of(private_networks,
                                         [&](const Network& each) { return each.has(*address); });
}

std::string_view client_of(const Request& request) noexcept {
  return RequestAccess::is_of_one_client(request) ? request.peer() : std::string_view();
}

}  // namespace detail

void RequestAccess::set_peer(Request& request, std::string_view peer, bool is_proxy) noexcept {
  const auto address = detail::parse_address(peer);
  request.peer_ = peer;
  request.from_this_host_ = !is_proxy && address && detail::is_loopback(*address);
  request.of_one_client_ = !is_proxy && detail::is_public(peer);
}

}  // namespace flame::inline v0
