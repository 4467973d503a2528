// What the suite cannot see over plain HTTP.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <restinio/all.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include <flame/session/restinio.hpp>

#include "told_manager.hpp"

namespace flame::session {
namespace {

using restinio::Response;
using restinio::Transport;

/// A connection that keeps what is written to it.
struct Connection final : ::restinio::impl::connection_base_t {
  std::string text{};

  Connection() : connection_base_t(1) {}
  void check_timeout(std::shared_ptr<::restinio::tcp_connection_ctx_base_t>&) override {}
  void write_response_parts(::restinio::request_id_t, ::restinio::response_output_flags_t,
                            ::restinio::write_group_t group) override {
    for (const auto& item : group.items()) {
      const auto buffer = item.buf();
      text.append(static_cast<const char*>(buffer.data()), buffer.size());
    }
  }
};

struct RestinioAdapter : testing::Test {
  std::unique_ptr<::restinio::asio_ns::io_context> io =
      std::make_unique<::restinio::asio_ns::io_context>();
  demo::ToldManager own{};
  Manager& manager = own.manager;
  std::shared_ptr<Connection> connection = std::make_shared<Connection>();
  ::restinio::http_request_header_t header{::restinio::http_method_get(), "/"};

  [[nodiscard]] ::restinio::request_handle_t request() const {
    const ::restinio::endpoint_t client(::restinio::asio_ns::ip::make_address("203.0.113.7"), 80);
    ::restinio::no_extra_data_factory_t none;
    return std::make_shared<::restinio::request_t>(1, header, std::string(), connection, client,
                                                   none);
  }

  /// Until the answer is there.
  template <class F>
  std::string answer(F handler, Transport transport = Transport::plain) {
    const auto wrapped = restinio::Sessions(manager, *io, transport)(std::move(handler));
    wrapped(request());
    const auto work = ::restinio::asio_ns::make_work_guard(*io);
    io->restart();  // it ends each time that it has nothing to do
    while (connection->text.empty()) io->run_one();
    return std::exchange(connection->text, {});
  }

  [[nodiscard]] bool was_at_risk() { return own.was_told(event::cookie_at_risk); }
};

TEST_F(RestinioAdapter, OnlyAnOptionSaysThatAllComesOverTls) {
  const auto set = [](Session& s) { s.set("n", 1); };
  answer(set, Transport::tls);
  EXPECT_FALSE(was_at_risk());
  answer(set);
  EXPECT_TRUE(was_at_risk());
}

TEST_F(RestinioAdapter, AnAddressTellsWhoseItIs) {
  using ::restinio::asio_ns::ip::make_address;
  for (const auto* text : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "203.0.113.70", "2001:db8::7",
                           "10.0.0.1", "fe80::1%1"}) {
    const auto peer = restinio::detail::peer_of(make_address(text));
    EXPECT_EQ(peer.is_this_host(), Peer(text).is_this_host()) << text;
    EXPECT_EQ(peer.is_one_client(), Peer(text).is_one_client()) << text;
  }
}

TEST_F(RestinioAdapter, AnErrorInPlaceOfTheHandlersAnswerHasNothingOfIt) {
  own.store->refuse(false, true);
  const auto set = [](Session& s, Response& response) {
    s.set("n", 1);
    response.append_header("X-Own", "1").append_header("Content-Type", "text/html");
    response.set_body("<p>").append_body("Saved");
  };
  const auto text = answer(set);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\nService Unavailable\n")) << text;
  EXPECT_NE(text.find("Content-Type: text/plain\r\n"), std::string::npos);
  EXPECT_EQ(text.find("X-Own"), std::string::npos);
  EXPECT_EQ(text.find("text/html"), std::string::npos);

  header.method(::restinio::http_method_head());
  const auto head = answer(set);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST_F(RestinioAdapter, WhatAHandlerThrowsIsToldAndAnswered) {
  testing::internal::CaptureStderr();
  const auto one = answer([](Session&) { throw std::runtime_error("no more tea"); });
  const auto other = answer([](Session&) { throw 1; });
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "flame-session: a handler threw: no more tea\n"
            "flame-session: a handler threw: what is no std::exception\n");
  for (const auto& text : {one, other})
    EXPECT_TRUE(text.starts_with("HTTP/1.1 500 Internal Server Error\r\n")) << text;
}

TEST_F(RestinioAdapter, WhatWaitsWhenTheIoContextIsDestroyedIsDropped) {
  own.store->hold(false, true);
  {
    const auto wrapped = restinio::Sessions(manager, *io)([](Session& s) { s.set("n", 1); });
    wrapped(request());
  }
  while (own.store->waiting() == 0) io->run_one_for(std::chrono::milliseconds(1));
  EXPECT_GT(connection.use_count(), 1);
  own.store->free();
  EXPECT_TRUE(manager.stop());
  io.reset();
  EXPECT_EQ(connection.use_count(), 1);
  EXPECT_EQ(connection->text, "");
}

}  // namespace
}  // namespace flame::session
