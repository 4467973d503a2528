#include <fstream>

#include "certificates.hpp"
#include "mongo_support.hpp"
#include "scripted_server.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session {
namespace {

using tests::Certificate;
using tests::ScriptedServer;
using tests::soon;
using tests::thrown_by;
using Kind = StoreError::Kind;

/// The driver's TLS, on streams of ours.
class MongoTls : public ::testing::Test {
 protected:
  void serve(const Certificate& certificate, bool asks_clients = false) {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate_file(context_.get(),
                                 certificate.write_certificate(file("server.pem")).c_str(),
                                 SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context_.get(), certificate.write_key(file("server.key")).c_str(),
                                SSL_FILETYPE_PEM);
    if (asks_clients) {
      SSL_CTX_load_verify_locations(context_.get(), ca_.c_str(), nullptr);
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         nullptr);
    }
    listen();
  }
  void listen() {
    server_ = std::make_unique<ScriptedServer>(
        [](const std::string& name, const std::string&) -> std::string {
          if (ScriptedServer::is_hello(name)) return ScriptedServer::hello();
          return R"({"n": 1, "ok": 1})";
        },
        context_.get());
  }
  tests::Thrown connect(const std::string& host, const std::string& parameters) {
    const auto port = server_->host().substr(server_->host().find(':'));
    const auto uri = "mongodb://" + host + port + "/flame?tls=true" + parameters;
    return thrown_by([&] {
      const auto connection = mongo::store({.uri = uri})->make_connection();
      connection->connect(soon());
      EXPECT_EQ(tests::apply(*connection, Verb::erase, tests::record(1)).outcome, Outcome::done);
    });
  }
  [[nodiscard]] std::filesystem::path file(const char* name) const { return files_.path() / name; }

  test_support::TemporaryFolder files_{};
  Certificate authority_{"", nullptr};
  std::string ca_ = authority_.write_certificate(file("ca.pem"));
  std::string trust_ = "&tlsCAFile=" + ca_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<ScriptedServer> server_{};
};

TEST_F(MongoTls, TakesAServerThatProvesItsName) {
  serve(Certificate("DNS:localhost,IP:127.0.0.1", &authority_));
  for (const auto* host : {"localhost", "127.0.0.1"})
    EXPECT_EQ(connect(host, trust_).text, "") << host;
}

TEST_F(MongoTls, RefusesAnotherNameAuthorityOrDate) {
  serve(Certificate("DNS:elsewhere.example", &authority_));
  EXPECT_EQ(connect("localhost", trust_).kind, Kind::refused);
  serve(Certificate("DNS:localhost", &authority_));
  EXPECT_EQ(connect("localhost", "").kind, Kind::refused);
  const Certificate other("", nullptr);
  EXPECT_EQ(connect("localhost", "&tlsCAFile=" + other.write_certificate(file("other.pem"))).kind,
            Kind::refused);
  serve(Certificate("DNS:localhost", &authority_, true));
  const auto thrown = connect("localhost", trust_);
  EXPECT_EQ(thrown.kind, Kind::refused);
  EXPECT_NE(thrown.text.find("signed by one in tlsCAFile, and in date"), std::string::npos);
}

TEST_F(MongoTls, NeverSpeaksPlainTextInstead) {
  listen();
  EXPECT_TRUE(connect("localhost", trust_).kind);
  EXPECT_TRUE(server_->heard().empty());
}

TEST_F(MongoTls, ShowsItsOwnCertificate) {
  const Certificate own("DNS:client", &authority_);
  static_cast<void>(own.write_certificate(file("client.pem")));
  {
    std::ofstream both(file("client.pem"), std::ios::app);
    std::ifstream key(own.write_key(file("client.key")));
    both << key.rdbuf();
  }
  serve(Certificate("DNS:localhost", &authority_), true);
  EXPECT_TRUE(connect("localhost", trust_).kind);
  EXPECT_EQ(
      connect("localhost", trust_ + "&tlsCertificateKeyFile=" + file("client.pem").string()).text,
      "");
}

TEST_F(MongoTls, RefusesFilesThatAreNone) {
  serve(Certificate("DNS:localhost", &authority_));
  std::ofstream(file("junk")) << "junk";
  const auto thrown = connect("localhost", "&tlsCAFile=" + file("junk").string());
  EXPECT_EQ(thrown.kind, Kind::refused);
  EXPECT_NE(thrown.text.find("no PEM file that OpenSSL takes"), std::string::npos) << thrown.text;
}

}  // namespace
}  // namespace flame::session
