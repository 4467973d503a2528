#include "settings.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <flame/session/store_url.hpp>

#include "failure.hpp"
#include "look_up.hpp"

namespace flame::inline v0::session::mongo {
namespace {

/// In lower case, as all are compared: MongoDB's names of parameters have no case.
constexpr std::array<std::string_view, 4> ours{"collection", "init_collection", "readers",
                                               "writers"};
constexpr std::array<std::string_view, 15> of_the_driver{"appname",
                                                         "authmechanism",
                                                         "authmechanismproperties",
                                                         "authsource",
                                                         "compressors",
                                                         "directconnection",
                                                         "replicaset",
                                                         "srvmaxhosts",
                                                         "srvservicename",
                                                         "ssl",
                                                         "tls",
                                                         "tlscafile",
                                                         "tlscertificatekeyfile",
                                                         "tlscertificatekeyfilepassword",
                                                         "zlibcompressionlevel"};
/// What each command of ours says itself.
constexpr std::array<std::string_view, 5> of_commands{"w", "journal", "wtimeoutms",
                                                      "readconcernlevel", "readpreference"};
/// What the runner, its deadlines and its connections decide.
constexpr std::array<std::string_view, 16> without_use{"connecttimeoutms",
                                                       "heartbeatfrequencyms",
                                                       "localthresholdms",
                                                       "maxidletimems",
                                                       "maxpoolsize",
                                                       "maxstalenessseconds",
                                                       "minpoolsize",
                                                       "readpreferencetags",
                                                       "retryreads",
                                                       "retrywrites",
                                                       "serverselectiontimeoutms",
                                                       "serverselectiontryonce",
                                                       "socketcheckintervalms",
                                                       "sockettimeoutms",
                                                       "waitqueuemultiple",
                                                       "waitqueuetimeoutms"};
constexpr std::array<std::string_view, 6> less_tls{"tlsinsecure",
                                                   "tlsallowinvalidcertificates",
                                                   "tlsallowinvalidhostnames",
                                                   "tlsdisablecertificaterevocationcheck",
                                                   "sslallowinvalidcertificates",
                                                   "sslallowinvalidhostnames"};

[[noreturn]] void wrong(const std::string& text) { refuse("mongo store: " + text); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

/// Where a URI's parameters begin: a password may have a question mark.
std::size_t query_of(std::string_view uri) {
  auto from = uri.find("://") + 3;
  const auto credentials = uri.find_first_of("@/", from);
  if (credentials != uri.npos && uri[credentials] == '@') from = credentials;
  return std::min(uri.find('?', from), uri.size());
}

struct SplitUri {
  std::string place{};  ///< all before the parameters
  std::string own{};
  std::vector<std::string> driver{}, commands{}, unused{};

  /// What the driver can read.
  [[nodiscard]] std::string uri(bool with_commands) const {
    auto all = driver;
    if (with_commands) all.insert(all.end(), commands.begin(), commands.end());
    std::string out = place;
    if (!all.empty() && out.find('/', out.find("://") + 3) == std::string::npos) out += '/';
    for (const auto& each : all) out.append(&each == &all.front() ? "?" : "&").append(each);
    return out;
  }
};

void sort_in(std::string_view parameter, SplitUri& out) {
  // It separated parameters once: now it would be a part of the value, and nobody told.
  if (parameter.find(';') != parameter.npos)
    wrong("the URI has a ; among its parameters: write & between them, and %3B within one");
  const auto name = lower(parameter.substr(0, parameter.find('=')));
  if (is_one_of(name, ours)) {
    out.own.append(out.own.empty() ? "" : "&").append(parameter);
  } else if (is_one_of(name, without_use)) {
    out.unused.push_back(name);
  } else if (is_one_of(name, less_tls)) {
    wrong("`" + name + "` would give up what TLS is for: leave it out, and set tlsCAFile");
  } else if (is_one_of(name, of_the_driver)) {
    out.driver.emplace_back(parameter);
  } else if (is_one_of(name, of_commands)) {
    out.commands.emplace_back(parameter);
  } else {
    wrong(
        "the URI has a parameter that is not known, or a / ? or @ of a user or password that is "
        "not written as %2F, %3F or %40");
  }
}

void refuse_twice(const SplitUri& uri) {
  std::vector<std::string> names;
  for (const auto* all : {&uri.driver, &uri.commands})
    for (const auto& each : *all) names.push_back(lower(each.substr(0, each.find('='))));
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) wrong("`" + *twice + "` is given twice in the URI");
}

SplitUri split(std::string_view uri) {
  const auto begin = query_of(uri);
  SplitUri out{.place = std::string(uri.substr(0, begin))};
  for (auto rest = uri.substr(begin); !rest.empty();) {
    rest.remove_prefix(1);  // ? or &
    const auto each = rest.substr(0, rest.find('&'));
    rest.remove_prefix(each.size());
    if (!each.empty()) sort_in(each, out);
  }
  refuse_twice(out);
  return out;
}

Uri parse(const std::string& text) {
  bson_error_t error;  // its words may be a part of the password
  Uri uri(mongoc_uri_new_with_error(text.c_str(), &error));
  if (uri) return uri;
  wrong(
      "the driver cannot read the uri: write mongodb://user:password@host:port/database?…, with "
      "what is special in user and password as %XX; the store's README names the parameters");
}

std::string option(const mongoc_uri_t& uri, const char* name) {
  const auto* const text = mongoc_uri_get_option_as_utf8(&uri, name, "");
  return text ? text : "";
}

/// The driver leaves out what it does not know, and tells nobody.
void check_compressors(const SplitUri& parts, const mongoc_uri_t& uri) {
  constexpr std::string_view name = "compressors=";
  for (const auto& each : parts.driver) {
    if (!lower(each).starts_with(name)) continue;
    std::size_t wanted = 1;
    for (const auto* const comma : {",", "%2c"})
      for (auto at = lower(each).find(comma); at != std::string::npos;
           at = lower(each).find(comma, at + 1))
        ++wanted;
    if (bson_count_keys(mongoc_uri_get_compressors(&uri)) == wanted) continue;
    wrong(
        "compressors must be some of snappy, zlib and zstd, with commas between, and those that "
        "the driver was built with");
  }
}

std::string write_of(const mongoc_uri_t& uri) {
  const auto* const given = mongoc_uri_get_write_concern(&uri);
  switch (const auto w = mongoc_write_concern_get_w(given); w) {
    case MONGOC_WRITE_CONCERN_W_DEFAULT:
    case MONGOC_WRITE_CONCERN_W_MAJORITY:
      return "majority";
    case MONGOC_WRITE_CONCERN_W_TAG:
      return mongoc_write_concern_get_wtag(given);
    default:
      if (w < 1 || w > 50)
        wrong("w must be majority, a tag, or 1 to 50: others say nothing of a write");
      return std::to_string(w);
  }
}

Concerns concerns_of(const mongoc_uri_t& uri) {
  Concerns out;
  out.write = write_of(uri);
  out.journal = mongoc_uri_get_option_as_bool(&uri, MONGOC_URI_JOURNAL, true);
  const auto wait = mongoc_uri_get_option_as_int64(&uri, MONGOC_URI_WTIMEOUTMS, 0);
  if (wait < 0 || wait > 1'000'000) wrong("wtimeoutMS must be 0 to 1000000");
  if (wait > 0) out.wait = wait;
  if (const auto* level = mongoc_read_concern_get_level(mongoc_uri_get_read_concern(&uri)))
    out.read = level;
  constexpr std::array<std::string_view, 3> levels{"majority", "linearizable", "local"};
  if (!is_one_of(out.read, levels))
    wrong("readConcernLevel must be majority, linearizable or local");
  if (mongoc_read_prefs_get_mode(mongoc_uri_get_read_prefs_t(&uri)) != MONGOC_READ_PRIMARY)
    wrong("readPreference must be primary, or left out: sessions are read where they are written");
  return out;
}

void warn_of(const Concerns& concerns, std::vector<std::string>& warnings) {
  if (concerns.write == "1" || !concerns.journal)
    warnings.push_back(
        "mongo store: a save may be lost with the server: leave w and journal out of the URI");
  if (concerns.read == "local")
    warnings.push_back(
        "mongo store: readConcernLevel=local may show what a failover takes back: leave it out");
}

std::string database_of(const MongoOptions& options, const mongoc_uri_t& uri) {
  const auto* const in_uri = mongoc_uri_get_database(&uri);
  const std::string name = options.database.empty() && in_uri ? in_uri : options.database;
  if (name.empty()) wrong("no database is named: set database, or write mongodb://host/NAME");
  const bool fits = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (!fits || name.size() > 63)
    wrong("the database's name must be 1 to 63 letters, digits, _ or -");
  return name;
}

std::string collection_of(const std::string& name) {
  const auto parts = parse_table_name("mongo store: collection", name);
  return parts.schema.empty() ? parts.table : parts.schema + "." + parts.table;
}

/// Sent with no user, it would be left out, and nobody told.
void check_password(const ConnectionOptions& connections, const mongoc_uri_t& uri) {
  if (!connections.password && connections.password_file.empty()) return;
  if (!mongoc_uri_get_username(&uri))
    wrong(
        "connections has a password, and the uri no user: write mongodb://user@host/database, or "
        "leave the password out");
}

void check_readable(const std::string& file, const char* name) {
  std::error_code unreadable;
  if (!file.empty() && !std::filesystem::is_regular_file(file, unreadable))
    wrong(std::string(name) + " names no file");
}

void read_tls(const mongoc_uri_t& uri, Settings& out) {
  out.tls = mongoc_uri_get_tls(&uri);
  out.ca_file = option(uri, MONGOC_URI_TLSCAFILE);
  out.certificate_file = option(uri, MONGOC_URI_TLSCERTIFICATEKEYFILE);
  out.certificate_password = option(uri, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD);
  check_readable(out.ca_file, "tlsCAFile");
  check_readable(out.certificate_file, "tlsCertificateKeyFile");
}

std::size_t count_hosts(const mongoc_uri_t& uri) {
  std::size_t hosts = 0;
  for (const auto* host = mongoc_uri_get_hosts(&uri); host; host = host->next) ++hosts;
  return std::max<std::size_t>(hosts, 1);
}

}  // namespace

Settings read_settings(MongoOptions options) {
  const bool srv = options.uri.starts_with("mongodb+srv://");
  if (!srv && !options.uri.starts_with("mongodb://"))
    wrong("uri must begin with mongodb:// or mongodb+srv://");
  if (options.uri.find('\0') != std::string::npos) wrong("the uri has a zero byte");
  auto parts = split(options.uri);
  const UrlParameters own("mongodb:", parts.own, ours);
  own.text("collection", options.collection);
  own.flag("init_collection", options.init_collection);
  own.number("readers", options.connections.readers);
  own.number("writers", options.connections.writers);
  check(options.connections);
  const auto uri = parse(parts.uri(true));
  check_compressors(parts, *uri);
  check_password(options.connections, *uri);
  Settings out{.uri = parts.uri(false),
               .database = database_of(options, *uri),
               .collection = collection_of(options.collection),
               .init_collection = options.init_collection,
               .srv = srv,
               .hosts = count_hosts(*uri),
               .concerns = concerns_of(*uri),
               .connections = std::move(options.connections)};
  read_tls(*uri, out);
  warn_of(out.concerns, out.warnings);
  std::string unused;
  for (const auto& name : parts.unused) unused.append(unused.empty() ? "" : ", ").append(name);
  if (!unused.empty())
    out.warnings.push_back("mongo store: parameters of the URI have no use here: leave out " +
                           unused);
  return out;
}

}  // namespace flame::inline v0::session::mongo
