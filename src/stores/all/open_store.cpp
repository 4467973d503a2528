#include <algorithm>
#include <array>
#include <utility>

#include <flame/session/file.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/open_store.hpp>
#ifdef FLAME_SESSION_HAS_mongo
#include <flame/session/mongo.hpp>
#endif
#ifdef FLAME_SESSION_HAS_mysql
#include <flame/session/mysql.hpp>
#endif
#ifdef FLAME_SESSION_HAS_postgres
#include <flame/session/postgres.hpp>
#endif
#ifdef FLAME_SESSION_HAS_redis
#include <flame/session/redis.hpp>
#endif
#ifdef FLAME_SESSION_HAS_sqlite
#include <flame/session/sqlite.hpp>
#endif
#include <flame/session/store_url.hpp>

namespace flame::inline v0::session {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw StoreError(StoreError::Kind::refused, text);
}

// What the URL says wrong. Passwords can stand anywhere in a URL, so texts name its scheme and the
// names of parameters only.
class WrongUrl final : public Store {
 public:
  explicit WrongUrl(std::string text) : text_(std::move(text)) {}
  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Refusing>(text_);
  }
  [[nodiscard]] StoreTraits traits() const noexcept override { return {.blocking = false}; }

 private:
  class Refusing final : public StoreConnection {
   public:
    explicit Refusing(const std::string& text) : text_(text) {}
    void connect(const Call&) override { refuse(text_); }
    void run(std::span<StoreOp>, const Call&) override { refuse(text_); }
    std::size_t sweep(std::size_t, const Call&) override { refuse(text_); }
    OwnerPage list(std::string_view, std::string_view, std::size_t, const Call&) override {
      refuse(text_);
    }
    KeyPage scan(std::string_view, std::size_t, const Call&) override { refuse(text_); }

   private:
    std::string text_;
  };

  std::string text_;
};

[[maybe_unused, noreturn]] void left_out(const std::string& name, const std::string& server,
                                         const std::string& package) {
  refuse("store URL `" + name + ":`: this build has no " + server + " store: install " + package +
         ", build flame-session again, and link flame-session::stores or flame-session::" + name);
}

StorePtr open_memory(std::string_view url) {
  auto rest = url.substr(url.find(':') + 1);
  if (!rest.empty() && rest.front() != '?') {
    refuse("store URL `memory:`: it has no host or path: write memory: or memory:?max_sessions=N");
  }
  if (!rest.empty()) rest.remove_prefix(1);
  constexpr std::string_view known[] = {"max_sessions", "max_bytes"};
  const UrlParameters query("memory:", rest, known);
  memory::MemoryOptions options;
  query.number("max_sessions", options.max_sessions);
  query.number("max_bytes", options.max_bytes);
  return memory::store(options);
}

// RFC 8089: scheme:/path or scheme:///path. Nothing in it is decoded, so it has no question mark.
struct PathUrl {
  explicit PathUrl(std::string_view url) : path(url.substr(url.find(':') + 1)) {
    const auto question = std::min(path.find('?'), path.size());
    parameters = path.substr(std::min(question + 1, path.size()));
    path = path.substr(0, question);
  }
  [[nodiscard]] bool has_path() const noexcept {
    const bool has_host = path.starts_with("//") && !path.starts_with("///");
    return path.find_first_not_of('/') != path.npos && !has_host;
  }

  std::string_view path, parameters{};
};

constexpr std::pair<std::string_view, Durability> levels[] = {
    {"none", Durability::none},
    {"process_crash", Durability::process_crash},
    {"power_cut", Durability::power_cut}};

StorePtr open_file(std::string_view url) {
  const PathUrl parts(url);
  if (!parts.has_path() || parts.path.front() != '/') {
    refuse("store URL `file:`: it needs an absolute path: write file:/var/lib/NAME/sessions");
  }
  file::FileOptions options{.root_dir = parts.path};
  constexpr std::string_view known[] = {"durability"};
  UrlParameters("file:", parts.parameters, known)
      .choice<Durability>("durability", levels, options.durability);
  return file::store(std::move(options));
}

#ifdef FLAME_SESSION_HAS_sqlite
StorePtr open_sqlite(std::string_view url) {
  const PathUrl parts(url);
  if (!parts.has_path()) {
    refuse("store URL `sqlite:`: it needs a path: write sqlite:/var/lib/NAME/sessions.db");
  }
  sqlite::SqliteOptions options{.path = parts.path};
  constexpr std::string_view known[] = {"table", "init_table", "durability"};
  const UrlParameters query("sqlite:", parts.parameters, known);
  query.text("table", options.table);
  query.flag("init_table", options.init_table);
  query.choice<Durability>("durability", levels, options.durability);
  return sqlite::store(std::move(options));
}
#else
StorePtr open_sqlite(std::string_view) { left_out("sqlite", "SQLite", "libsqlite3-dev"); }
#endif

