#include <signal.h>

#include "certificates.hpp"
#include "fake_server.hpp"
#include "redis_support.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using tests::apply;
using tests::Certificate;
using tests::error_of;
using tests::record;
using tests::soon;
using Kind = StoreError::Kind;

/// A server that speaks TLS on one port, and plain text on another.
class RedisTls : public tests::ServerTest {
 protected:
  void serve(const Certificate& certificate, const char* clients = "no") {
    const auto file = [&](const char* name) { return files_.path() / name; };
    server_ = std::make_unique<tests::OwnServer>(
        GetParam(), std::vector<std::string>{
                        "--bind", "127.0.0.1", "--port", plain_port_, "--tls-port", port_,
                        "--tls-cert-file", certificate.write_certificate(file("server.pem")),
                        "--tls-key-file", certificate.write_key(file("server.key")),
                        "--tls-ca-cert-file", ca_, "--tls-auth-clients", clients});
  }
  std::unique_ptr<StoreConnection> open(const std::string& host, redis::TlsOptions tls) {
    tls.enabled = true;
    return open_connection(*redis::store({.addr = host + ":" + port_, .tls = std::move(tls)}),
                           soon());
  }
  std::string refusal(const std::string& host, const redis::TlsOptions& tls = {},
                      Kind kind = Kind::refused) {
    return error_of([&] { open(host, tls); }, kind);
  }

  test_support::TemporaryFolder files_{};
  Certificate authority_{"", nullptr};
  std::string ca_ = authority_.write_certificate(files_.path() / "ca.pem");
  std::string port_ = std::to_string(tests::free_port()),
              plain_port_ = std::to_string(tests::free_port());
  std::unique_ptr<tests::OwnServer> server_{};
};
INSTANTIATE_SERVER_TEST(RedisTls);

TEST_P(RedisTls, CarriesWhatPlainTextCarries) {
  serve(Certificate("DNS:localhost,IP:127.0.0.1", &authority_));
  for (const auto* host : {"localhost", "127.0.0.1"}) {
    const auto connection = open(host, {.ca_file = ca_});
    std::vector<StoreOp> batch;
    for (std::uint64_t number = 0; number < 8; ++number) {
      auto each = record(number, "ann");
      each.blob.assign(1 << 20, 'x');
      apply(*connection, Verb::create, each);
      batch.push_back(tests::op(Verb::replace, each, WriteToken{99}));
    }
    connection->run(batch, soon());
    EXPECT_EQ(tests::outcomes(batch), std::vector(8, Outcome::conflict));
    EXPECT_EQ(connection->list("ann", {}, 10, soon()).records.size(), 8U);
  }
  const auto url = "rediss://localhost:" + port_ + "?ca_file=" + ca_;
  EXPECT_EQ(apply(*open_connection(*redis::store({.addr = url}), soon()), Verb::load, record(1)),
            Outcome::done);
}

TEST_P(RedisTls, RefusesWhoIsNotToBeTrusted) {
  serve(Certificate("DNS:localhost", &authority_));
  EXPECT_NE(refusal("localhost").find("certificate is not to be trusted"), std::string::npos);
  const Certificate other("", nullptr);
  EXPECT_NE(refusal("localhost", {.ca_file = other.write_certificate(files_.path() / "other.pem")})
                .find("certificate is not to be trusted"),
            std::string::npos);
  EXPECT_NE(refusal("127.0.0.1", {.ca_file = ca_}).find("IP address mismatch"), std::string::npos);
  EXPECT_EQ(refusal("localhost", {.ca_file = ca_}), "");
}

TEST_P(RedisTls, RefusesAnotherName) {
  serve(Certificate("DNS:other.example,IP:127.0.0.2", &authority_));
  EXPECT_NE(refusal("localhost", {.ca_file = ca_}).find("hostname mismatch"), std::string::npos);
  EXPECT_NE(refusal("127.0.0.1", {.ca_file = ca_}).find("IP address mismatch"), std::string::npos);
}

TEST_P(RedisTls, RefusesACertificateThatHasExpired) {
  serve(Certificate("DNS:localhost", &authority_, true));
  EXPECT_NE(refusal("localhost", {.ca_file = ca_}).find("expired"), std::string::npos);
}

