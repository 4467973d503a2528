#include <algorithm>
#include <charconv>

#include <flame/session/store_url.hpp>

#include "uri.hpp"

namespace flame::inline v0::session {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, text);
}

bool is_name(std::string_view text) noexcept {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && text.size() <= 63 && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

std::uint16_t port_of(const std::string& scheme, std::string_view digits) {
  std::uint16_t port = 0;
  const auto error = std::from_chars(digits.data(), digits.data() + digits.size(), port).ec;
  if (error != std::errc{} || port == 0)
    refuse("store URL `" + scheme + ":`: the port must be 1 to 65535");
  return port;
}

}  // namespace

UrlParameters::UrlParameters(std::string_view scheme, std::string_view text,
                             std::span<const std::string_view> known)
    : scheme_(scheme) {
  while (!text.empty()) {
    const auto end = text.find('&');
    add(text.substr(0, end), known);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (end != text.npos && text.empty()) add({}, known);
  }
}

void UrlParameters::add(std::string_view parameter, std::span<const std::string_view> known) {
  const auto equals = parameter.find('=');
  if (equals == parameter.npos || equals == 0) wrong("write parameters as name=value");
  const auto name = parameter.substr(0, equals);
  if (!known.empty() && std::ranges::find(known, name) == known.end()) {
    std::string all;
    for (const auto each : known) all.append(all.empty() ? "" : ", ").append(each);
    wrong("unknown parameter `" + std::string(name) + "`: it takes " + all);
  }
  if (find(name)) wrong("`" + std::string(name) + "` is given twice: give it once");
  auto value = percent_decoded(parameter.substr(equals + 1));
  if (!value) wrong("`" + std::string(name) + "` has a % that is no escape: write %25");
  given_.emplace_back(name, std::move(*value));
}

const std::string* UrlParameters::find(std::string_view name) const noexcept {
  const auto at = std::ranges::find(given_, name, &std::pair<std::string, std::string>::first);
  return at == given_.end() ? nullptr : &at->second;
}

void UrlParameters::text(std::string_view name, std::string& value) const {
  if (const auto* const given = find(name)) value = *given;
}

void UrlParameters::number(std::string_view name, std::size_t& value) const {
  const auto* const given = find(name);
  if (!given) return;
  const auto* const last = given->data() + given->size();
  const auto [end, error] = std::from_chars(given->data(), last, value);
  if (error != std::errc{} || end != last)
    wrong("`" + std::string(name) + "` must be a whole number, as in " + std::string(name) +
          "=100000");
}

void UrlParameters::flag(std::string_view name, bool& value) const {
  constexpr std::pair<std::string_view, bool> choices[] = {{"true", true}, {"false", false}};
  choice<bool>(name, choices, value);
}

void UrlParameters::wrong(const std::string& text) const {
  refuse("store URL `" + scheme_ + "`: " + text);
}

StoreUrl parse_store_url(std::string_view text) {
  const auto uri = parse_uri(text);
  if (!uri)
    refuse(
        "the store URL is not one: write scheme://user:password@host:port/path, with the "
        "characters : / ? # [ ] @ % of user and password as %3A %2F %3F %23 %5B %5D %40 %25");
  StoreUrl out;
  out.scheme = lower(uri->scheme);
  if (uri->has_fragment) refuse("store URL `" + out.scheme + ":`: it has a #: write it as %23");
  if (uri->user) out.user = percent_decoded(*uri->user);
  if (uri->password) out.password = percent_decoded(*uri->password);
  out.host = percent_decoded(uri->host).value();
  if (!uri->port.empty()) out.port = port_of(out.scheme, uri->port);
  out.path = percent_decoded(uri->path).value();
  out.parameters = uri->query;
  return out;
}

TableName parse_table_name(std::string_view option, std::string_view name) {
  const auto dot = name.find('.');
  TableName out{.table = std::string(name.substr(dot == name.npos ? 0 : dot + 1))};
  if (dot != name.npos) out.schema = name.substr(0, dot);
  if (is_name(out.table) && (dot == name.npos || is_name(out.schema))) return out;
  refuse(std::string(option) +
         " must be a name of letters, digits and underscores, not beginning with a digit, of at "
         "most 63 characters, or two such names with a dot between");
}

}  // namespace flame::inline v0::session
