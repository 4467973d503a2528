#include <errno.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>
#include <vector>

#include <flame/session/socket.hpp>
#include <flame/session/unreachable.hpp>

namespace flame::session {
namespace {

using std::chrono::steady_clock;

std::string lost(std::uint16_t port, Waiter& waiter, Deadline until) {
  try {
    static_cast<void>(connect_to_host("127.0.0.1", port, waiter, until));
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::connection_lost);
    return error.what();
  }
  return {};
}

/// Bound and not listening, or listening with no place left: then who connects hears nothing.
class Server {
 public:
  explicit Server(bool is_full) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* const any = reinterpret_cast<sockaddr*>(&address_);
    EXPECT_EQ(::bind(socket_.get(), any, size), 0);
    EXPECT_EQ(::getsockname(socket_.get(), any, &size), 0);
    if (!is_full) return;
    EXPECT_EQ(::listen(socket_.get(), 0), 0);
    for (int i = 0; i < 4; ++i) {
      clients_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(clients_.back().get(), any, size);
    }
  }
  [[nodiscard]] std::uint16_t port() const { return ntohs(address_.sin_port); }
  [[nodiscard]] std::string name() const { return "127.0.0.1, port " + std::to_string(port()); }

 private:
  Socket socket_;
  sockaddr_in address_{};
  std::vector<Socket> clients_{};
};

TEST(Unreachable, SaysWhyAndWhatToLookAt) {
  Waiter waiter;
  const Server server(false);
  EXPECT_EQ(lost(server.port(), waiter, {}),
            "the store's server, `" + server.name() +
                "`, cannot be reached: Connection refused: is it running, does it listen at just "
                "that address, and does no firewall refuse it?");
}

TEST(Unreachable, ASilentAddressIsToldAtTheDeadlineAsThat) {
  const Server server(true);
  Waiter waiter;
  EXPECT_EQ(lost(server.port(), waiter, steady_clock::now() + std::chrono::milliseconds(30)),
            unreachable(server.name(), ETIMEDOUT));
  std::jthread other([&] { waiter.interrupt(); });
  EXPECT_EQ(lost(server.port(), waiter, {}), "the call was given up");
}

TEST(Unreachable, EachErrorHasItsOwnRemedyOrThatOfAll) {
  for (const int error : {ECONNREFUSED, ETIMEDOUT, ENETUNREACH, ENOENT, EACCES}) {
    const auto text = unreachable("a", error);
    EXPECT_EQ(connect_error_in("libpq: " + text), error);
    EXPECT_TRUE(text.ends_with('?')) << text;
  }
  EXPECT_NE(unreachable("a", ENOENT).find("path of its socket"), std::string::npos);
  EXPECT_NE(unreachable("a", EIO).find("error: is it running, and are host"), std::string::npos);
  EXPECT_EQ(unreachable("a", 0),
            "the store's server, `a`, cannot be reached: is it running, and are host and port "
            "right?");
  EXPECT_EQ(connect_error_in("SSL SYSCALL error: EOF detected"), 0);
}

}  // namespace
}  // namespace flame::session
