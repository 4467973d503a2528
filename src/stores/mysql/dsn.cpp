#include "dsn.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <flame/session/store.hpp>

namespace flame::inline v0::session::mysql {
namespace {

constexpr std::string_view scheme = "mysql://";
constexpr std::string_view forms =
    "write mysql://user:password@host:port/database or user:password@tcp(host:port)/database";

constexpr std::array<std::string_view, 6> ours{"table", "init_table",  "tls",
                                               "ca",    "option_file", "password_file"};
// What go-sql-driver/mysql knows, and has no use or no danger here.
constexpr std::array<std::string_view, 21> others{"allowCleartextPasswords",
                                                  "allowFallbackToPlaintext",
                                                  "allowNativePasswords",
                                                  "allowOldPasswords",
                                                  "charset",
                                                  "checkConnLiveness",
                                                  "clientFoundRows",
                                                  "collation",
                                                  "columnsWithAlias",
                                                  "compress",
                                                  "connectionAttributes",
                                                  "interpolateParams",
                                                  "loc",
                                                  "maxAllowedPacket",
                                                  "multiStatements",
                                                  "parseTime",
                                                  "readTimeout",
                                                  "rejectReadOnly",
                                                  "timeTruncate",
                                                  "timeout",
                                                  "writeTimeout"};

[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, "mysql: " + text);
}

bool has(const auto& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

void read_parameters(Dsn& dsn, std::string_view text) {
  const UrlParameters given("mysql:", text, {});
  for (const auto& [name, value] : given.all()) {
    if (has(others, name)) {
      dsn.unused.push_back(name);
    } else if (!has(ours, name)) {
      std::string all;
      for (const auto each : ours) all.append(all.empty() ? "" : ", ").append(each);
      refuse("unknown parameter `" + name + "` in the DSN: it takes " + all);
    }
    if (name == "table") dsn.table = value;
  }
  std::string option_file, password_file;
  given.flag("init_table", dsn.init_table);
  given.flag("tls", dsn.tls);
  given.text("ca", dsn.ca);
  given.text("option_file", option_file);
  given.text("password_file", password_file);
  dsn.option_file = option_file;
  dsn.password_file = password_file;
}

/// Of `host`, `host:port`, `[v6]` and `[v6]:port`.
void read_address(Dsn& dsn, std::string_view text) {
  auto rest = text;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) refuse("the DSN's address has a [ without a ]: " + std::string(forms));
    dsn.host = text.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    const auto colon = std::min(text.rfind(':'), text.size());
    dsn.host = text.substr(0, colon);
    rest.remove_prefix(colon);
  }
  if (rest.empty()) return;
  const auto digits = rest.substr(1);
  const auto* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, dsn.port);
  if (rest.front() != ':' || error != std::errc{} || end != last || dsn.port == 0)
    refuse("the DSN's port must be 1 to 65535");
}

/// `tcp(address)` or `unix(path)`; `text` begins with one of them.
void read_place(Dsn& dsn, std::string_view text) {
  const auto open = text.find('(');
  const bool is_socket = text.starts_with("unix");
  const auto inner = text.substr(open + 1);
  if (!is_socket) return read_address(dsn, inner);
  if (!inner.starts_with('/')) refuse("the DSN's socket must be an absolute path: unix(/path)");
  dsn.socket = inner;
}

std::size_t find_place(std::string_view text) {
  if (text.starts_with("tcp(") || text.starts_with("unix(")) return 0;
  const auto tcp = text.rfind("@tcp("), socket = text.rfind("@unix(");
  if (tcp == text.npos && socket == text.npos) refuse("the DSN is not one: " + std::string(forms));
  return 1 + (tcp == text.npos ? socket : socket == text.npos ? tcp : std::max(tcp, socket));
}

Dsn parse_go_form(std::string_view text) {
  Dsn dsn;
  const auto place = find_place(text);
  if (place > 0) {
    const auto credentials = text.substr(0, place - 1);
    const auto colon = credentials.find(':');
    dsn.user = credentials.substr(0, colon);
    if (colon != credentials.npos) dsn.password = credentials.substr(colon + 1);
  }
  const auto rest = text.substr(place);
  const auto close = rest.find(")/");
  if (close == rest.npos) refuse("the DSN names no database: " + std::string(forms));
  read_place(dsn, rest.substr(0, close));
  const auto path = rest.substr(close + 2);
  const auto question = std::min(path.find('?'), path.size());
  dsn.database = path.substr(0, question);
  if (question < path.size()) read_parameters(dsn, path.substr(question + 1));
  return dsn;
}

Dsn parse_url(std::string_view text) {
  const auto url = parse_store_url(text);
  Dsn dsn{.user = url.user.value_or(""),
          .password = url.password,
          .host = url.host,
          .port = url.port.value_or(3306)};
  if (!url.path.empty()) dsn.database = url.path.substr(1);
  read_parameters(dsn, url.parameters);
  return dsn;
}

bool is_name_of_host(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._:%").find(c) != std::string_view::npos;
}

// The driver reads commas as a list of hosts, and takes strings to their first zero.
void check(const Dsn& dsn) {
  constexpr std::size_t longest_path = 100;
  const auto has_zero = [](const std::string& text) { return text.find('\0') != text.npos; };
  if (dsn.socket.empty() && (dsn.host.empty() || !std::ranges::all_of(dsn.host, is_name_of_host)))
    refuse("the DSN's host must be a name or an address: " + std::string(forms));
  if (dsn.socket.size() > longest_path) refuse("the path of the DSN's socket is too long");
  if (has_zero(dsn.user) || has_zero(dsn.database) || has_zero(dsn.ca) || has_zero(dsn.socket) ||
      has_zero(dsn.password.value_or("")))
    refuse("the DSN holds a zero byte: leave it out");
  if (dsn.tls && !dsn.socket.empty())
    refuse("tls=true has no use with unix(/path), which leaves this machine not: leave it out");
  if (!dsn.tls && !dsn.ca.empty()) refuse("`ca` is given without tls=true: add it");
  if (!dsn.option_file.empty() && !dsn.password_file.empty())
    refuse("`option_file` and `password_file` are both given: give one of them");
}

}  // namespace

Dsn parse_dsn(std::string_view text) {
  if (text.empty()) refuse("no DSN is given: " + std::string(forms));
  auto dsn = text.starts_with(scheme) ? parse_url(text) : parse_go_form(text);
  check(dsn);
  return dsn;
}

}  // namespace flame::inline v0::session::mysql
