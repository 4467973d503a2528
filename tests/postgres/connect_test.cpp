#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <thread>

#include "fake_server.hpp"
#include "support.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session::tests {
namespace {

using Kind = StoreError::Kind;

/// Takes connections, as a system does, and never says a word.
class Silence {
 public:
  Silence() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Silence() { ::close(socket_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  [[nodiscard]] std::string port() const { return std::to_string(port_); }

 private:
  const int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
};

class PostgresConnect : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (!server_) return;
    role_ = "canary_" + server_->schema;
    admin().rows("CREATE ROLE " + role_ + " SUPERUSER LOGIN PASSWORD 'canary1'");
  }
  void TearDown() override {
    connection_.reset();
    if (!server_) return;
    admin().rows("DROP OWNED BY " + role_);
    admin().rows("DROP ROLE " + role_);
  }
  /// The server's URL with another user, password, host or database.
  [[nodiscard]] std::string url(const std::string& user, const std::string& more = {}) const {
    const auto& all = server_->url;
    return "postgres://" + user + all.substr(all.find('@')) + more;
  }
  [[nodiscard]] std::string port() const {
    const auto& all = server_->url;
    const auto from = all.rfind(':') + 1;
    return all.substr(from, all.find('/', from) - from);
  }
  void expect_refused(const PostgresOptions& options, const std::string& code) {
    options_ = options;
    const auto [kind, text] = failure_to_open();
    EXPECT_EQ(kind, Kind::refused) << text;
    EXPECT_NE(text.find(code), text.npos) << text;
    EXPECT_EQ(text.find("canary"), text.npos) << text;
    EXPECT_EQ(text.find('\n'), text.npos) << text;
  }

  std::string role_{};
};

TEST_F(PostgresConnect, WhatTheServerDoesNotKnowIsRefusedInOneLine) {
  expect_refused({.dsn = url(role_ + ":canary2")}, "28P01");
  expect_refused({.dsn = url(role_)}, "password");
  expect_refused({.dsn = url("canary:canary")}, "28P01");
  expect_refused({.dsn = "postgres://" + role_ + ":canary1@127.0.0.1:" + port() + "/canary"},
                 "3D000");
  expect_refused({.dsn = url(role_ + ":canary1", "?sslmode=canary")}, "libpq");
  expect_refused({.dsn = url(role_ + ":canary1", "?sslmode=require")}, "TLS");
  expect_refused({.dsn = url(role_ + ":canary1", "?sslmode=verify-full&sslrootcert=/canary")},
                 "TLS");
}

TEST_F(PostgresConnect, AServerOfAnotherKindIsToldAsThat) {
  const Silence silent;
  options_.dsn = "host=127.0.0.1 port=" + silent.port();
  const auto connection = postgres::store(options_)->make_connection();
  auto text = thrown_by([&] { connection->connect(at(0s, 100ms)); }).text;
  EXPECT_NE(text.find("127.0.0.1:" + silent.port() +
                      " took the connection and did not answer in time as a PostgreSQL server"),
            text.npos)
      << text;
  const auto other_port = static_cast<std::uint16_t>(free_port());
  const FakeServer other(
      [](int descriptor) {
        FakeServer::hear(descriptor);
        FakeServer::say(descriptor, "-ERR unknown command\r\n");
      },
      other_port);
  for (const auto* mode : {"", " sslmode=disable", " sslmode=require"}) {
    options_.dsn = "host=127.0.0.1 port=" + std::to_string(other_port) + mode;
    text = failure_to_open().text;
    EXPECT_NE(text.find("127.0.0.1:" + std::to_string(other_port) +
                        " took the connection and did not answer as a PostgreSQL server"),
              text.npos)
        << text;
  }
}

TEST_F(PostgresConnect, APasswordThatChangesIsSeen) {
  auto password = std::make_shared<std::string>("canary1");
  const test_support::TemporaryFolder folder;
  const auto file = folder.path() / "password";
  const auto write = [&] { std::ofstream(file) << *password << "\n"; };
  write();
  PostgresOptions by_function = server_->options(), by_file = by_function;
  by_function.dsn = by_file.dsn = url(role_);
  by_function.connections.password = [password] { return *password; };
  by_file.connections.password_file = file;
  for (const auto& options : {by_function, by_file}) {
    options_ = options;
    EXPECT_EQ(failure_to_open().text, "");
    admin().rows("ALTER ROLE " + role_ + " PASSWORD 'canary3'");
    EXPECT_EQ(failure_to_open().kind, Kind::refused);
    *password = "canary3";
    write();
    EXPECT_EQ(failure_to_open().text, "");
    admin().rows("ALTER ROLE " + role_ + " PASSWORD 'canary1'");
    *password = "canary1";
    write();
  }
}

TEST_F(PostgresConnect, AServerThatTakesNoWritesIsTheWrongOne) {
  options_.dsn = url(role_ + ":canary1");
  admin().rows("ALTER ROLE " + role_ + " SET default_transaction_read_only = on");
  EXPECT_EQ(failure_to_open().kind, Kind::away);
  admin().rows("ALTER ROLE " + role_ + " RESET default_transaction_read_only");
  EXPECT_EQ(failure_to_open().text, "");
}

TEST_F(PostgresConnect, OfSeveralHostsTheOneThatAnswersIsTaken) {
  const Silence silent;
  const auto hosts = [&](const std::string& list) {
    auto all = server_->url;
    const auto from = all.find('@') + 1;
    all.replace(from, all.find('/', from) - from, list);
    options_.dsn = all;
    return failure_to_open().text;
  };
  EXPECT_EQ(hosts("127.0.0.1:1,127.0.0.1:" + port()), "");
  EXPECT_EQ(hosts("127.0.0.1:" + port() + ",127.0.0.1:1"), "");
  EXPECT_EQ(hosts("name.invalid:1,127.0.0.1:" + port()), "");
  EXPECT_EQ(hosts("localhost:" + port()), "");
  options_.dsn = "host=127.0.0.1,127.0.0.1 port=1," + silent.port();
  const auto connection = postgres::store(options_)->make_connection();
  EXPECT_EQ(thrown_by([&] { connection->connect(at(0s, 200ms)); }).kind, Kind::connection_lost);
  // One that says nothing leaves the next its share of the time.
  auto both = server_->url;
  both.insert(both.find('@') + 1, "127.0.0.1:" + silent.port() + ",");
  options_.dsn = both;
  const auto second = postgres::store(options_)->make_connection();
  EXPECT_EQ(thrown_by([&] { second->connect(at(0s, 2s)); }).text, "");
}

TEST_F(PostgresConnect, AServerThatIsDownIsNoReasonToRefuseAStart) {
  options_.dsn = "postgres://127.0.0.1:1/d";
  EXPECT_EQ(failure_to_open().kind, Kind::connection_lost);
  options_.dsn = "host=/nowhere";
  EXPECT_EQ(failure_to_open().kind, Kind::connection_lost);
}

TEST_F(PostgresConnect, AnAbortEndsAConnect) {
  const Silence silent;
  options_.dsn = "postgres://127.0.0.1:" + silent.port() + "/d";
  for (const bool before : {true, false}) {
    const auto connection = postgres::store(options_)->make_connection();
    if (before) connection->abort();
    std::jthread other([&] {
      if (!before) connection->abort();
    });
    EXPECT_EQ(thrown_by([&] { connection->connect({start, {}}); }).kind, Kind::connection_lost);
  }
}

TEST_F(PostgresConnect, TheApplicationIsNamed) {
  const auto count = [&](const std::string& other) {
    return admin().ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + other +
                       "'");
  };
  EXPECT_EQ(count(name()), "1");
  options_.dsn = server_->url + "?application_name=" + name() + "_other";
  open();
  EXPECT_EQ(count(name() + "_other"), "1") << "the dsn's name goes before";
}

