#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <flame/session/postgres.hpp>

#include "one_connection.hpp"
#include "server.hpp"
#include "store_calls.hpp"

namespace flame::session::tests {

using namespace std::chrono_literals;
using postgres::PostgresOptions;

/// What a test does to the server beside the store: as an administrator, on a connection of its
/// own.
class Admin {
 public:
  explicit Admin(const std::string& url) : connection_(PQconnectdb(url.c_str()), &PQfinish) {
    PQsetNoticeProcessor(
        connection_.get(), [](void*, const char*) {}, nullptr);
    if (PQstatus(connection_.get()) != CONNECTION_OK)
      throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
  /// The first column of each row.
  std::vector<std::string> rows(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_.get(), sql.c_str()), &PQclear);
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      throw std::runtime_error(sql + ": " + PQerrorMessage(connection_.get()));
    std::vector<std::string> all;
    for (int row = 0; row < PQntuples(result.get()); ++row)
      all.emplace_back(PQgetvalue(result.get(), row, 0));
    return all;
  }
  std::string ask(const std::string& sql) {
    const auto all = rows(sql);
    return all.empty() ? std::string() : all.front();
  }
  [[nodiscard]] int pid() const { return PQbackendPID(connection_.get()); }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

/// The server, with a schema for this process that ends with it. Null where there is none.
class Server {
 public:
  static Server* get() {
    static const auto server = [] {
      const auto url = server_url("postgres");
      return url ? std::unique_ptr<Server>(new Server(*url)) : nullptr;
    }();
    return server.get();
  }
  ~Server() { admin.rows("DROP SCHEMA " + schema + " CASCADE"); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// A name that no other test has, with its schema.
  std::string new_table() { return schema + ".t" + std::to_string(++tables_); }
  /// The application's name finds a test's own connections among all.
  PostgresOptions options() {
    return {.dsn = url,
            .table = new_table(),
            .init_table = true,
            .connections = {.application_name = schema + "_" + std::to_string(tables_)}};
  }

  const std::string url;
  const std::string schema = "test_" + std::to_string(::getpid());
  Admin admin{url};

 private:
  explicit Server(std::string address) : url(std::move(address)) {
    admin.rows("CREATE SCHEMA " + schema);
  }
  int tables_ = 0;
};

/// A store in a new table, with one connection.
class PostgresTest : public ::testing::Test, protected OneConnection {
 protected:
  void SetUp() override {
    server_ = Server::get();
    if (!server_) GTEST_SKIP() << "not run: PostgreSQL is not to be had here";
    options_ = server_->options();
    open();
  }
  void open() {
    store_ = postgres::store(options_);
    connection_ = open_connection(*store_, at(0s));
    const auto all = backends();
    backend_ = all.empty() ? std::string() : all.back();
  }
  [[nodiscard]] Admin& admin() { return server_->admin; }
  [[nodiscard]] const std::string& table() const { return options_.table; }

  StoreOp apply(Verb verb, const Record& r, WriteToken expected = {}) {
    StoreOp op{verb, r, expected, {}};
    connection_->run({&op, 1}, at(0s));
    return op;
  }
  [[nodiscard]] Thrown failure_to_open() const {
    return thrown_by(
        [&] { static_cast<void>(open_connection(*postgres::store(options_), at(0s))); });
  }
  /// The server's processes for connections of stores, the newest last.
  std::vector<std::string> backends() {
    return admin().rows("SELECT pid FROM pg_stat_activity WHERE application_name = '" + name() +
                        "' ORDER BY backend_start");
  }
  [[nodiscard]] const std::string& name() const { return options_.connections.application_name; }

  Server* server_ = nullptr;
  PostgresOptions options_{};
  std::string backend_{};  // the server's process for the connection
};

}  // namespace flame::session::tests
