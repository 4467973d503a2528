#include <string>

#include "mysql_support.hpp"
#include "private_server.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session::mysql {
namespace {

/// A server whose certificate can be another one from one connection to the next.
class TlsServer {
 public:
  virtual ~TlsServer() = default;
  [[nodiscard]] virtual std::string url(const std::string& host) const = 0;
  /// One for "localhost" by the authority "ca", for so many days. False: not such a one.
  [[nodiscard]] virtual bool takes_certificate(int days) = 0;
  virtual void drop_tls() = 0;
  [[nodiscard]] virtual const std::filesystem::path& folder() const = 0;
  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder() / name).string();
  }
};

class MariaDbWithTls final : public TlsServer {
 public:
  [[nodiscard]] std::string url(const std::string& host) const override {
    return server_.url(host) + "?";
  }
  bool takes_certificate(int days) override {
    make_certificate(server_.folder(), "ca", "localhost", days);
    server_.end();
    server_.start({"--ssl-cert=" + file("localhost.pem"), "--ssl-key=" + file("localhost.key")});
    return true;
  }
  void drop_tls() override {
    server_.end();
    server_.start();
  }
  [[nodiscard]] const std::filesystem::path& folder() const override { return server_.folder(); }

 private:
  PrivateServer server_{};
};

/// The one that all tests share; no other asks for TLS.
class MySqlWithTls final : public TlsServer {
 public:
  explicit MySqlWithTls(std::string url) : url_(std::move(url)), admin_(url_) {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  }
  ~MySqlWithTls() override {  // those that it makes at its first start
    set("ca.pem", "server-cert.pem", "server-key.pem");
    admin_.run("ALTER INSTANCE RELOAD TLS");
  }
  [[nodiscard]] std::string url(const std::string& host) const override {
    auto url = url_;
    return url.replace(url.find('@') + 1, std::string("127.0.0.1").size(), host) + "?";
  }
  bool takes_certificate(int days) override {
    if (days < 0) return false;
    make_certificate(folder_.path(), "ca", "localhost", days);
    std::filesystem::permissions(file("localhost.key"), std::filesystem::perms(0644));
    set(file("ca.pem"), file("localhost.pem"), file("localhost.key"));
    admin_.run("ALTER INSTANCE RELOAD TLS");
    return true;
  }
  void drop_tls() override {
    set("none", "none", "none");
    admin_.run("ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR");
  }
  [[nodiscard]] const std::filesystem::path& folder() const override { return folder_.path(); }

 private:
  void set(const std::string& ca, const std::string& certificate, const std::string& key) {
    admin_.run("SET GLOBAL ssl_ca = '" + ca + "', GLOBAL ssl_cert = '" + certificate +
               "', GLOBAL ssl_key = '" + key + "'");
  }
  std::string url_;
  Admin admin_;
  test_support::TemporaryFolder folder_{};
};

class MysqlTls : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    if (!PrivateServer::is_to_be_had())
      GTEST_SKIP() << "not run: mariadb-server or openssl is not installed";
    if (name == "mariadb") {
      server_ = std::make_unique<MariaDbWithTls>();
    } else if (const auto url = tests::server_url(name)) {
      server_ = std::make_unique<MySqlWithTls>(*url);
    } else {
      GTEST_SKIP() << "not run: this server is not to be had here";
    }
  }
  Thrown failure(const std::string& parameters, const std::string& host = "localhost") {
    return thrown_by([&] {
      store({.dsn = server_->url(host) + parameters})->make_connection()->connect(call_now());
    });
  }
  void expect_refusal(const std::string& parameters, const std::string& host = "localhost") {
    const auto [kind, text] = failure(parameters, host);
    EXPECT_EQ(kind, StoreError::Kind::refused) << text;
    EXPECT_NE(text.find("no TLS with a server that proves its name"), text.npos) << text;
  }

  std::unique_ptr<TlsServer> server_{};
};

TEST_P(MysqlTls, IsWithTheOneThatIsNamedOrNot) {
  ASSERT_TRUE(server_->takes_certificate(2));
  const auto ca = "tls=true&ca=" + server_->file("ca.pem");
  EXPECT_EQ(failure(ca).text, "");
  {
    SCOPED_TRACE("another name");
    expect_refusal(ca, "127.0.0.1");
  }
  make_certificate(server_->folder(), "other", "elsewhere");
  for (const auto& authority :
       {"&ca=" + server_->file("other.pem"), "&ca=" + server_->file("none.pem"), std::string("")}) {
    SCOPED_TRACE("another authority, none, or those that the system knows: " + authority);
    expect_refusal("tls=true" + authority);
  }
  make_expired(server_->folder(), "ca", "old");
  {
    SCOPED_TRACE("an authority whose own certificate has expired");
    expect_refusal("tls=true&ca=" + server_->file("old.pem"));
  }
  if (server_->takes_certificate(-1)) {
    SCOPED_TRACE("an expired certificate");
    expect_refusal(ca);
  }
  server_->drop_tls();
  {
    SCOPED_TRACE("without TLS");
    expect_refusal(ca);
  }
  EXPECT_EQ(failure("").text, "") << "it takes those that ask for none";
}

INSTANTIATE_TEST_SUITE_P(Servers, MysqlTls, ::testing::Values("mariadb", "mysql"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace flame::session::mysql
