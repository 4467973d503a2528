// How operations complete, whatever the token. The suite drives the same over HTTP.
#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <flame/session/asio.hpp>

#include "controlled_store.hpp"

namespace flame::session {
namespace {

using boost::asio::awaitable;
using boost::asio::use_awaitable;
using boost::asio::use_future;
using demo::ControlledStore;

struct AsioTest : testing::Test {
  boost::asio::io_context io{};  // outlives the Managers
  std::shared_ptr<ControlledStore> store = std::make_shared<ControlledStore>();
  Manager blocking{{.store = store, .max_created_per_second = 0}};
  Manager at_once{{.max_created_per_second = 0}};

  AsioTest() {
    EXPECT_TRUE(blocking.open());
    EXPECT_TRUE(at_once.open());
  }

  /// As a browser sends it back.
  static std::string cookie_of(const Result<ResponseFields>& committed) {
    for (const auto& [name, value] : committed->fields)
      if (name == "Set-Cookie") return value.substr(0, value.find(';'));
    return {};
  }
  /// The cookie of a session that holds n = 1.
  static std::string visitor(Manager& manager) {
    auto session = manager.load({}, Need::read | Need::write);
    session->set("n", 1);
    return cookie_of(manager.commit(*session));
  }
  static RequestView with(const std::string_view& line) {
    RequestView view;
    view.cookie_lines = {&line, 1};
    view.method = "GET";
    return view;
  }
  void until_held() const {
    while (store->waiting() == 0) std::this_thread::yield();
  }
};

TEST_F(AsioTest, ACallbackIsCalledOnItsExecutorAndNeverAtOnce) {
  for (auto* manager : {&blocking, &at_once}) {
    const auto cookie = visitor(*manager);
    const std::string_view line = cookie;
    const auto strand = boost::asio::make_strand(io);
    int calls = 0;
    asio::async_load(*manager, with(line), Need::read,
                     boost::asio::bind_executor(strand, [&](Result<asio::Loaded> loaded) {
                       ++calls;
                       EXPECT_TRUE(strand.running_in_this_thread());
                       EXPECT_EQ(loaded->session.get<int>("n"), 1);
                     }));
    EXPECT_EQ(calls, 0);
    io.restart();
    io.run();  // which has work until then
    EXPECT_EQ(calls, 1);
  }
}

TEST_F(AsioTest, AFutureIsReadyOnceItIsSaved) {
  for (auto* manager : {&blocking, &at_once}) {
    auto loaded = asio::async_load(*manager, {}, Need::read | Need::write, use_future).get();
    ASSERT_TRUE(loaded);
    loaded->session.set("n", 1);
    const auto committed = asio::async_commit(*manager, loaded->session, 200, use_future).get();
    ASSERT_TRUE(committed);
    EXPECT_NE(cookie_of(committed), "");
    const auto again = asio::async_commit(*manager, loaded->session, 200, use_future).get();
    EXPECT_EQ(again.error().code, Errc::misuse);
  }
}

TEST_F(AsioTest, AStatusFrom500OnPutsAClaimedFlashBack) {
  auto session = blocking.load({}, Need::read | Need::write);
  session->set_flash("hello");
  const auto cookie = cookie_of(blocking.commit(*session));
  const std::string_view line = cookie;
  const auto take = [&](int status) {
    auto loaded =
        asio::async_load(blocking, with(line), Need::read | Need::flash, use_future).get();
    const auto message = loaded->flash.get<std::string>().value_or("none");
    EXPECT_TRUE(asio::async_commit(blocking, loaded->session, status, use_future).get());
    return message;
  };
  EXPECT_EQ(take(500), "hello");
  EXPECT_EQ(take(200), "hello");
  EXPECT_EQ(take(200), "none");
}

TEST_F(AsioTest, WhoWaitsMayBeCancelledAndTheOperationGoesOn) {
  using namespace boost::asio::experimental::awaitable_operators;
  const auto cookie = visitor(blocking);
  std::optional<bool> loaded_first;
  const auto waits = [&]() -> awaitable<void> {
    const std::string_view line = cookie;
    boost::asio::steady_timer timer(io, std::chrono::milliseconds(0));
    auto first = co_await (asio::async_load(blocking, with(line), Need::read, use_awaitable) ||
                           timer.async_wait(use_awaitable));
    loaded_first = first.index() == 0;
  };
  store->hold(true, false);
  boost::asio::co_spawn(io, waits(), boost::asio::detached);
  std::thread frees([&] {
    until_held();
    store->free();
  });
  io.run();
  frees.join();
  EXPECT_TRUE(loaded_first.has_value());
}

TEST_F(AsioTest, AContextMayEndBeforeItsCompletionsWereRun) {
  const auto cookie = visitor(blocking);
  auto kept = std::make_shared<int>(0);  // by the handlers
  {
    const std::string_view line = cookie;
    boost::asio::io_context short_lived;
    store->hold(true, false);
    for (int i = 0; i < 3; ++i)
      asio::async_load(
          blocking, with(line), Need::read,
          boost::asio::bind_executor(short_lived, [kept](const Result<asio::Loaded>&) {}));
    until_held();
    EXPECT_TRUE(blocking.stop());
  }
  EXPECT_EQ(kept.use_count(), 1);
}

/// As much of Beast's messages as an adapter sees.
struct Message {
  struct Field {
    std::string name{}, text{};
    [[nodiscard]] std::string_view name_string() const { return name; }
    [[nodiscard]] std::string_view value() const { return text; }
  };
  std::vector<Field> fields{};
  unsigned status = 200;
  [[nodiscard]] auto begin() const { return fields.begin(); }
  [[nodiscard]] auto end() const { return fields.end(); }
  [[nodiscard]] std::string_view method_string() const { return "GET"; }
  [[nodiscard]] std::string_view reason() const { return {}; }
  [[nodiscard]] unsigned result_int() const { return status; }
  void result(unsigned code) { status = code; }
  [[nodiscard]] unsigned version() const { return 11; }
  void version(unsigned) {}
  [[nodiscard]] bool keep_alive() const { return true; }
  void keep_alive(bool) {}
  void set(std::string_view name, std::string_view value) {
    std::erase_if(fields, [&](const Field& each) { return each.name == name; });
    insert(name, value);
  }
  void insert(std::string_view name, std::string_view value) {
    fields.push_back({std::string(name), std::string(value)});
  }
};

struct Request : Message {};

TEST_F(AsioTest, AWrappedHandlerMayGoBeforeItIsDone) {
  const auto cookie = visitor(blocking);
  Request request;
  Message response;
  request.insert("cookie", cookie);
  store->hold(true, false);
  auto done = asio::Sessions(blocking)([kept = std::string(100, 'x')](Session& s, Message& r) {
    s.set("text", kept);
    r.insert("X-Size", std::to_string(kept.size()));
  })(std::as_const(request), response, {"203.0.113.7", true}, use_future);
  until_held();
  store->free();
  done.get();
  EXPECT_EQ(response.fields.at(0).text, "100");
  EXPECT_EQ(response.status, 200U);
}

TEST_F(AsioTest, ACoroutineGivesItsTurnAwayWhereTheStoreBlocksAlone) {
  for (auto* manager : {&blocking, &at_once}) {
    const auto cookie = visitor(*manager);
    const auto wrapped = asio::Sessions(*manager)(
        [](const Session& s, Message& r) { r.insert("X-N", std::to_string(s.get_or("n", 0))); });
    bool others_had_theirs = false;
    const auto serves = [&]() -> awaitable<void> {
      Request request;
      request.insert("cookie", cookie);
      Message response;
      boost::asio::post(io, [&] { others_had_theirs = true; });
      co_await wrapped(std::as_const(request), response, {}, use_awaitable);
      EXPECT_EQ(response.fields.at(0).text, "1");
      EXPECT_EQ(others_had_theirs, manager == &blocking);
    };
    boost::asio::co_spawn(io, serves(), boost::asio::detached);
    io.restart();
    io.run();
    EXPECT_TRUE(others_had_theirs);
  }
}

TEST_F(AsioTest, WhatAHandlerThrowsReachesWhoWaits) {
  for (auto* manager : {&blocking, &at_once}) {
    const auto cookie = visitor(*manager);
    const auto wrapped = asio::Sessions(*manager)([](Session& s) {
      s.set("n", 7);
      throw std::runtime_error("no more tea");
    });
    Request request;
    request.insert("cookie", cookie);
    Message response;
    std::string told;
    const auto serves = [&]() -> awaitable<void> {
      try {
        co_await wrapped(std::as_const(request), response, {}, use_awaitable);
      } catch (const std::runtime_error& e) {
        told = e.what();
      }
    };
    boost::asio::co_spawn(io, serves(), boost::asio::detached);
    io.restart();
    io.run();
    EXPECT_EQ(told, "no more tea");
    EXPECT_THROW(wrapped(std::as_const(request), response, {}, use_future).get(),
                 std::runtime_error);
    const std::string_view line = cookie;
    EXPECT_EQ(manager->load(with(line), Need::read)->get<int>("n"), 1);
  }
}

TEST_F(AsioTest, AWrappedRequestMayEndWithItsContext) {
  const auto cookie = visitor(blocking);
  Request request;
  Message response;
  request.insert("cookie", cookie);
  auto kept = std::make_shared<int>(0);
  {
    boost::asio::io_context short_lived;
    store->hold(true, false);
    const auto wrapped = asio::Sessions(blocking)([](Session&, Message& r) { r.status = 201; });
    wrapped(std::as_const(request), response, {},
            boost::asio::bind_executor(short_lived, [kept](const std::exception_ptr&) {}));
    until_held();
    EXPECT_TRUE(blocking.stop());
  }
  EXPECT_EQ(kept.use_count(), 1) << "what waited for its turn is gone";
  EXPECT_EQ(response.status, 200U) << "and its handler was not called";
}

}  // namespace
}  // namespace flame::session