// What opens a server's URL: the whole of it is the store's to read.
#ifdef FLAME_SESSION_HAS_postgres
StorePtr open_postgres(std::string_view url) { return postgres::store({.dsn = std::string(url)}); }
#else
StorePtr open_postgres(std::string_view) { left_out("postgres", "PostgreSQL", "libpq-dev"); }
#endif
#ifdef FLAME_SESSION_HAS_mysql
StorePtr open_mysql(std::string_view url) { return mysql::store({.dsn = std::string(url)}); }
#else
StorePtr open_mysql(std::string_view) { left_out("mysql", "MySQL", "libmariadb-dev"); }
#endif
#ifdef FLAME_SESSION_HAS_redis
StorePtr open_redis(std::string_view url) { return redis::store({.addr = std::string(url)}); }
#else
StorePtr open_redis(std::string_view) { left_out("redis", "Redis", "libhiredis-dev"); }
#endif
#ifdef FLAME_SESSION_HAS_mongo
StorePtr open_mongo(std::string_view url) { return mongo::store({.uri = std::string(url)}); }
#else
StorePtr open_mongo(std::string_view) { left_out("mongodb", "MongoDB", "libmongoc-dev"); }
#endif

struct Scheme {
  std::string_view name;
  StorePtr (*open)(std::string_view url);  // throws StoreError
};
constexpr std::array schemes{
    Scheme{"memory:", open_memory},       Scheme{"file:", open_file},
    Scheme{"sqlite:", open_sqlite},       Scheme{"postgres:", open_postgres},
    Scheme{"postgresql:", open_postgres}, Scheme{"mysql:", open_mysql},
    Scheme{"redis:", open_redis},         Scheme{"rediss:", open_redis},
    Scheme{"unix:", open_redis},          Scheme{"mongodb:", open_mongo},
    Scheme{"mongodb+srv:", open_mongo},
};

// What people and other libraries call the same servers.
struct OtherName {
  std::string_view name, ours;
};
constexpr std::array other_names{
    OtherName{"mariadb:", "mysql:"},  OtherName{"valkey:", "redis:"},
    OtherName{"valkeys:", "rediss:"}, OtherName{"pgsql:", "postgres:"},
    OtherName{"sqlite3:", "sqlite:"}, OtherName{"mongo:", "mongodb:"},
};

std::string known_schemes() {
  std::string all;
  for (const auto& scheme : schemes) all.append(all.empty() ? "" : ", ").append(scheme.name);
  return all;
}

// RFC 3986, 3.1. Anything else before a colon may be a password: it is not repeated.
bool is_scheme(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && letters.find(text.front()) != letters.npos &&
         std::ranges::all_of(text, [&](char c) {
           return letters.find(c) != letters.npos || (c >= '0' && c <= '9') ||
                  std::string_view("+-.").find(c) != std::string_view::npos;
         });
}

constexpr std::string_view from_environment =
    ": set the environment variable that it comes from, or choose a store where that is missing: "
    "open_store(url ? url : \"memory:\")";

StorePtr open(std::string_view url) {
  if (url.empty()) refuse("store URL is empty" + std::string(from_environment));
  const auto colon = url.find(':');
  if (colon == url.npos || !is_scheme(url.substr(0, colon))) {
    refuse("store URL without a scheme: this build knows " + known_schemes());
  }
  const auto name = url.substr(0, colon + 1);
  for (const auto& scheme : schemes) {
    if (scheme.name == name) return scheme.open(url);
  }
  const auto other = std::ranges::find(other_names, name, &OtherName::name);
  const auto remedy = other == other_names.end() ? "this build knows " + known_schemes()
                                                 : "write " + std::string(other->ours);
  refuse("unknown store URL scheme `" + std::string(name) + "`: " + remedy);
}

}  // namespace

StorePtr open_store(std::string_view url) {
  try {
    return open(url);
  } catch (const StoreError& error) {
    return std::make_shared<WrongUrl>(error.what());
  }
}

StorePtr open_store(const char* url) {
  if (url != nullptr) return open_store(std::string_view(url));
  return std::make_shared<WrongUrl>("store URL is a null pointer" + std::string(from_environment));
}

}  // namespace flame::inline v0::session
