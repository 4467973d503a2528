#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "support.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session::tests {
namespace {

using Kind = StoreError::Kind;

/// On a server of its own, whose settings and end are no other test's.
class PostgresOwnServer : public ::testing::Test {
 protected:
  void SetUp() override {
    start();
    if (url_.empty()) GTEST_SKIP() << "not run: PostgreSQL is not to be had here";
  }
  void TearDown() override {
    if (!url_.empty()) ask("stop postgres");
  }
  void start() {
    if (ask("start postgres")) url_ = ask("url postgres").value_or("");
  }
  std::optional<std::string> ask(const std::string& words) const {
    ::setenv("FLAME_SERVERS", (folder_.path() / "servers").c_str(), 1);
    auto answer = ask_servers(words);
    ::unsetenv("FLAME_SERVERS");
    return answer;
  }
  [[nodiscard]] std::unique_ptr<StoreConnection> connect(const std::string& more = {}) const {
    const auto store = postgres::store({.dsn = url_ + more, .init_table = true});
    return open_connection(*store, call());
  }
  static Call call() { return {TimePoint(1'800'000'000s), std::chrono::steady_clock::now() + 10s}; }
  static StoreOp operation(Verb verb, std::uint8_t number) {
    StoreOp op{.verb = verb};
    op.record.key.bytes[0] = std::byte{number};
    op.record.token = WriteToken{number};
    op.record.expires_at = call().now + 1h;
    return op;
  }
  static Outcome apply(StoreConnection& connection, Verb verb, std::uint8_t number) {
    auto op = operation(verb, number);
    connection.run({&op, 1}, call());
    return op.outcome;
  }
  /// Once a connection that is made now sees it.
  void set(const std::string& name, const std::string& value) {
    Admin admin(url_);
    admin.rows("SET synchronous_commit = local");
    admin.rows("ALTER SYSTEM SET " + name + " = '" + value + "'");
    admin.rows("SELECT pg_reload_conf()");
    while (Admin(url_).ask("SHOW " + name) != value) {
    }
  }

  const test_support::TemporaryFolder folder_{};
  std::string url_{};
};

TEST_F(PostgresOwnServer, WhatItConfirmedOutlivesItsKill) {
  const auto before = connect();
  EXPECT_EQ(apply(*before, Verb::create, 1), Outcome::done);
  ASSERT_EQ(::kill(static_cast<pid_t>(std::stol(ask("pid postgres").value())), SIGKILL), 0);
  start();
  EXPECT_TRUE(thrown_by([&] { apply(*before, Verb::create, 2); }).kind);
  const auto after = connect();
  EXPECT_EQ(apply(*after, Verb::load, 1), Outcome::done);
}

TEST_F(PostgresOwnServer, ACommitThatNoStandbyConfirmsIsNotDone) {
  connect().reset();
  set("synchronous_standby_names", "nobody");
  Admin admin(url_);
  std::uint8_t number = 0;
  for (const std::string end : {"pg_cancel_backend", "pg_terminate_backend"}) {
    const auto connection = connect();
    const auto waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    std::vector<StoreOp> batch{operation(Verb::create, ++number), operation(Verb::erase, 99)};
    auto running = std::async(std::launch::async, [&] {
      return thrown_by([&] { connection->run(batch, call()); }).kind;
    });
    const std::string pid = [&] {
      for (;;)
        if (const auto all = admin.rows(std::string("SELECT pid ") + waiting); !all.empty())
          return all.front();
    }();
    admin.rows("SELECT " + end + "(" + pid + ")");
    EXPECT_EQ(running.get(), Kind::unconfirmed) << end;
    EXPECT_EQ(batch[0].outcome, Outcome::unanswered);
    const auto next = connect();
    EXPECT_EQ(apply(*next, Verb::load, number), Outcome::done) << "others see it";
    EXPECT_EQ(apply(*next, Verb::touch, number), Outcome::done) << "a touch waits for nobody";
  }
}

class PostgresTls : public PostgresOwnServer {
 protected:
  void SetUp() override {
    PostgresOwnServer::SetUp();
    if (url_.empty()) return;
    if (::system("openssl version >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "not run: there is no openssl to make certificates with";
    make_authority("right");
    make_authority("other");
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_.path() / name; }
  static void run(const std::string& command) {
    ASSERT_EQ(::system((command + " >/dev/null 2>&1").c_str()), 0) << command;
  }
  void make_authority(const std::string& name) {
    run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=" + name + " -keyout " +
        file(name + ".key") + " -out " + file(name + ".crt"));
  }
  /// Gives the server a certificate for localhost.
  void certify(int days) {
    run("openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout " + file("server.key") +
        " -out " + file("server.csr"));
    run("openssl x509 -req -in " + file("server.csr") + " -CA " + file("right.crt") + " -CAkey " +
        file("right.key") + " -set_serial 1 -days " + std::to_string(days) + " -out " +
        file("server.crt"));
    Admin admin(url_);
    for (const std::string name : {"server.crt", "server.key"}) {
      std::ifstream in(file(name));
      const std::string pem{std::istreambuf_iterator<char>(in), {}};
      admin.rows("COPY (SELECT translate(encode('" + pem +
                 "', 'base64'), E'\\n', '')) TO PROGRAM "
                 "'umask 077; base64 -d > " +
                 name + "'");
    }
    set("ssl", "off");
    set("ssl", "on");
  }
  Thrown failure(const std::string& host, const std::string& more) {
    auto url = url_;
    url.replace(url.find('@') + 1, std::string("127.0.0.1").size(), host);
    return thrown_by([&] {
      const auto connection = postgres::store({.dsn = url + more})->make_connection();
      connection->connect(call());
    });
  }
};

TEST_F(PostgresTls, IsCheckedInFullWhereThatIsAskedFor) {
  certify(1);
  const auto full = "?sslmode=verify-full&sslrootcert=" + file("right.crt");
  EXPECT_EQ(failure("localhost", full).text, "");
  EXPECT_EQ(failure("127.0.0.1", full).kind, Kind::refused) << "another name";
  EXPECT_EQ(failure("localhost", "?sslmode=verify-full&sslrootcert=" + file("other.crt")).kind,
            Kind::refused);
  EXPECT_EQ(failure("127.0.0.1", "?sslmode=verify-ca&sslrootcert=" + file("right.crt")).text, "");
  const auto connection = connect(full + "&host=localhost");
  auto op = operation(Verb::create, 1);
  op.record.blob.assign(1 << 20, 'x');
  connection->run({&op, 1}, call());
  auto loaded = operation(Verb::load, 1);
  connection->run({&loaded, 1}, call());
  EXPECT_EQ(loaded.record.blob, op.record.blob);
  certify(-1);
  EXPECT_EQ(failure("localhost", full).kind, Kind::refused) << "out of date";
}

}  // namespace
}  // namespace flame::session::tests