TEST_P(RedisTls, IsNotForAServerOfPlainText) {
  serve(Certificate("DNS:localhost", &authority_));
  port_.swap(plain_port_);
  auto connection =
      redis::store({.addr = "localhost:" + port_, .tls = {true, ca_, {}, {}}})->make_connection();
  const auto said = error_of(
      [&] {
        connection->connect({soon().now, std::chrono::steady_clock::now() + 2s});
      },
      Kind::connection_lost);
  EXPECT_EQ(said.find("redis store: the server did not begin TLS in time"), 0U) << said;
  EXPECT_THROW(connection->ping(soon()), StoreError);
}

// Whatever a server that knows no TLS says to the handshake, it hears nothing else of us, on
// whatever connection.
TEST(RedisTlsOrNothing, SaysNothingInPlainText) {
  const auto port = static_cast<std::uint16_t>(tests::free_port());
  for (const auto* const said : {"-ERR unknown command\r\n", "+OK\r\n", ""}) {
    std::string heard;  // a connection's first byte, and whether what no handshake has was in it
    {
      const tests::FakeServer server(
          [&](int client) {
            auto all = tests::FakeServer::hear(client);
            tests::FakeServer::say(client, said);
            if (*said != 0)
              for (std::string more; !(more = tests::FakeServer::hear(client)).empty();)
                all += more;
            const bool plain = all.find("AUTH") != all.npos || all.find("canary") != all.npos ||
                               all.find("SETNAME") != all.npos || all.find("PING") != all.npos;
            heard.append(all, 0, 1).append(plain ? "plain" : "");
          },
          port);
      const auto store = redis::store({.addr = "localhost:" + std::to_string(port),
                                       .password = "canary",
                                       .tls = {.enabled = true}});
      const auto connection = store->make_connection();
      EXPECT_THROW(connection->connect(soon()), StoreError);
      EXPECT_THROW(connection->ping(soon()), StoreError);
    }
    EXPECT_FALSE(heard.empty());
    EXPECT_EQ(heard.find_first_not_of('\x16'), heard.npos) << said;
  }
}

TEST_P(RedisTls, SaysWhoWeAre) {
  serve(Certificate("DNS:localhost", &authority_), "yes");
  EXPECT_NE(refusal("localhost", {.ca_file = ca_}).find("name a certificate_file"),
            std::string::npos);
  const Certificate ours("DNS:app", &authority_);
  const redis::TlsOptions tls{
      .ca_file = ca_,
      .certificate_file = ours.write_certificate(files_.path() / "ours.pem"),
      .certificate_key_file = ours.write_key(files_.path() / "ours.key")};
  EXPECT_EQ(refusal("localhost", tls), "");
  auto wrong = tls;
  wrong.certificate_key_file = authority_.write_key(files_.path() / "other.key");
  EXPECT_NE(refusal("localhost", wrong).find("is not the key of certificate_file"),
            std::string::npos);
  EXPECT_NE(refusal("localhost", {.ca_file = "/nonexistent/ca"}).find("ca_file cannot be read"),
            std::string::npos);
}

TEST_P(RedisTls, EndsWithItsServerAtTheDeadline) {
  serve(Certificate("DNS:localhost", &authority_));
  const auto connection = open("localhost", {.ca_file = ca_});
  server_->signal(SIGSTOP);
  auto one = tests::op(Verb::load, record(1));
  EXPECT_NE(error_of(
                [&] {
                  connection->run({&one, 1}, {soon().now, std::chrono::steady_clock::now() + 30ms});
                },
                Kind::connection_lost),
            "");
  EXPECT_NE(error_of([&] { connection->ping(soon()); }, Kind::connection_lost), "");
  server_->signal(SIGCONT);
  const auto next = open("localhost", {.ca_file = ca_});
  server_->kill();
  EXPECT_THROW(next->ping(soon()), StoreError);
  EXPECT_THROW(next->ping(soon()), StoreError);
}

}  // namespace
}  // namespace flame::session
