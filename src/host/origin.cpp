#include "origin.hpp"

#include <algorithm>
#include <optional>

#include "target.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

struct Parts {
  bool tls = false;
  std::string_view host{};  // with its port
};

std::optional<Parts> parts_of(std::string_view origin) noexcept {
  for (const bool tls : {true, false}) {
    const std::string_view scheme = tls ? "https://" : "http://";
    if (origin.starts_with(scheme)) return Parts{tls, origin.substr(scheme.size())};
  }
  return std::nullopt;
}

std::string_view port_of(bool tls) noexcept { return tls ? ":443" : ":80"; }

/// A page of TLS on this host is ours, also where nobody told that the request came over TLS; one
/// of plain http is not where it did.
bool is_own(std::string_view origin, const Request& request) noexcept {
  const auto parts = parts_of(origin);
  if (!parts || (request.secure() && !parts->tls)) return false;
  auto host = request.host();
  const auto port = port_of(parts->tls);
  if (host.ends_with(port)) host.remove_suffix(port.size());
  return !host.empty() && same_name(parts->host, host);
}

/// Of several fields of one name, which no browser sends, all must hold.
void add(std::optional<bool>& all, bool one) noexcept { all = all.value_or(true) && one; }

}  // namespace

Origin origin_of(const Request& request, std::span<const std::string> allowed) {
  std::optional<bool> by_site, own, on_list;
  for (const auto& [name, value] : request.fields()) {
    if (same_name(name, "Sec-Fetch-Site")) add(by_site, value == "same-origin" || value == "none");
    if (!same_name(name, "Origin")) continue;
    add(own, is_own(value, request));
    add(on_list, std::ranges::find(allowed, value) != allowed.end());
  }
  if (!by_site && !own) return Origin::untold;
  const bool ours = on_list.value_or(false) || (by_site ? *by_site : *own);
  return ours ? Origin::own : Origin::foreign;
}

bool is_origin(std::string_view text) noexcept {
  const auto parts = parts_of(text);
  if (!parts || !is_authority(parts->host)) return false;
  const auto host = parts->host;
  const bool characters = std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
  const auto name = host.starts_with('[') ? host.find(']') + 1 : host.find(':');
  const auto port = host.substr(std::min(name, host.size()));
  const bool needless = port == ":" || port.starts_with(":0") || port == port_of(parts->tls);
  return characters && !needless && host.front() != '.' &&
         host.find("..") == std::string_view::npos;
}

}  // namespace flame::inline v0::detail
