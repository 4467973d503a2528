#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <string_view>

#include <flame/session/asio.hpp>

#include "demo.hpp"

namespace session = flame::session;
namespace http = boost::beast::http;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;
using session::asio::Client;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

namespace {

using Route = std::function<awaitable<void>(const Request&, Response&, const Client&)>;

std::string v(const Request& request) {
  const std::string target(request.target());
  const auto at = target.find("v=");
  return at == std::string::npos ? "" : target.substr(at + 2);
}

/// A handler that waits for something itself, between load and commit.
awaitable<void> add(session::Manager& manager, const Request& request, Response& response,
                    Client client) {
  //! [waits]
  session::adapter::RequestFields fields(manager);
  session::asio::add_fields(request, fields);
  auto view = fields.view();
  view.method = std::string_view(request.method_string());
  view.peer = client.address;
  session::asio::ResponseWriter writer{response};

  const auto need = session::Need::read | session::Need::write;
  auto loaded = co_await session::asio::async_load(manager, view, need, use_awaitable);
  if (!loaded) {
    session::adapter::settle_failed_load(writer, loaded.error(), true);
    co_return;
  }
  co_await boost::asio::post(co_await boost::asio::this_coro::executor, use_awaitable);
  response.body() = demo::add(loaded->session);
  const auto committed =
      co_await session::asio::async_commit(manager, loaded->session, 200, use_awaitable);
  session::adapter::settle_commit(writer, committed, 200);
  //! [waits]
}

class Server {
 public:
  Server(boost::asio::io_context& io, demo::Demo& demo)
      : demo_(demo), acceptor_(io, {boost::asio::ip::make_address(demo.host()), 0}) {
    add_routes();
    boost::asio::co_spawn(io, accept(), boost::asio::detached);
  }

  [[nodiscard]] int port() const { return acceptor_.local_endpoint().port(); }

 private:
  template <class F>
  void wrapped(const std::string& path, F handler) {
    //! [wrapped]
    routes_[path] = [handle = session::asio::Sessions(demo_.manager())(std::move(handler))](
                        const Request& request, Response& response, const Client& client) {
      return handle(request, response, client, use_awaitable);
    };
    //! [wrapped]
  }

  void add_routes();

  awaitable<void> answer(const Request& request, Response& response, const Client& client) {
    const std::string target(request.target());
    const auto path = target.substr(0, target.find('?'));
    const auto route = routes_.find(path);
    if (path == "/plain")
      response.body() = demo::plain;
    else if (path.starts_with("/store/"))
      response.body() = demo_.control(path.substr(path.rfind('/') + 1));
    else if (route != routes_.end())
      co_await route->second(request, response, client);
    else
      response.result(http::status::not_found);
  }

  awaitable<void> serve(tcp::socket socket) {
    const auto address = socket.remote_endpoint().address().to_string();
    boost::beast::flat_buffer buffer;
    for (;;) {
      Request request;
      co_await http::async_read(socket, buffer, request, use_awaitable);
      Response response(http::status::ok, request.version());
      response.keep_alive(request.keep_alive());
      try {
        co_await answer(request, response, {address});
      } catch (const std::exception&) {
        response = Response(http::status::internal_server_error, request.version());
      }
      response.prepare_payload();
      if (request.method() == http::verb::head) {
        http::response<http::empty_body> head(std::move(response.base()));
        http::response_serializer<http::empty_body> only(head);
        co_await http::async_write_header(socket, only, use_awaitable);
      } else {
        co_await http::async_write(socket, response, use_awaitable);
      }
      if (!response.keep_alive()) co_return;
    }
  }

  awaitable<void> accept() {
    for (;;) {
      auto socket = co_await acceptor_.async_accept(use_awaitable);
      socket.set_option(tcp::no_delay(true));
      boost::asio::co_spawn(socket.get_executor(), serve(std::move(socket)), boost::asio::detached);
    }
  }

  demo::Demo& demo_;
  tcp::acceptor acceptor_;
  std::map<std::string, Route, std::less<>> routes_{};
};

void Server::add_routes() {
  using session::Flash;
  using session::Session;
  routes_["/add"] = [this](const Request& request, Response& response, const Client& client) {
    return add(demo_.manager(), request, response, client);
  };
  wrapped("/set", [](Session& s, const Request&, Response& r) { r.body() = demo::set(s); });
  wrapped("/get", [](Response& r, const Session& s) { r.body() = demo::get(s); });
  wrapped("/clear", [](Session& s, Response& r) { r.body() = demo::clear(s); });
  wrapped("/n", [](const Session& s, Response& r) { r.body() = demo::n(s); });
  wrapped("/fail", [](Session& s) { demo::fail(s); });
  wrapped("/status", [](const Request& q, Session& s, Response& r) {
    r.body() = "the handler's own";
    r.result(static_cast<unsigned>(demo::status(s, v(q))));
  });
  wrapped("/vary", [](Session& s, Response& r) {
    r.set("vary", "Accept");
    r.set("cache-control", "public, max-age=60");
    r.set("set-cookie", "own=1");
    r.body() = demo::set(s);
  });
  wrapped("/flash",
          [](Session& s, const Request& q, Response& r) { r.body() = demo::set_flash(s, v(q)); });
  wrapped("/take", [](const Flash& f, Response& r) { r.body() = demo::take(f); });
  wrapped("/take_copy", [](Flash f, Response& r) { r.body() = demo::take(f); });
  wrapped("/take_fail", [](const Flash& f, Response& r) {
    r.result(500);
    r.body() = demo::take(f);
  });
  wrapped("/take_throw", [](const Flash& f) { demo::take_throw(f); });
  wrapped("/login",
          [](Session& s, const Request& q, Response& r) { r.body() = demo::login(s, v(q)); });
  wrapped("/logout", [](Session& s, Response& r) { r.body() = demo::logout(s); });
  wrapped("/owner", [](const Session& s, Response& r) { r.body() = demo::owner(s); });
  wrapped("/optional", [](const Session* s, Response& r) { r.body() = demo::optional(s); });
  wrapped("/optional_take", [](const Flash* f, Response& r) { r.body() = demo::optional_take(f); });
}

}  // namespace

int main(int argc, char** argv) {
  std::promise<std::function<void()>> stop;
  const demo::Stopper stopper([&] { stop.get_future().get()(); });
  demo::Demo demo(argc, argv);
  boost::asio::io_context io(1);
  stop.set_value([&] {
    demo.manager().stop();
    io.stop();
  });
  const Server server(io, demo);
  demo::say_port(server.port());
  io.run();
}
