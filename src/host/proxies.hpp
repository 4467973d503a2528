#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/flame.hpp>
#include <flame/request.hpp>

#include "network.hpp"

namespace flame::inline v0::detail {

/// Who a request is of, as far as trusted proxies tell.
struct Peer {
  std::string address{};
  bool is_proxy = false;  // it is a trusted proxy's, for want of a word about who is behind
  bool secure = false;
  std::string_view host{};  // of the fields; empty: what Host says
};

/// The proxies that are trusted (HostOptions::trusted_proxies).
class Proxies {
 public:
  Proxies() = default;
  explicit Proxies(const HostOptions& options);

  [[nodiscard]] bool trust(std::string_view address) const noexcept;
  /// Of a request that came from this address.
  [[nodiscard]] Peer peer_of(std::string_view peer, std::span<const Field> fields) const;

 private:
  struct Chain;
  [[nodiscard]] bool trust(const Address& address) const noexcept;
  void read_x_forwarded(Chain& chain, std::span<const Field> fields) const;
  void read_forwarded(Chain& chain, std::span<const Field> fields) const;

  std::vector<Network> networks_{};
  ProxyFields fields_ = ProxyFields::x_forwarded;
};

/// Has the request tell who it is of: `peer`, or who stands behind that proxy. `kept` holds the
/// address for as long as the request lives.
void tell_client(Request& request, const Proxies& proxies, std::string_view peer,
                 std::string& kept);

/// A line for each entry that is neither an address nor a network.
[[nodiscard]] std::vector<std::string> check_proxies(const HostOptions& options);

}  // namespace flame::inline v0::detail
