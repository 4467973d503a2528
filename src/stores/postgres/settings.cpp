#include "settings.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>

namespace flame::inline v0::session::postgres {
namespace {

constexpr std::array<std::string_view, 4> our_parameters{"table", "init_table", "readers",
                                                         "writers"};

[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, "postgres store: " + text);
}

bool is_url(std::string_view dsn) {
  return dsn.starts_with("postgres://") || dsn.starts_with("postgresql://");
}

/// Where a URL's parameters begin, as libpq sees it: a password may have a question mark.
std::size_t query_of(std::string_view url) {
  auto from = url.find("://") + 3;
  const auto credentials = url.find_first_of("@/", from);
  if (credentials != url.npos && url[credentials] == '@') from = credentials;
  return std::min(url.find('?', from), url.size());
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

Keywords given_in(const Options& options) {
  Keywords given;
  for (const auto* each = options.get(); each && each->keyword; ++each)
    if (each->val) given.emplace_back(each->keyword, each->val);
  return given;
}

Keywords read_by_libpq(const std::string& dsn) {
  char* error = nullptr;
  const Options options(PQconninfoParse(dsn.c_str(), &error));
  PQfreemem(error);  // may hold a part of the password
  if (!options)
    refuse(
        "libpq cannot read the dsn: write postgres://user:password@host:port/database?sslmode=…, "
        "with what is special in user and password as %XX, or host=… dbname=…; parameters are "
        "those "
        "of libpq, and table, init_table, readers and writers in a URL");
  return given_in(options);
}

/// A session store writes: so what it looks for is the library's to say.
void check_target(const Settings& settings) {
  const auto wanted = settings.find("target_session_attrs");
  if (wanted.empty() || wanted == "any" || wanted == "read-write" || wanted == "primary") return;
  refuse(
      "target_session_attrs must be read-write or primary, or left out: sessions are written, and "
      "read where they are written");
}

/// A misplaced @ leaves the rest of a password there.
void check_host(const Settings& settings) {
  const auto host = settings.find("host");
  if (host.find('@', host.starts_with('@') ? 1 : 0) == host.npos) return;
  refuse("the dsn's host has an @: write that of the user or password as %40");
}

/// So does a misplaced slash.
void check_port(const Settings& settings) {
  if (settings.find("port").find_first_not_of("0123456789, ") == std::string::npos) return;
  refuse("the dsn's port is no number: write a / of the user or password as %2F");
}

}  // namespace

std::string Settings::find(std::string_view keyword) const {
  const auto at = std::ranges::find(keywords, keyword, &Keywords::value_type::first);
  return at == keywords.end() ? std::string() : at->second;
}

Keywords default_keywords() { return given_in(Options(PQconndefaults())); }

SplitUrl split_url(std::string_view dsn) {
  const auto begin = query_of(dsn);
  SplitUrl out{std::string(dsn.substr(0, begin)), {}};
  auto rest = dsn.substr(begin);
  for (bool first = true; !rest.empty();) {
    rest.remove_prefix(1);  // ? or &
    const auto each = rest.substr(0, rest.find('&'));
    rest.remove_prefix(each.size());
    if (std::ranges::find(our_parameters, each.substr(0, each.find('='))) != our_parameters.end()) {
      out.ours.append(out.ours.empty() ? "" : "&").append(each);
    } else {
      out.url.append(first ? "?" : "&").append(each);
      first = false;
    }
  }
  return out;
}

Settings read_settings(PostgresOptions options) {
  if (options.dsn.find('\0') != std::string::npos) refuse("the dsn has a zero byte");
  if (is_url(options.dsn)) {
    // Of one in a password some releases of libpq take it, and others do not.
    if (options.dsn.find(' ') != std::string::npos)
      refuse("the dsn is a URL with a space: write that of a user or password as %20");
    auto split = split_url(options.dsn);
    const UrlParameters ours("postgres:", split.ours, our_parameters);
    ours.text("table", options.table);
    ours.flag("init_table", options.init_table);
    ours.number("readers", options.connections.readers);
    ours.number("writers", options.connections.writers);
    options.dsn = std::move(split.url);
  }
  check(options.connections);
  Settings settings{.keywords = read_by_libpq(options.dsn),
                    .table = parse_table_name("postgres store: table", options.table),
                    .init_table = options.init_table,
                    .connections = std::move(options.connections)};
  check_target(settings);
  check_host(settings);
  check_port(settings);
  return settings;
}

}  // namespace flame::inline v0::session::postgres
