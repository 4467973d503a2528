#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support.hpp"

namespace flame {
namespace {

using test::body_of;
using test::status_of;
using test::Wire;

/// Echoes what it was given, so that a request which was framed wrongly shows.
Flame echo(HostOptions options = {}) {
  Flame f(test::local(std::move(options)));
  f.any("/{**}", [](Context& c) {
    std::string text(c.request().method_name());
    text.append(" ").append(c.request().path()).append("[").append(c.body()).append("]");
    for (const auto& field : c.request().fields()) {
      if (field.name == "Cookie") text.append(" cookie=").append(field.value);
    }
    return text;
  });
  return f;
}

const std::string host = "Host: h\r\n";

TEST(Framing, ZerosBeforeChunkSizesAreBounded) {
  Flame f = echo();
  ASSERT_TRUE(f.start());
  const auto chunks = [&](int count, std::size_t zeros) {
    std::string text = "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n";
    for (; count > 0; --count) text += std::string(zeros, '0') + "1\r\na\r\n";
    return text + "0\r\n\r\n";
  };
  const auto status = [&](const std::string& request) {
    Wire wire(f.address());
    wire.send(request);
    wire.finish_sending();
    return status_of(wire.read_all());
  };
  EXPECT_EQ(status(chunks(5'000, 0)), "200");
  EXPECT_EQ(status(chunks(1'000, 8)), "200");
  EXPECT_EQ(status(chunks(1'100, 8)), "431");
}

TEST(Framing, EveryByteOnItsOwn) {
  Flame f = echo();
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  const std::string request =
      "POST /x HTTP/1.1\r\n" + host +
      "Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n";
  for (const char byte : request + request) wire.send({&byte, 1});
  EXPECT_EQ(body_of(wire.read_response()), "POST /x[abcde] cookie=a=b");
  EXPECT_EQ(body_of(wire.read_response()), "POST /x[abcde] cookie=a=b");
}

TEST(Framing, LargeHeadsAndBodiesKeepTheirFields) {
  Flame f = echo();
  ASSERT_TRUE(f.start());
  const std::string cookie(9'000, 'c'), body(300'000, 'b');
  Wire wire(f.address());
  for (int i = 0; i < 3; ++i) {
    wire.send("POST /x HTTP/1.1\r\n" + host + "Cookie: " + cookie +
              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_TRUE(body_of(wire.read_response()) == "POST /x[" + body + "] cookie=" + cookie) << i;
  }
}

TEST(Framing, Pipelining) {
  Flame f = echo();
  f.get("/slow", [](Context& c) -> Task<std::string> {
    co_await sleep_for(c, std::chrono::milliseconds(20));
    co_return "slow " + std::string(c.request().field("Cookie"));
  });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const bool slow = i % 25 == 0;
    all.append("GET ").append(slow ? "/slow" : "/quick").append(" HTTP/1.1\r\nHost: h\r\nCookie: ");
    all.append(std::to_string(i)).append("\r\n\r\n");
  }
  wire.send(all);
  for (int i = 0; i < 100; ++i) {
    const auto number = std::to_string(i);
    EXPECT_EQ(body_of(wire.read_response()),
              i % 25 == 0 ? "slow " + number : "GET /quick[] cookie=" + number);
  }
}

TEST(Framing, KeepAliveAsAsked) {
  Flame f = echo();
  ASSERT_TRUE(f.start());
  const auto asked = [&](const std::string& version, const std::string& fields) {
    Wire wire(f.address());
    wire.send("GET / HTTP/" + version + "\r\n" + host + fields + "\r\n");
    const auto first = wire.read_response();
    wire.send("GET / HTTP/" + version + "\r\n" + host + fields + "\r\n");
    return status_of(first) + (wire.read_response().empty() ? " closed" : " kept");
  };
  EXPECT_EQ(asked("1.1", ""), "200 kept");
  EXPECT_EQ(asked("1.1", "Connection: close\r\n"), "200 closed");
  EXPECT_EQ(asked("1.0", ""), "200 closed");
  EXPECT_EQ(asked("1.0", "Connection: keep-alive\r\n"), "200 kept");
}

TEST(Framing, ExpectContinue) {
  Flame f = echo();
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send("POST / HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(wire.read_response(), "HTTP/1.1 100 Continue\r\n\r\n");
  wire.send("ab");
  EXPECT_EQ(body_of(wire.read_response()), "POST /[ab]");
}

TEST(Framing, ResponsesAsTheyShouldBe) {
  Flame f(test::local());
  f.get("/", [](Context& c) {
    c.header("X-One", "1");
    return "body";
  });
  f.get("/empty", [](Context& c) { c.status(204); });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  wire.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  auto answer = wire.read_response();
  const auto date = answer.find("Date: ");
  ASSERT_NE(date, std::string::npos);
  answer.erase(date, answer.find("\r\n", date) + 2 - date);
  EXPECT_EQ(answer,
            "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 4\r\n\r\nbody");
  wire.send("GET /empty HTTP/1.1\r\nHost: h\r\n\r\n");
  answer = wire.read_response();
  EXPECT_EQ(status_of(answer), "204");
  EXPECT_EQ(answer.find("Content-"), std::string::npos);
  wire.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  answer = wire.read_all();
  EXPECT_NE(answer.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), "");
}

TEST(Framing, StatusLines) {
  Flame f(test::local());
  f.get("/{status}", [](Context& c) { return Response(std::stoi(c.param("status")), "body"); });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  for (const auto& [status, reason] :
       std::map<int, std::string>{{203, "Non-Authoritative Information"},
                                  {205, "Reset Content"},
                                  {418, "I'm a teapot"},
                                  {421, "Misdirected Request"},
                                  {451, "Unavailable For Legal Reasons"},
                                  {511, "Network Authentication Required"},
                                  {599, "Unknown"}}) {
    const auto line = std::to_string(status) + " " + reason;
    wire.send("GET /" + std::to_string(status) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto answer = wire.read_response();
    EXPECT_EQ(answer.substr(0, answer.find("\r\n")), "HTTP/1.1 " + line);
    EXPECT_EQ(body_of(answer), status == 205 ? "" : "body") << line;
    EXPECT_EQ(answer.find("Content-Length: 0\r\n") != std::string::npos, status == 205) << line;
  }
}

TEST(Limits, HeadBodyAndFields) {
  HostOptions options;
  options.max_head = 1'000;
  options.max_fields = 10;
  options.max_body = 50;
  Flame f = echo(options);
  ASSERT_TRUE(f.start());
  const auto status = [&](const std::string& request) {
    Wire wire(f.address());
    wire.send(request);
    return status_of(wire.read_response());
  };
  const auto get = [](std::size_t padding) {
    return "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(padding, 'x') + "\r\n\r\n";
  };
  const auto empty = get(0).size();
  EXPECT_EQ(status(get(1'000 - empty)), "200");
  EXPECT_EQ(status(get(1'001 - empty)), "431");
  EXPECT_EQ(status(get(100'000)), "431");
  EXPECT_EQ(status("GET /" + std::string(2'000, 'x')), "431");

  std::string fields;
  for (int i = 0; i < 9; ++i) fields += "X: y\r\n";
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"), "200");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n" + fields + "\r\n"), "431");

  const auto post = [](std::size_t size) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
           std::string(size, 'x');
  };
  EXPECT_EQ(status(post(50)), "200");
  EXPECT_EQ(status(post(51)), "413");
  EXPECT_EQ(status(post(5'000'000)), "413");

  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string forty = "28\r\n" + std::string(40, 'x') + "\r\n";
  EXPECT_EQ(status(chunked + forty + "a\r\n" + std::string(10, 'x') + "\r\n0\r\n\r\n"), "200");
  EXPECT_EQ(status(chunked + forty + "b\r\n" + std::string(11, 'x') + "\r\n0\r\n\r\n"), "413");
  EXPECT_EQ(status(chunked + "1;" + std::string(20'000, 'x') + "\r\n"), "431");
  EXPECT_EQ(status(chunked + "0\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n"), "431");
}

}  // namespace
}  // namespace flame
