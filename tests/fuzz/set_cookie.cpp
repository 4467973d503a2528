// Set-Cookie: refused, or read back by a second parser (draft-ietf-httpbis-rfc6265bis, 5.6 and 5.7)
// as what was meant.
#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

#include <flame/session/cookie.hpp>

#include "fuzz.hpp"
#include "host/cookie_jar.hpp"

namespace flame::fuzz {
namespace {

using session::CookieAttributes;
using session::SameSite;

struct Cookie {
  std::string name{}, value{}, path = "/nothing", domain{}, same_site = "lax";
  std::optional<long> max_age{};
  bool secure = false, http_only = false, partitioned = false;
  bool operator==(const Cookie&) const = default;
};

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

void read_attribute(Cookie& cookie, std::string_view text) {
  const auto equals = std::min(text.find('='), text.size());
  const auto name = lower(stripped(text.substr(0, equals)));
  const auto value = stripped(text.substr(std::min(equals + 1, text.size())));
  if (value.size() > 1'024) return;
  if (name == "path" && value.starts_with('/')) cookie.path = value;
  if (name == "domain") cookie.domain = lower(value.substr(value.starts_with('.') ? 1 : 0));
  if (name == "secure") cookie.secure = true;
  if (name == "httponly") cookie.http_only = true;
  if (name == "partitioned") cookie.partitioned = true;
  if (name == "samesite") cookie.same_site = lower(value);
  long seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (name == "max-age" && error == std::errc() && end == value.data() + value.size())
    cookie.max_age = seconds;
}

/// Nothing: a browser drops it.
std::optional<Cookie> read(std::string_view line) {
  if (has_control(line)) return std::nullopt;
  Cookie cookie;
  auto rest = line;
  const auto take = [&rest] {
    const auto part = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    return part;
  };
  const auto pair = take();
  const auto equals = pair.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  cookie.name = stripped(pair.substr(0, equals));
  cookie.value = stripped(pair.substr(equals + 1));
  if (cookie.name.empty() || cookie.name.size() + cookie.value.size() > 4'096) return std::nullopt;
  while (!rest.empty()) read_attribute(cookie, take());
  const auto key = lower(cookie.name);
  const bool of_host = key.starts_with("__host-");
  if ((of_host || key.starts_with("__secure-") || cookie.partitioned ||
       cookie.same_site == "none") &&
      !cookie.secure)
    return std::nullopt;
  if (of_host && (cookie.path != "/" || !cookie.domain.empty())) return std::nullopt;
  return cookie;
}

const char* word_of(SameSite same_site) {
  return same_site == SameSite::lax ? "lax" : same_site == SameSite::strict ? "strict" : "none";
}

Cookie meant(std::string_view name, std::string_view value, const CookieAttributes& attributes) {
  Cookie cookie;
  cookie.name = name;
  cookie.value = value;
  cookie.path = attributes.path;
  cookie.domain = lower(attributes.domain);
  cookie.same_site = word_of(attributes.same_site);
  if (attributes.max_age)
    cookie.max_age = std::min<long>(attributes.max_age->count(), 400L * 24 * 60 * 60);
  cookie.secure = !attributes.plain_http;
  cookie.http_only = attributes.http_only;
  cookie.partitioned = attributes.partitioned;
  return cookie;
}

/// Flags and Max-Age from a piece: a letter each, then digits.
CookieAttributes attributes_of(const std::vector<std::string_view>& pieces) {
  CookieAttributes out;
  out.path = piece(pieces, 2);
  out.domain = piece(pieces, 3);
  auto flags = piece(pieces, 4);
  while (!flags.empty() && (flags.front() < '0' || flags.front() > '9')) {
    const char c = flags.front();
    if (c == 's') out.same_site = SameSite::strict;
    if (c == 'n') out.same_site = SameSite::none;
    if (c == 'p') out.partitioned = true;
    if (c == 'h') out.http_only = false;
    if (c == 'x') out.plain_http = true;
    flags.remove_prefix(1);
  }
  std::int64_t seconds = 0;
  const auto error = std::from_chars(flags.data(), flags.data() + flags.size(), seconds).ec;
  if (!flags.empty() && error == std::errc()) out.max_age = std::chrono::seconds(seconds);
  return out;
}

void check_jar(const std::string& line, const std::string& removal, const Cookie& cookie) {
  if (!cookie.secure) return;  // the jar's is https
  detail::CookieJar jar;
  jar.store(line, "/some/page");
  expect(jar.find(cookie.name, cookie.path) == cookie.value, "a browser sends it back");
  expect(jar.line_for(cookie.path) == cookie.name + '=' + cookie.value, "and nothing else");
  jar.store(removal, "/some/page");
  expect(!jar.find(cookie.name, cookie.path), "the removal removes it");
}

void check(const std::vector<std::string_view>& pieces) {
  const auto name = piece(pieces, 0), value = piece(pieces, 1);
  const auto attributes = attributes_of(pieces);
  std::string line;
  try {
    line = session::set_cookie_value(name, value, attributes);
  } catch (const std::invalid_argument& error) {
    const std::string_view text = error.what();
    expect(!text.empty() && !has_control(text), "the text of the error is a line");
    return;
  }
  const auto cookie = meant(name, value, attributes);
  expect(read(line) == cookie, "a second parser reads back what was meant");
  const auto removal = session::removed_cookie_value(name, attributes);
  auto removed = cookie;
  removed.value.clear();
  removed.max_age = 0;
  expect(read(removal) == removed, "a second parser reads the removal as such");
  std::string_view sent = line;
  expect(session::next_cookie(sent) == std::pair(name, value), "it is read as it is sent back");
  check_jar(line, removal, cookie);
}

}  // namespace
}  // namespace flame::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flame::fuzz;
  const auto input = text_of(data, size);
  check(pieces_of(input));
  flame::detail::CookieJar jar;  // what another server says
  for (const auto each : pieces_of(input)) jar.store(each, "/");
  static_cast<void>(jar.line_for("/a/b"));
  return 0;
}
