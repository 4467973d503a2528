#include "proxies.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "access.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

/// The entries of all fields of this name, the last one first: that of the nearest proxy. Quotes do
/// not hold a comma together: a client's that is never closed would swallow what a proxy adds.
std::vector<std::string_view> from_the_last(std::span<const Field> fields, std::string_view name) {
  std::vector<std::string_view> entries;
  for (const auto& field : fields) {
    if (!same_name(field.name, name)) continue;
    for (auto list = field.value;;) {
      const auto comma = list.find(',');
      entries.push_back(trimmed(list.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      list.remove_prefix(comma + 1);
    }
  }
  std::ranges::reverse(entries);
  return entries;
}

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// An address as proxies write it: alone, or with a port; of IPv6 then in brackets.
std::optional<Address> parse_node(std::string_view text) noexcept {
  auto host = text;
  std::string_view port = "0";
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    const auto rest = text.substr(end + 1);
    if (!rest.empty()) port = rest.front() == ':' ? rest.substr(1) : std::string_view();
  } else if (std::ranges::count(text, ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size() + 1);
  }
  return is_port(port) ? parse_address(host) : std::nullopt;
}

/// One element of Forwarded (RFC 7239, 4).
struct Element {
  std::string_view node{}, proto{}, host{};
};

/// Without its quotes, if it has any; nothing where it is no value. What needs an escape is none
/// that we know.
std::optional<std::string_view> value_of(std::string_view text) noexcept {
  if (is_token(text)) return text;
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  const auto inner = text.substr(1, text.size() - 2);
  return inner.find_first_of("\"\\") == std::string_view::npos ? std::optional(inner)
                                                               : std::nullopt;
}

std::optional<Element> parse_element(std::string_view text) noexcept {
  Element element;
  while (!text.empty()) {
    const auto pair = trimmed(text.substr(0, text.find(';')));
    const auto semicolon = std::min(text.size(), text.find(';'));
    text.remove_prefix(std::min(text.size(), semicolon + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = pair.substr(0, equals);
    const auto value = value_of(pair.substr(equals + 1));
    if (!value || !is_token(name)) return std::nullopt;
    for (const auto& [known, member] :
         {std::pair{"for", &Element::node}, {"proto", &Element::proto}, {"host", &Element::host}}) {
      if (!same_name(name, known)) continue;
      if (!(element.*member).empty()) return std::nullopt;  // twice
      element.*member = *value;
    }
  }
  return element;
}

/// As far as characters go.
bool is_host(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:[]").find(c) != std::string_view::npos;
  });
}

bool is_https(std::string_view proto) noexcept { return same_name(proto, "https"); }

}  // namespace

/// From proxy to proxy, to the first address that is none.
struct Proxies::Chain {
  Address address{};
  bool is_proxy = true;
  bool secure = false;
  std::string_view host{};
};

Proxies::Proxies(const HostOptions& options) : fields_(options.proxy_fields) {
  for (const auto& text : options.trusted_proxies) {
    if (const auto network = parse_network(text)) networks_.push_back(*network);
  }
}

bool Proxies::trust(const Address& address) const noexcept {
  return std::ranges::any_of(networks_, [&](const Network& each) { return each.has(address); });
}

bool Proxies::trust(std::string_view text) const noexcept {
  if (networks_.empty()) return false;
  const auto address = parse_address(text);
  return address && trust(*address);
}

Peer Proxies::peer_of(std::string_view peer, std::span<const Field> fields) const {
  const auto address = parse_address(peer);
  if (!address || !trust(*address)) return {std::string(peer)};
  Chain chain{*address};
  if (fields_ == ProxyFields::forwarded)
    read_forwarded(chain, fields);
  else
    read_x_forwarded(chain, fields);
  return {to_string(chain.address), chain.is_proxy, chain.secure,
          is_host(chain.host) ? chain.host : std::string_view()};
}

/// Only the addresses form a chain that can be followed: of the others the nearest proxy's word
/// counts.
void Proxies::read_x_forwarded(Chain& chain, std::span<const Field> fields) const {
  for (const auto entry : from_the_last(fields, "X-Forwarded-For")) {
    const auto address = parse_node(entry);
    if (!address) break;
    chain.address = *address;
    chain.is_proxy = trust(*address);
    if (!chain.is_proxy) break;
  }
  const auto protos = from_the_last(fields, "X-Forwarded-Proto");
  const auto hosts = from_the_last(fields, "X-Forwarded-Host");
  chain.secure = !protos.empty() && is_https(protos.front());
  if (!hosts.empty()) chain.host = hosts.front();
}

/// Each element is the word of the proxy that the one after it names.
void Proxies::read_forwarded(Chain& chain, std::span<const Field> fields) const {
  for (const auto entry : from_the_last(fields, "Forwarded")) {
    const auto element = parse_element(entry);
    if (!element) break;
    chain.secure = is_https(element->proto);
    chain.host = element->host;
    const auto address = parse_node(element->node);
    if (!address) break;  // also one that is hidden, or `unknown`
    chain.address = *address;
    chain.is_proxy = trust(*address);
    if (!chain.is_proxy) break;
  }
}

void tell_client(Request& request, const Proxies& proxies, std::string_view peer,
                 std::string& kept) {
  auto client = proxies.peer_of(peer, request.fields());
  kept = std::move(client.address);
  RequestAccess::set_peer(request, kept, client.is_proxy);
  RequestAccess::set_proxied(request, client.secure, client.host);
}

std::vector<std::string> check_proxies(const HostOptions& options) {
  std::vector<std::string> errors;
  for (const auto& text : options.trusted_proxies) {
    if (parse_network(text)) continue;
    std::string error = "option trusted_proxies has `";
    append_escaped(error, text);
    errors.push_back(error +
                     "`, which is neither an address nor a network: give one such as 192.0.2.7, "
                     "10.0.0.0/8 or 2001:db8::/32, with no bit set beyond its number of bits");
  }
  return errors;
}

}  // namespace flame::inline v0::detail
