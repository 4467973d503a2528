#include <boost/asio/executor_work_guard.hpp>
#include <stdexcept>
#include <utility>

#include <flame/test_client.hpp>

#include "access.hpp"
#include "asio_loop.hpp"
#include "exchange.hpp"
#include "file.hpp"
#include "flame_impl.hpp"
#include "form.hpp"
#include "proxies.hpp"
#include "wire.hpp"

namespace flame::inline v0 {
namespace {

class ClientExchange final : public detail::Exchange, private detail::Sink {
 public:
  explicit ClientExchange(detail::AsioLoop& loop) : Exchange(loop), loop_(loop) {}
  void run(const detail::App& app) {
    is_done_ = start(app);
    wait();
    auto& response = context().response();
    const bool streams = ResponseAccess::stream(response) != nullptr &&
                         context().request().method() != Method::head &&
                         detail::has_body(response.status());
    if (!streams) return;
    is_done_ = start_stream(*this);
    wait();
    if (stream_failed()) throw std::runtime_error("a streamed answer was cut: its function threw");
    ResponseAccess::set_sent(response, false);  // here the test has it
    response.body(std::move(streamed_));
  }

 private:
  void done() noexcept override { is_done_ = true; }
  bool send(std::string_view piece, std::coroutine_handle<>) override {
    streamed_ += piece;
    return true;
  }
  bool is_gone() const noexcept override { return false; }
  void wait() {
    auto& io = loop_.io();
    io.restart();
    const auto work = boost::asio::make_work_guard(io);
    while (!is_done_) io.run_one();
  }

  detail::AsioLoop& loop_;
  bool is_done_ = false;
  std::string streamed_{};
};

std::string read_all(const detail::File& file) {
  std::string text(file.size(), '\0');
  if (!file.read(0, text)) throw std::runtime_error("a static file became shorter meanwhile");
  return text;
}

Response finished(Context& context) {
  Response response = std::move(context.response());
  if (const auto* file = ResponseAccess::file(response)) response.body(read_all(*file));
  if (!response.body().empty() && response.get("Content-Type").empty()) {
    response.set("Content-Type", "text/plain; charset=utf-8");
  }
  if (context.request().method() == Method::head) response.body({});
  return response;
}

}  // namespace

struct TestClient::Impl {
  Flame::Impl& host;
  detail::AsioLoop loop{};
  detail::Proxies proxies{host.options};
};

TestClient::TestClient(Flame& host) : impl_(new Impl{*host.impl_}) {
  if (auto prepared = impl_->host.prepare(); !prepared) {
    throw std::runtime_error(prepared.error().text);
  }
}

TestClient::~TestClient() { impl_->host.app->close(); }

Response TestClient::request(std::string_view method, std::string_view target, const Fields& fields,
                             std::string_view body) {
  if (impl_->host.taken_in != impl_->host.additions)
    throw std::logic_error(
        "routes, middleware, groups or services were added since this TestClient was made, which "
        "it does not have: make it once all is added");
  ClientExchange exchange(impl_->loop);
  auto& request = ContextAccess::request(exchange.context());
  RequestAccess::set_method(request, method);
  for (const auto& [name, value] : fields) RequestAccess::fields(request).push_back({name, value});
  std::string peer;
  detail::tell_client(request, impl_->proxies, "127.0.0.1", peer);
  RequestAccess::body(request) = body;
  if (!RequestAccess::set_target(request, target)) return Response(400, "Bad Request\n");

  exchange.run(*impl_->host.app);
  return finished(exchange.context());
}

Response TestClient::post_form(std::string_view target, const Fields& values,
                               const Fields& fields) {
  return request("POST", target, detail::form_fields(fields), detail::form_encoded(values));
}

}  // namespace flame::inline v0
