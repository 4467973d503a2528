// What the suite cannot see over HTTP, or not without a second visitor.
#include <gtest/gtest.h>
#include <trantor/net/EventLoopThread.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <flame/session/drogon.hpp>

#include "controlled_store.hpp"

namespace flame::session {
namespace {

using ::drogon::HttpRequest;
using ::drogon::HttpRequestPtr;
using ::drogon::HttpResponse;
using ::drogon::HttpResponsePtr;
using ::drogon::Task;

struct DrogonAdapter : testing::Test {
  Options options{};
  HttpRequestPtr request = HttpRequest::newHttpRequest();

  template <class F, class... P>
  HttpResponsePtr answer(F handler, P... parameters) {
    Manager manager(options);
    EXPECT_TRUE(manager.open());
    const auto wrapped = drogon::Sessions(manager)(std::move(handler));
    auto task = wrapped(request, std::move(parameters)...);
    return ::drogon::sync_wait(std::move(task));
  }

  /// What Drogon's exception handler is told.
  template <class F>
  std::string failure_of(F handler) {
    try {
      answer(std::move(handler));
    } catch (const std::exception& e) {
      return e.what();
    }
    return {};
  }
};

TEST_F(DrogonAdapter, WhatOthersHoldTooKeepsNoCookieOfOneVisitor) {
  const auto page = HttpResponse::newHttpResponse(::drogon::k404NotFound, ::drogon::CT_TEXT_HTML);
  page->setBody(std::string("<p>Nothing here</p>"));
  page->addHeader("X-Own", "1");
  page->addCookie("theme", "dark");
  page->setExpiredTime(0);
  const auto sent = answer([&](Session& s) {
    s.set("n", 1);
    return page;
  });
  EXPECT_NE(sent, page);
  EXPECT_EQ(page->cookies().size(), 1U);
  EXPECT_EQ(page->getHeader("Cache-Control"), "");
  EXPECT_EQ(page->expiredTime(), 0);
  EXPECT_EQ(sent->expiredTime(), -1);
  EXPECT_EQ(sent->cookies().count("__Host-session"), 1U);
  EXPECT_EQ(sent->cookies().count("theme"), 1U);
  EXPECT_EQ(sent->getHeader("X-Own"), "1");
  EXPECT_EQ(sent->getHeader("Cache-Control"), "no-store");
  EXPECT_EQ(sent->statusCode(), ::drogon::k404NotFound);
  EXPECT_EQ(sent->contentTypeString(), page->contentTypeString());
  EXPECT_EQ(sent->body(), "<p>Nothing here</p>");
}

TEST_F(DrogonAdapter, ACopyIsOfTheKindThatItsOriginalIs) {
  const auto sent = [this](const HttpResponsePtr& page) {
    auto copy = answer([&](const Session&) { return page; });
    EXPECT_NE(copy, page);
    return copy;
  };
  const auto program =
      std::filesystem::canonical("/proc/self/exe");  // too large to be read at once
  const auto size = std::filesystem::file_size(program);
  const auto file = sent(HttpResponse::newFileResponse(program.string(), 2, size - 3, true, "",
                                                       ::drogon::CT_TEXT_CSS));
  EXPECT_EQ(file->sendfileName(), program.string());
  EXPECT_EQ(file->sendfileRange(), HttpResponse::SendfileRange(2, size - 3));
  EXPECT_EQ(file->statusCode(), ::drogon::k206PartialContent);
  EXPECT_NE(file->getHeader("Content-Range"), "");
  EXPECT_EQ(file->contentType(), ::drogon::CT_TEXT_CSS);

  const auto streamed = [](char*, std::size_t) -> std::size_t { return 0; };
  EXPECT_TRUE(sent(HttpResponse::newStreamResponse(streamed))->streamCallback());
  const auto later = [](::drogon::ResponseStreamPtr) {};
  EXPECT_TRUE(sent(HttpResponse::newAsyncStreamResponse(later))->asyncStreamCallback());
}

TEST_F(DrogonAdapter, AnAddressTellsWhoseItIs) {
  for (const std::string text : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "203.0.113.70",
                                 "2001:db8::7", "10.0.0.1", "0.0.0.0"}) {
    const bool is_v6 = text.find(':') != std::string::npos;
    const auto peer = drogon::detail::peer_of(::trantor::InetAddress(text, 80, is_v6));
    EXPECT_EQ(peer.is_this_host(), Peer(text).is_this_host()) << text;
    EXPECT_EQ(peer.is_one_client(), Peer(text).is_one_client()) << text;
  }
  EXPECT_FALSE(drogon::detail::peer_of(::trantor::InetAddress()).is_this_host());
}

TEST_F(DrogonAdapter, ARouteWithASessionIsNotCached) {
  const auto sent = answer([](const Session&) {
    auto response = HttpResponse::newHttpResponse();
    response->setExpiredTime(60);
    return response;
  });
  EXPECT_EQ(sent->expiredTime(), -1);
}

TEST_F(DrogonAdapter, TheCookieHasAllOfItsAttributes) {
  options.cookie = {.name = "sid",
                    .path = "/shop",
                    .domain = "example.org",
                    .same_site = SameSite::none,
                    .partitioned = true,
                    .persistent = true};
  const auto sent = answer([](Session& s) -> Task<HttpResponsePtr> {
    s.set("n", 1);
    co_return HttpResponse::newHttpResponse();
  });
  const auto& cookie = sent->getCookie("__Secure-sid");
  EXPECT_EQ(cookie.value().size(), 43U);
  EXPECT_EQ(cookie.path(), "/shop");
  EXPECT_EQ(cookie.domain(), "example.org");
  EXPECT_EQ(cookie.sameSite(), ::drogon::Cookie::SameSite::kNone);
  EXPECT_EQ(cookie.maxAge(), 12 * 3600);
  EXPECT_TRUE(cookie.isSecure());
  EXPECT_TRUE(cookie.isHttpOnly());
  EXPECT_TRUE(cookie.isPartitioned());
}

TEST_F(DrogonAdapter, AHandlerGetsThePathsParameters) {
  const auto sent = answer(
      [](int id, const HttpRequestPtr&, Session& s, const std::string& name) {
        s.set("n", id);
        auto response = HttpResponse::newHttpResponse();
        response->setBody(name + std::to_string(s.get_or("n", 0)));
        return response;
      },
      7, std::string("page"));
  EXPECT_EQ(sent->body(), "page7");
}

TEST_F(DrogonAdapter, WhatAHandlerThrowsIsItsExceptionHandlersToAnswer) {
  const auto fail = [](Session&) -> HttpResponsePtr { throw std::runtime_error("no more tea"); };
  EXPECT_EQ(failure_of(fail), "no more tea");
  const auto fail_later = [](Session&) -> Task<HttpResponsePtr> {
    throw std::runtime_error("no more cups");
    co_return nullptr;
  };
  EXPECT_EQ(failure_of(fail_later), "no more cups");
}

TEST_F(DrogonAdapter, ALoopThatEndsWaitsForItsOwnRequests) {
  const auto store = std::make_shared<demo::ControlledStore>();
  options.store = store;
  options.deadline = std::chrono::milliseconds(300);
  Manager manager(options);
  ASSERT_TRUE(manager.open());
  store->hold(false, true);
  const auto wrapped = drogon::Sessions(manager)([](Session& s) {
    s.set("n", 1);
    return HttpResponse::newHttpResponse();
  });
  std::thread::id answered_on;
  int status = 0;
  const auto ask = [&]() -> Task<> {
    auto asking = wrapped(request);
    const auto response = co_await asking;
    answered_on = std::this_thread::get_id();
    status = response->statusCode();
  };
  std::thread::id loops;
  {
    ::trantor::EventLoopThread thread;
    thread.run();
    thread.getLoop()->queueInLoop([&] {
      loops = std::this_thread::get_id();
      ::drogon::async_run(ask);
    });
    while (store->waiting() == 0) std::this_thread::yield();
  }
  EXPECT_EQ(status, 503);
  EXPECT_EQ(answered_on, loops);
  store->free();
}

TEST_F(DrogonAdapter, WhatDrogonWouldNotAnswerIsAnError) {
  EXPECT_EQ(failure_of([](Session&) -> HttpResponsePtr { throw 1; }),
            "a handler threw what is no std::exception");
  EXPECT_EQ(failure_of([](Session&) -> HttpResponsePtr { return nullptr; }),
            "a handler returned no response");
}

}  // namespace
}  // namespace flame::session
