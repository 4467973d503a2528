#pragma once

#include <gtest/gtest.h>
#include <mysql.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <flame/session/mysql.hpp>
#include <flame/session/test_support/seeded_random.hpp>

#include "server.hpp"
#include "store_calls.hpp"
#include "stores/mysql/dsn.hpp"

namespace flame::session::mysql {

using tests::sort, tests::Thrown, tests::thrown_by;

using namespace std::chrono_literals;

/// Numbers of processes come again, on servers that stay.
inline std::string new_table_name() {
  static std::random_device random;
  return "test_" + std::to_string(random()) + "_" + std::to_string(random());
}

/// A connection of an administrator's, beside the store's.
class Admin {
 public:
  explicit Admin(const std::string& url) {
    const auto dsn = parse_dsn(url);
    if (!mysql_real_connect(mysql_.get(), dsn.host.empty() ? nullptr : dsn.host.c_str(),
                            dsn.user.c_str(), dsn.password.value_or("").c_str(),
                            dsn.database.c_str(), dsn.port,
                            dsn.socket.empty() ? nullptr : dsn.socket.c_str(), 0))
      fail();
  }

  std::vector<std::vector<std::string>> rows(const std::string& sql) {
    if (mysql_real_query(mysql_.get(), sql.data(), sql.size()) != 0) fail();
    std::vector<std::vector<std::string>> all;
    auto* const result = mysql_store_result(mysql_.get());
    if (!result) return all;
    while (const MYSQL_ROW row = mysql_fetch_row(result)) {
      auto& values = all.emplace_back();
      for (unsigned i = 0; i < mysql_num_fields(result); ++i)
        values.emplace_back(row[i] ? row[i] : "NULL");
    }
    mysql_free_result(result);
    return all;
  }
  void run(const std::string& sql) { static_cast<void>(rows(sql)); }
  std::string value(const std::string& sql) { return rows(sql).at(0).at(0); }

 private:
  struct Close {
    void operator()(MYSQL* mysql) const noexcept { mysql_close(mysql); }
  };
  [[noreturn]] void fail() { throw std::runtime_error(mysql_error(mysql_.get())); }
  std::unique_ptr<MYSQL, Close> mysql_{mysql_init(nullptr)};
};

/// Drops what store_in_new_table() made, after the last test: at the exit of the program the driver
/// connects no more.
class MadeTables : public ::testing::Environment {
 public:
  void TearDown() override {
    for (const auto& [url, table] : all) Admin(url).run("DROP TABLE IF EXISTS " + table);
  }
  std::vector<std::pair<std::string, std::string>> all{};
};

/// Null where there is no such server.
inline StorePtr store_in_new_table(const std::string& server) {
  static auto* const made = new MadeTables;  // GoogleTest's from here on
  static const auto* const known = ::testing::AddGlobalTestEnvironment(made);
  static_cast<void>(known);
  const auto url = tests::server_url(server);
  if (!url) return nullptr;
  const auto& [_, table] = made->all.emplace_back(*url, new_table_name());
  return store({.dsn = *url, .table = table, .init_table = true});
}

inline Call call_now(std::chrono::milliseconds patience = 10s) {
  return {TimePoint{1'800'000'000s}, std::chrono::steady_clock::now() + patience};
}

inline Record record_of(std::uint64_t number, std::string owner = {}) {
  SessionKey key;
  EXPECT_TRUE(test_support::SeededRandom(number).fill(key.bytes));
  const auto now = call_now().now;
  return {key,         WriteToken{number + 1},          std::move(owner), now, now,
          now + 1000s, "blob " + std::to_string(number)};
}

/// As SQL writes bytes.
inline std::string literal(const SessionKey& key) {
  std::string text = "x'";
  for (const auto byte : key.bytes) {
    constexpr auto digits = "0123456789abcdef";
    text += digits[std::to_integer<int>(byte) >> 4];
    text += digits[std::to_integer<int>(byte) & 15];
  }
  return text + "'";
}

inline StoreOp apply(StoreConnection& connection, Verb verb, Record record,
                     WriteToken expected = {}, const Call& call = call_now()) {
  StoreOp op{verb, std::move(record), expected, {}};
  connection.run({&op, 1}, call);
  return op;
}

/// A store in a table of its own, on each server that is to be had.
class MysqlTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto url = tests::server_url(GetParam());
    if (!url) GTEST_SKIP() << "not run: this server is not to be had here";
    url_ = *url;
    admin_ = std::make_unique<Admin>(url_);
    store_ = store({.dsn = url_, .table = table_, .init_table = true});
    connection_ = open_connection(*store_, call_now());
  }
  void TearDown() override {
    connection_.reset();
    if (!admin_) return;
    admin_->run("DROP TABLE IF EXISTS " + table_);
    for (const auto& user : users_) admin_->run("DROP USER IF EXISTS " + user);
  }

  /// Who may do this much with the table; answers the DSN.
  std::string new_user(const std::string& rights, const std::string& password = "pass") {
    const auto name = table_ + "_u" + std::to_string(users_.size());
    users_.push_back("'" + name + "'@'%'");
    admin_->run("CREATE USER " + users_.back() + " IDENTIFIED BY '" + password + "'");
    if (!rights.empty()) admin_->run("GRANT " + rights + " ON " + table_ + " TO " + users_.back());
    return dsn_of(name, password);
  }
  [[nodiscard]] std::string dsn_of(const std::string& user, const std::string& password,
                                   std::optional<int> port = {}) const {
    const auto dsn = parse_dsn(url_);
    return user + ":" + password + "@tcp(" + dsn.host + ":" +
           std::to_string(port.value_or(dsn.port)) + ")/" + dsn.database;
  }
  /// The server's URL with another port.
  [[nodiscard]] std::string dsn_through(int port) const {
    const auto dsn = parse_dsn(url_);
    return dsn_of(dsn.user, dsn.password.value_or(""), port);
  }
  [[nodiscard]] std::unique_ptr<StoreConnection> connect_to(const std::string& dsn) const {
    return open_connection(*store({.dsn = dsn, .table = table_}), call_now());
  }
  void create(std::uint64_t from, std::uint64_t to, const std::string& owner = {}) {
    for (auto number = from; number < to; ++number)
      EXPECT_EQ(apply(*connection_, Verb::create, record_of(number, owner)).outcome, Outcome::done);
  }
  Outcome load(StoreConnection& connection, std::uint64_t number) {
    return apply(connection, Verb::load, {.key = record_of(number).key}).outcome;
  }

  const std::string table_ = new_table_name();
  std::string url_{};
  std::unique_ptr<Admin> admin_{};
  std::vector<std::string> users_{};
  StorePtr store_{};
  std::unique_ptr<StoreConnection> connection_{};
};

#define FLAME_ON_EACH_SERVER(suite)                                               \
  INSTANTIATE_TEST_SUITE_P(Servers, suite, ::testing::Values("mariadb", "mysql"), \
                           [](const auto& test) { return std::string(test.param); })

}  // namespace flame::session::mysql
