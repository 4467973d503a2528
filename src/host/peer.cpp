#include "peer.hpp"

#include <flame/session/peer.hpp>

#include "access.hpp"

namespace flame::inline v0 {
namespace detail {

bool is_public(std::string_view text) noexcept {
  return session::Peer(text).is_one_client();
}

std::string_view client_of(const Request& request) noexcept {
  return RequestAccess::is_of_one_client(request) ? request.peer() : std::string_view();
}

}  // namespace detail

void RequestAccess::set_peer(Request& request, std::string_view peer, bool is_proxy) noexcept {
  request.peer_ = peer;
  request.from_this_host_ = !is_proxy && session::Peer(peer).is_this_host();
  request.of_one_client_ = !is_proxy && detail::is_public(peer);
}

}  // namespace flame::inline v0
