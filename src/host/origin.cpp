#include "origin.hpp"

#include <algorithm>
#include <optional>

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
  if (!parts) return false;
  const auto host = parts->host;
  const bool characters = std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
  const auto colon = host.ends_with(']') ? std::string_view::npos : host.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::string_view("1") : host.substr(colon + 1);
  return characters && !host.substr(0, colon).empty() && !port.empty() &&
         port.find_first_not_of("0123456789") == std::string_view::npos &&
         !host.ends_with(port_of(parts->tls));
}

}  // namespace flame::inline v0::detail
