// A service with another Boost than ours, and event loops of its own that run before, while and
// after a Flame does.
#include <atomic>
#include <boost/asio.hpp>
#include <boost/version.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <flame/flame.hpp>
#include <flame/session/error.hpp>
#include <flame/session/value.hpp>
#include <flame/sessioner.hpp>

static_assert(BOOST_VERSION / 100 == 1074);

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  std::exit(1);
}

/// Answers each connection with a byte, and a timer goes off all the while.
class Service {
 public:
  Service() {
    accept();
    tick();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Service() {
    loop_.stop();
    thread_.join();
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void serves(const char* when) {
    asio::io_context client;
    tcp::socket socket(client);
    socket.connect(acceptor_.local_endpoint());
    char byte = 0;
    asio::async_read(socket, asio::buffer(&byte, 1),
                     [](const boost::system::error_code&, std::size_t) {});
    client.run();
    check(byte == '!', when);
    asio::thread_pool pool(2);
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i) asio::post(pool, [&ran] { ++ran; });
    pool.join();
    check(ran == 100, when);
  }

 private:
  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
      if (error) return;
      asio::write(socket, asio::buffer("!", 1));
      accept();
    });
  }
  void tick() {
    timer_.expires_after(std::chrono::milliseconds(1));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) tick();
    });
  }

  asio::io_context loop_{};
  tcp::acceptor acceptor_{loop_, {asio::ip::address_v4::loopback(), 0}};
  asio::steady_timer timer_{loop_};
  std::thread thread_{};
};

std::string answer_of(const std::string& address, const std::string& path) {
  asio::io_context client;
  tcp::socket socket(client);
  const auto colon = address.rfind(':');
  const auto port = static_cast<unsigned short>(std::stoi(address.substr(colon + 1)));
  socket.connect({asio::ip::make_address(address.substr(0, colon)), port});
  asio::write(socket,
              asio::buffer("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  std::string answer;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(answer), end);
  return answer;
}

}  // namespace

int main() {
  Service service;
  service.serves("the own event loop, before");

  flame::HostOptions options;
  options.address = "127.0.0.1:0";
  flame::Flame f(options);
  f.use(flame::session::sessioner());
  f.get("/set", [](flame::session::Session& s) {
    s.set("n", 1);
    try {
      s.set(std::string(10'000, 'k'), 1);
    } catch (const flame::session::ValueError&) {
      return "caught by its type";
    }
    return "not refused";
  });
  check(f.start().has_value(), "start()");
  const auto answer = answer_of(f.address(), "/set");
  check(answer.find("caught by its type") != answer.npos, "the answer of a Flame");
  check(answer.find("Set-Cookie: ") != answer.npos, "the session");
  service.serves("the own event loop, meanwhile");
  f.stop();
  service.serves("the own event loop, after");
  std::puts("both served");
}