TEST_F(PostgresConnect, TouchingNothingComesFirst) {
  const auto store = postgres::store({.dsn = "canary"});
  const auto connection = store->make_connection();
  EXPECT_EQ(thrown_by([&] { connection->connect({}); }).kind, Kind::refused);
  StoreOp op{.verb = Verb::load};
  EXPECT_EQ(thrown_by([&] { connection->run({&op, 1}, {}); }).kind, Kind::connection_lost);
}

// Behind a name stands a pooler today, and a server tomorrow.
TEST(PostgresOptionsRefused, AreAskedForAgain) {
  using namespace std::string_literals;
  const auto message = [](char type, const std::string& body) {
    return type + "\0\0\0"s + static_cast<char>(4 + body.size()) + body;
  };
  const auto refusal = message('E', "SFATAL\0VFATAL\0C08P01\0Mcanary\0\0"s);
  const auto welcome = message('R', "\0\0\0\0"s) + message('Z', "I");
  std::vector<std::string> heard;
  {
    const auto port = free_port();
    const FakeServer server(
        [&](int client) {
          heard.push_back(FakeServer::hear(client));
          const bool first = heard.size() == 1;
          FakeServer::say(client, first ? refusal : welcome);
          if (!first) FakeServer::hear(client);
        },
        static_cast<std::uint16_t>(port));
    const auto store = postgres::store(
        {.dsn = "postgres://u@127.0.0.1:" + std::to_string(port) + "/d?sslmode=disable"});
    const Call call{{}, std::chrono::steady_clock::now() + 10s};
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(thrown_by([&] { store->make_connection()->connect(call); }).kind,
                Kind::connection_lost);
  }
  std::vector<bool> with_options;
  for (const auto& each : heard)
    with_options.push_back(each.find("client_connection_check_interval") != each.npos);
  EXPECT_EQ(with_options, (std::vector{true, false, true}));
}

}  // namespace
}  // namespace flame::session::tests
