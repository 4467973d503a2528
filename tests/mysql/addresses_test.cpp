#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "hung_name.hpp"
#include "mysql_support.hpp"
#include "private_server.hpp"

namespace {

/// One of this machine's that no other process has a server on.
const std::string& silent() {
  static const auto address =
      "127.1." + std::to_string(::getpid() / 256 % 256) + "." + std::to_string(::getpid() % 256);
  return address;
}

}  // namespace

/// In the place of the system's, for the driver too: of one name there are two addresses.
extern "C" [[gnu::visibility("default")]] int getaddrinfo(const char* name, const char* service,
                                                          const addrinfo* hints, addrinfo** found) {
  static const auto system =
      reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  flame::session::tests::HungLookup::look_up(name, hints);
  if (!name || std::string_view(name) != "two.test") return system(name, service, hints, found);
  if (const int error = system(silent().c_str(), service, hints, found)) return error;
  auto* last = *found;
  while (last->ai_next) last = last->ai_next;
  return system("127.0.0.1", service, hints, &last->ai_next);
}

namespace flame::session::mysql {
namespace {

/// Takes connections to that address, and says nothing; once it is full, it takes none.
class SilentServer {
 public:
  explicit SilentServer(std::uint16_t port) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    ::inet_pton(AF_INET, silent().c_str(), &address_.sin_addr);
    EXPECT_EQ(::bind(listener_, any(), sizeof address_), 0);
    EXPECT_EQ(::listen(listener_, 0), 0);
  }
  ~SilentServer() {
    for (const int descriptor : clients_) ::close(descriptor);
    ::close(listener_);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  void fill() {
    for (int i = 0; i < 3; ++i) {
      clients_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(::connect(clients_.back(), any(), sizeof address_));
    }
  }

 private:
  [[nodiscard]] const sockaddr* any() const noexcept {
    return reinterpret_cast<const sockaddr*>(&address_);
  }

  sockaddr_in address_{};
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> clients_{};
};

class MysqlAddresses : public MysqlTest {
 protected:
  void SetUp() override {
    MysqlTest::SetUp();
    if (!IsSkipped()) silent_ = std::make_unique<SilentServer>(parse_dsn(url_).port);
  }
  [[nodiscard]] std::string dsn(const std::string& user, const std::string& password) const {
    return user + ":" + password + "@tcp(two.test:" + std::to_string(parse_dsn(url_).port) + ")/" +
           parse_dsn(url_).database;
  }

  std::unique_ptr<SilentServer> silent_{};
};

TEST_P(MysqlAddresses, ASilentOneLeavesTheNextItsShare) {
  const auto known = parse_dsn(url_);
  const auto two = store({.dsn = dsn(known.user, *known.password), .table = table_});
  EXPECT_NO_THROW(static_cast<void>(open_connection(*two, call_now(3s)))) << "it accepts";
  silent_->fill();
  EXPECT_NO_THROW(static_cast<void>(open_connection(*two, call_now(3s)))) << "it does not";
}

TEST_P(MysqlAddresses, WhatTheNextOneRefusesIsTold) {
  static_cast<void>(new_user("SELECT"));
  const auto [kind, text] = thrown_by([&] {
    static_cast<void>(open_connection(
        *store({.dsn = dsn(table_ + "_u0", "CaNaRy"), .table = table_}), call_now(3s)));
  });
  EXPECT_EQ(kind, StoreError::Kind::refused);
  EXPECT_NE(text.find("(error 1045)"), text.npos) << text;
}

// The driver looks the name up itself, to compare it with the certificate's.
TEST(MysqlTlsAddresses, ASilentOneLeavesTheNextItsShare) {
  if (!PrivateServer::is_to_be_had()) GTEST_SKIP() << "not run: mariadb-server is not installed";
  PrivateServer server;
  server.make_certificate("ca", "two.test");
  const auto file = [&](const std::string& name) { return (server.folder() / name).string(); };
  server.start({"--ssl-cert=" + file("two.test.pem"), "--ssl-key=" + file("two.test.key")});
  SilentServer silent_one(parse_dsn(server.url()).port);
  silent_one.fill();
  const auto two =
      store({.dsn = server.url("two.test") + "?init_table=true&tls=true&ca=" + file("ca.pem")});
  const auto connection = open_connection(*two, call_now(3s));
  EXPECT_EQ(apply(*connection, Verb::create, record_of(1)).outcome, Outcome::done);
  server.end();
  const auto fresh = two->make_connection();
  EXPECT_EQ(thrown_by([&] { fresh->connect(call_now(50ms)); }).kind,
            StoreError::Kind::connection_lost);
}

FLAME_ON_EACH_SERVER(MysqlAddresses);

}  // namespace
}  // namespace flame::session::mysql
