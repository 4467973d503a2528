// What /plain is measured against: the least that a Beast server does to answer the same bytes. One
// thread: bare_beast HOST:PORT.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

/// Looked up once a second, as the host does.
const std::string& date() {
  static std::time_t of = 0;
  static std::string text;
  const auto now = std::time(nullptr);
  if (now != of) {
    of = now;
    char buffer[64];
    std::tm parts{};
    gmtime_r(&now, &parts);
    text.assign(buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts));
  }
  return text;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    request_ = {};
    http::async_read(socket_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code ec, std::size_t) {
                       if (!ec) self->write();
                     });
  }

 private:
  void write() {
    response_ = {http::status::ok, request_.version()};
    response_.keep_alive(request_.keep_alive());
    response_.set(http::field::date, date());
    response_.set(http::field::content_type, "text/plain; charset=utf-8");
    response_.body() = "Hello, world";
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this()](beast::error_code ec, std::size_t) {
                        if (!ec && self->response_.keep_alive()) self->read();
                      });
  }

  tcp::socket socket_;
  beast::flat_buffer buffer_{};
  http::request<http::string_body> request_{};
  http::response<http::string_body> response_{};
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code ec, tcp::socket socket) {
    if (!ec) {
      socket.set_option(tcp::no_delay(true), ec);
      std::make_shared<Connection>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc == 2 ? argv[1] : "";
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) {
    std::cerr << "usage: bare_beast HOST:PORT\n";
    return EXIT_FAILURE;
  }
  asio::io_context io(1);
  const auto port = static_cast<unsigned short>(std::stoi(address.substr(colon + 1)));
  tcp::acceptor acceptor(io, {asio::ip::make_address(address.substr(0, colon)), port});
  accept(acceptor);
  io.run();
}
