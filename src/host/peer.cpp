#include "peer.hpp"

#include <flame/session/adapter.hpp>

#include "access.hpp"

namespace flame::inline v0 {
namespace detail {

bool is_public(std::string_view text) noexcept {
  session::RequestView view;
  session::adapter::set_peer(view, text);
  return !view.peer.empty();
}

std::string_view client_of(const Request& request) noexcept {
  return RequestAccess::is_of_one_client(request) ? request.peer() : std::string_view();
}

}  // namespace detail

void RequestAccess::set_peer(Request& request, std::string_view peer, bool is_proxy) noexcept {
  session::RequestView view;
  if (!is_proxy) session::adapter::set_peer(view, peer);
  request.peer_ = peer;
  request.from_this_host_ = view.from_this_host;
  request.of_one_client_ = !view.peer.empty();
}

}  // namespace flame::inline v0
