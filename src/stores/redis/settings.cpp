#include "settings.hpp"

#include <algorithm>
#include <charconv>

#include <flame/session/store_url.hpp>

namespace flame::inline v0::session::redis {
namespace {

// Passwords can stand anywhere in an address, so texts repeat nothing of it.
[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, "redis store: " + text);
}

[[noreturn]] void wrong_address() {
  refuse("addr must be host:port, unix:/path, redis://…, rediss://… or unix:/path?db=N");
}

/// What is given in two places must be the same.
template <class T>
void merge(T& option, const T& unset, T from_url, const char* name) {
  if (option != unset && option != from_url)
    refuse(std::string(name) + " is given twice, in addr and beside it: give it once");
  option = std::move(from_url);
}

bool is_host(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:%").find(c) != std::string_view::npos;
  });
}

template <class T>
T number_of(std::string_view text, const char* what) {
  T number{};
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (text.empty() || error != std::errc{} || end != last) refuse(what);
  return number;
}

/// host, host:port, [IPv6], [IPv6]:port.
void read_host_and_port(std::string_view text, Settings& out) {
  const bool bracketed = text.starts_with('[');
  const auto end = bracketed ? text.find(']') : text.rfind(':');
  if (bracketed && end == text.npos) wrong_address();
  const auto host = text.substr(0, end);
  out.host = bracketed ? host.substr(1) : host;
  auto rest = end == text.npos ? std::string_view{} : text.substr(end + bracketed);
  if (!is_host(out.host) || (!bracketed && out.host.find(':') != out.host.npos)) wrong_address();
  if (rest.empty()) return;
  if (rest.front() != ':') wrong_address();
  // A scheme, and no host.
  const bool is_number = rest.size() > 1 && rest.find_first_not_of("0123456789", 1) == rest.npos;
  if (!is_number && (out.host == "redis" || out.host == "rediss")) wrong_address();
  out.port = number_of<std::uint16_t>(rest.substr(1), "the port in addr must be 1 to 65535");
  if (out.port == 0) refuse("the port in addr must be 1 to 65535");
}

void read_parameters(const StoreUrl& url, bool has_db, Settings& out) {
  constexpr std::string_view known[] = {"db", "key_prefix", "ca_file", "certificate_file",
                                        "certificate_key_file"};
  const UrlParameters given(url.scheme + ":", url.parameters, known);
  const auto file = [&](const char* name, std::filesystem::path& option) {
    std::string text;
    given.text(name, text);
    if (!text.empty()) merge(option, {}, std::filesystem::path(text), name);
  };
  auto prefix = out.key_prefix;
  given.text("key_prefix", prefix);
  merge(out.key_prefix, RedisOptions{}.key_prefix, prefix, "key_prefix");
  auto db = out.db;
  given.number("db", db);
  if (has_db && db != out.db) refuse("db is given twice, as the path of addr too: give it once");
  merge(out.db, std::size_t{0}, db, "db");
  file("ca_file", out.tls.ca_file);
  file("certificate_file", out.tls.certificate_file);
  file("certificate_key_file", out.tls.certificate_key_file);
}

void read_url(const std::string& text, Settings& out) {
  auto url = parse_store_url(text);
  const bool has_db = url.scheme != "unix" && url.path.size() > 1;
  if (url.scheme == "unix") {
    out.socket = url.path;
    if (!url.host.empty() || out.socket.size() < 2) wrong_address();
  } else if (url.scheme == "redis" || url.scheme == "rediss") {
    out.host = url.host;
    if (!is_host(out.host)) wrong_address();
    if (url.port) out.port = *url.port;
    if (has_db)
      merge(out.db, std::size_t{0},
            number_of<std::size_t>(std::string_view(url.path).substr(1),
                                   "the path of the URL in addr must be a database's number"),
            "db");
    if (url.scheme == "rediss") out.tls.enabled = true;
  } else {
    wrong_address();
  }
  if (url.user && !url.user->empty()) merge(out.username, {}, std::move(*url.user), "username");
  if (url.password) merge(out.password, {}, std::move(*url.password), "password");
  read_parameters(url, has_db, out);
}

void check_prefix(const std::string& prefix) {
  const bool fits = std::ranges::all_of(prefix, [](char c) {
    // A brace would move the hash tag, the others are patterns to ACLs and SCAN.
    return c > ' ' && c < 0x7f && std::string_view("{}*?[]\\").find(c) == std::string_view::npos;
  });
  if (prefix.empty() || prefix.size() > 64 || !fits)
    refuse("key_prefix must be 1 to 64 printable ASCII characters, no space * ? [ ] { } \\");
}

void check_tls(const Settings& settings) {
  const auto& tls = settings.tls;
  const bool files =
      !tls.ca_file.empty() || !tls.certificate_file.empty() || !tls.certificate_key_file.empty();
  if (files && !tls.enabled) refuse("files for TLS are given, but no TLS: write rediss://");
  if (tls.enabled && !settings.socket.empty()) refuse("a unix socket has no TLS: leave tls out");
  if (tls.certificate_file.empty() != tls.certificate_key_file.empty())
    refuse("certificate_file and certificate_key_file go together: give both");
}

}  // namespace

Settings settings_of(const RedisOptions& options) {
  Settings out{.db = options.db,
               .username = options.username,
               .password = options.password,
               .key_prefix = options.key_prefix,
               .connections = options.connections,
               .tls = options.tls};
  if (options.addr.starts_with("unix:") || options.addr.find("://") != std::string::npos)
    read_url(options.addr, out);
  else
    read_host_and_port(options.addr, out);
  const auto& other = out.connections;
  if (!out.password.empty() && (other.password || !other.password_file.empty()))
    refuse("a password is given, and connections.password or password_file too: give one");
  check_prefix(out.key_prefix);
  check_tls(out);
  check(out.connections);
  return out;
}

}  // namespace flame::inline v0::session::redis
