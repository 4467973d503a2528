#include "stores/redis/settings.hpp"

#include "redis_support.hpp"

namespace flame::session {
namespace {

using redis::settings_of;

std::string error_of_options(const redis::RedisOptions& options) {
  try {
    static_cast<void>(settings_of(options));
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::refused);
    return error.what();
  }
  return {};
}

TEST(RedisSettings, ReadAddresses) {
  struct {
    const char* addr;
    const char* host;
    std::uint16_t port;
    const char* socket;
    bool tls;
  } const table[] = {
      {"127.0.0.1:6379", "127.0.0.1", 6379, "", false},
      {"redis", "redis", 6379, "", false},
      {"redis:7000", "redis", 7000, "", false},
      {"[::1]:7000", "::1", 7000, "", false},
      {"[::1]", "::1", 6379, "", false},
      {"redis://db-1.example", "db-1.example", 6379, "", false},
      {"redis://db:7000/", "db", 7000, "", false},
      {"REDISS://db:7000", "db", 7000, "", true},
      {"redis://[::1]:7000", "::1", 7000, "", false},
      {"unix:/run/redis.sock", "", 6379, "/run/redis.sock", false},
      {"unix:///run/redis%20a.sock", "", 6379, "/run/redis a.sock", false},
  };
  for (const auto& row : table) {
    const auto settings = settings_of({.addr = row.addr});
    EXPECT_EQ(settings.host, row.host) << row.addr;
    EXPECT_EQ(settings.port, row.port) << row.addr;
    EXPECT_EQ(settings.socket, row.socket) << row.addr;
    EXPECT_EQ(settings.tls.enabled, row.tls) << row.addr;
    EXPECT_EQ(settings.key_prefix, "session") << row.addr;
  }
}

TEST(RedisSettings, ReadUrls) {
  const auto all = settings_of(
      {.addr = "rediss://us%65r:p%40ss@db:7000/15?key_prefix=shop&ca_file=/ca&certificate_file=/c&"
               "certificate_key_file=/k"});
  EXPECT_EQ(all.username, "user");
  EXPECT_EQ(all.password, "p@ss");
  EXPECT_EQ(all.db, 15U);
  EXPECT_EQ(all.key_prefix, "shop");
  EXPECT_EQ(all.tls.ca_file, "/ca");
  EXPECT_EQ(all.tls.certificate_file, "/c");
  EXPECT_EQ(all.tls.certificate_key_file, "/k");
  EXPECT_EQ(settings_of({.addr = "redis://:secret@db"}).password, "secret");
  EXPECT_EQ(settings_of({.addr = "unix:/run/redis.sock?db=3"}).db, 3U);
  // The same twice is no question.
  EXPECT_EQ(settings_of({.addr = "redis://db/4?db=4", .db = 4}).db, 4U);
  EXPECT_EQ(settings_of({.addr = "redis://db/0?db=0"}).db, 0U);
  EXPECT_EQ(settings_of({.addr = "redis://db", .key_prefix = "shop"}).key_prefix, "shop");
}

TEST(RedisSettings, NameWhatIsWrong) {
  const redis::TlsOptions tls{.enabled = true};
  const redis::TlsOptions half{.enabled = true, .certificate_file = "/c"};
  const ConnectionOptions file{.password_file = "/canary"};
  const std::pair<redis::RedisOptions, const char*> table[] = {
      {{.addr = ""}, "addr must be host:port"},
      {{.addr = ":6379"}, "addr must be host:port"},
      {{.addr = "canary:canary@db:6379"}, "addr must be host:port"},
      {{.addr = "::1"}, "addr must be host:port"},
      {{.addr = "[::1"}, "addr must be host:port"},
      {{.addr = "[::1]canary"}, "addr must be host:port"},
      {{.addr = "db:canary"}, "the port in addr must be 1 to 65535"},
      {{.addr = "db:0"}, "the port in addr must be 1 to 65535"},
      {{.addr = "db:65536"}, "the port in addr must be 1 to 65535"},
      {{.addr = "redis:"}, "addr must be host:port"},
      {{.addr = "rediss:"}, "addr must be host:port"},
      {{.addr = "redis:?db=canary"}, "addr must be host:port"},
      {{.addr = "redis://"}, "addr must be host:port"},
      {{.addr = "http://canary"}, "addr must be host:port"},
      {{.addr = "unix:"}, "addr must be host:port"},
      {{.addr = "unix://canary/x"}, "addr must be host:port"},
      {{.addr = "redis://:canary@db/canary"}, "the path of the URL in addr must be a database's"},
      {{.addr = "redis://:canary@db/1?db=2"}, "db is given twice"},
      {{.addr = "redis://:canary@db/0?db=3"}, "db is given twice"},
      {{.addr = "redis://:canary@db/3?db=0"}, "db is given twice"},
      {{.addr = "redis://db/1", .db = 2}, "db is given twice"},
      {{.addr = "redis://db/0", .db = 2}, "db is given twice"},
      {{.addr = "redis://:canary1@db", .password = "canary2"}, "password is given twice"},
      {{.addr = "redis://canary1:x@db", .username = "canary2"}, "username is given twice"},
      {{.addr = "redis://db?key_prefix=canary1", .key_prefix = "canary2"},
       "key_prefix is given twice"},
      {{.addr = "redis://:canary@db", .connections = file}, "a password is given, and connections"},
      {{.addr = "redis://db?key_prefix="}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = ""}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = std::string(65, 'x')}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = "can{ary"}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = "can*ary"}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = "can ary"}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = "canary\r\nFLUSHALL"}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = std::string("a\0b", 3)}, "key_prefix must be 1 to 64 printable"},
      {{.key_prefix = "\xc3\xa4"}, "key_prefix must be 1 to 64 printable"},
      {{.addr = "redis://db?ca_file=/canary"}, "files for TLS are given, but no TLS"},
      {{.addr = "unix:/canary", .tls = tls}, "a unix socket has no TLS"},
      {{.tls = half}, "certificate_file and certificate_key_file go together"},
  };
  for (const auto& [options, text] : table) {
    const auto said = error_of_options(options);
    EXPECT_TRUE(said.starts_with(std::string("redis store: ") + text)) << text << ": " << said;
    EXPECT_EQ(said.find("canary"), said.npos) << said;
    EXPECT_EQ(said.find('\n'), said.npos) << said;
  }
  EXPECT_EQ(error_of_options({.addr = "redis://db?canary=1"}).find("store URL `redis:`"), 0U);
  EXPECT_EQ(error_of_options({.addr = "redis://canary@canary@canary"}).find("canary"),
            std::string::npos);
  EXPECT_NE(error_of_options({.connections = {.readers = 0}}), "");
}

TEST(RedisSettings, WhatIsWrongIsSaidByConnect) {
  const auto store = redis::store({.addr = "db:0"});
  const auto connection = store->make_connection();
  EXPECT_EQ(tests::error_of([&] { connection->connect({}); }),
            "redis store: the port in addr must be 1 to 65535");
}

}  // namespace
}  // namespace flame::session
