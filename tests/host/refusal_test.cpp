// What the host refuses by itself: each is answered, ends the connection, and leaves a line in the
// request log.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "host/text.hpp"
#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::status_of;
using test::Wire;

const std::string host = "Host: h\r\n";

Flame logging(HostOptions options = {}) {
  Flame f = classic(test::local(std::move(options)));
  f.any("/{**}", [](Context& c) { return std::string(c.request().path()); });
  return f;
}

/// The lines of the request log meanwhile, without what differs from run to run.
template <class Act>
std::vector<std::string> logged(Flame& f, Act act) {
  testing::internal::CaptureStdout();
  EXPECT_TRUE(f.start());
  act();
  f.stop();
  std::istringstream text(testing::internal::GetCapturedStdout());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string when, peer, method, path, status, took, why;
    words >> when >> peer >> method >> path >> status >> took;
    std::getline(words, why);
    EXPECT_TRUE(when.ends_with("Z") && peer == "127.0.0.1" && took.ends_with("us")) << line;
    lines.push_back(method.append(" ").append(path).append(" ").append(status).append(why));
  }
  return lines;
}

struct Row {
  std::string request;
  std::string line;  // without the reason: the request was not refused
};

TEST(Refusals, LeaveALineWithStatusAndReason) {
  const std::vector<Row> rows{
      {"GET /a?b HTTP/1.1\r\n" + host + "\r\n", "GET /a 200"},
      {"GET / HTTP/1.1\nHost: h\n\n", "- - 400 bad line"},
      {"GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", "- - 400 bad line"},
      {"GE(T / HTTP/1.1\r\n" + host + "\r\n", "- - 400 bad method"},
      {"GET / HTTP/3.1\r\n" + host + "\r\n", "- - 400 bad version"},
      {"GET x HTTP/1.1\r\n" + host + "\r\n", "GET - 400 bad target"},
      {"GET /a%2 HTTP/1.1\r\n" + host + "\r\n", "GET /a%2 400 bad target"},
      {"GET /a HTTP/1.1\r\n\r\n", "GET /a 400 bad Host"},
      {"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", "GET /a 400 bad Host"},
      {"GET /\xff HTTP/1.1\r\n" + host + "\r\n", "GET - 400 bad target"},
      {std::string("\x16\x03\x01\x02\x00", 5), "- - 400 TLS on the plain port"},
      {"POST /a HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\n",
       "POST /a 400 bad Content-Length"},
      {"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
       "POST /a 400 bad Transfer-Encoding"},
      {"POST /a HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
       "POST /a 400 more than one length"},
      {"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
       "POST /a 400 bad chunk"},
      {"POST /a HTTP/1.1\r\n" + host + "Content-Length: 51\r\n\r\n", "POST /a 413 body too large"},
      {"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n33\r\n" +
           std::string(51, 'x') + "\r\n0\r\n\r\n",
       "POST /a 413 body too large"},
      {"GET /" + std::string(2'000, 'x'), "- - 431 head too large"},
      {"GET /a HTTP/1.1\r\n" + host + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", "GET /a 431 too many fields"},
      {"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1;" +
           std::string(9'000, 'x') + "\r\n",
       "POST /a 431 chunk extras too large"},
  };
  HostOptions options;
  options.max_head = 1'000;
  options.max_body = 50;
  options.max_fields = 3;
  for (const auto& row : rows) {
    Flame f = logging(options);
    std::string answer;
    const auto lines = logged(f, [&] {
      Wire wire(f.address());
      wire.send(row.request);
      wire.finish_sending();
      answer = wire.read_all();
    });
    EXPECT_EQ(lines, std::vector<std::string>{row.line}) << row.request;
    EXPECT_NE(row.line.find(" " + status_of(answer)), std::string::npos) << answer;
    const bool closes = answer.find("\r\nConnection: close\r\n") != std::string::npos;
    EXPECT_EQ(closes, status_of(answer) != "200") << answer;
  }
}

TEST(Refusals, NameNothingOfTheRequestBefore) {
  Flame f = logging();
  const auto lines = logged(f, [&] {
    Wire wire(f.address());
    wire.send("GET /before HTTP/1.1\r\n" + host + "\r\n" + "GET / HTTP/1.1\n");
    EXPECT_EQ(status_of(wire.read_response()), "200");
    EXPECT_EQ(status_of(wire.read_all()), "400");
  });
  EXPECT_EQ(lines, (std::vector<std::string>{"GET /before 200", "- - 400 bad line"}));
}

TEST(Refusals, SlowHeadsAndBodies) {
  HostOptions options;
  options.head_time = options.body_time = 20ms;
  Flame f = logging(options);
  auto lines = logged(f, [&] {
    Wire head(f.address()), body(f.address());
    head.send("GET /a HTT");
    body.send("POST /b HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nab");
    EXPECT_EQ(status_of(head.read_all()), "408");
    EXPECT_EQ(status_of(body.read_all()), "408");
  });
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines,
            (std::vector<std::string>{"- - 408 head too slow", "POST /b 408 body too slow"}));
}

TEST(Refusals, TooManyConnections) {
  HostOptions options;
  options.max_connections = 1;
  Flame f = logging(options);
  const auto lines = logged(f, [&] {
    Wire first(f.address());
    first.send("GET /a HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(status_of(first.read_response()), "200");
    const auto answer = Wire(f.address()).read_all();
    EXPECT_EQ(status_of(answer), "503");
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << answer;
    EXPECT_EQ(body_of(answer), "Service Unavailable\n");
  });
  EXPECT_EQ(lines, (std::vector<std::string>{"GET /a 200", "- - 503 too many connections"}));
}

TEST(Refusals, EveryBadRequestEndsItsConnection) {
  for (const char* target : {"/%", "/a%2", "/%zz", "/a/%g0?x", "http://h/%2x"}) {
    Flame f = logging();
    const auto lines = logged(f, [&] {
      Wire wire(f.address());
      wire.send("GET " + std::string(target) + " HTTP/1.1\r\n" + host + "\r\n" +
                "GET /next HTTP/1.1\r\n" + host + "\r\n");
      const auto answers = wire.read_all();
      EXPECT_EQ(status_of(answers), "400") << target;
      EXPECT_EQ(body_of(answers), "Bad Request\n") << target;
    });
    EXPECT_EQ(lines.size(), 1U) << target;
  }
}

TEST(PercentEncoding, EndsWithTheText) {
  constexpr std::string_view text = "/a%41";
  EXPECT_TRUE(detail::is_percent_encoded(text));
  EXPECT_EQ(detail::percent_decoded(text), "/aA");
  for (const std::size_t size : {3, 4}) {
    EXPECT_FALSE(detail::is_percent_encoded(text.substr(0, size)));
    EXPECT_FALSE(detail::percent_decoded(text.substr(0, size)));
  }
}

TEST(EmptyLine, OneBeforeARequestIsIgnored) {
  const std::vector<Row> rows{
      {"\r\nGET /a HTTP/1.1\r\n" + host + "\r\n", "200"},
      {"\r\n\r\nGET /a HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"\nGET /a HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"\rGET /a HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"\r\r\nGET /a HTTP/1.1\r\n" + host + "\r\n", "400"},
      {" \r\nGET /a HTTP/1.1\r\n" + host + "\r\n", "400"},
      {"GET /a HTTP/1.1\r\n\r\n" + host + "\r\n", "400"},  // ends the head: it has no Host
  };
  Flame f = logging();
  ASSERT_TRUE(f.start());
  for (const auto& row : rows) {
    for (const bool at_once : {true, false}) {
      Wire wire(f.address());
      if (at_once) {
        wire.send(row.request);
      } else {
        for (const char byte : row.request) wire.send({&byte, 1});
      }
      const auto answer = wire.read_response();
      EXPECT_EQ(status_of(answer), row.line) << row.request;
      EXPECT_EQ(body_of(answer), row.line == "200" ? "/a" : "Bad Request\n");
    }
  }
}

TEST(EmptyLine, OneBeforeEachOfManyRequests) {
  Flame f = logging();
  ASSERT_TRUE(f.start());
  const std::string large(5'000, 'x');  // moves the buffer
  const std::string all = "POST /a HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n\r\n" +
                          "\r\nGET /" + large + " HTTP/1.1\r\n" + host + "\r\n" +
                          "\r\nPOST /c HTTP/1.1\r\n" + host +
                          "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" +
                          "\r\nGET /d HTTP/1.1\r\n" + host + "\r\n" + "\r\n\r\n";
  for (const bool at_once : {true, false}) {
    Wire wire(f.address());
    if (at_once) {
      wire.send(all);
    } else {
      for (const char byte : all) wire.send({&byte, 1});
    }
    EXPECT_EQ(body_of(wire.read_response()), "/a");
    EXPECT_EQ(body_of(wire.read_response()), "/" + large);
    EXPECT_EQ(body_of(wire.read_response()), "/c");
    EXPECT_EQ(body_of(wire.read_response()), "/d");
    EXPECT_EQ(status_of(wire.read_all()), "400") << "two empty lines";
  }
}

TEST(EmptyLine, ASecondOneIsRefusedHoweverLateItComes) {
  Flame f = logging();
  ASSERT_TRUE(f.start());
  Wire late(f.address()), other(f.address());
  for (const char* line : {"\r\n", "\r\n", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    late.send(line);
    other.send("GET / HTTP/1.1\r\n" + host + "\r\n");  // its answer: the line was read by now
    EXPECT_EQ(status_of(other.read_response()), "200");
  }
  late.finish_sending();
  EXPECT_EQ(status_of(late.read_all()), "400");
}

TEST(EmptyLine, BeginsNoRequest) {
  HostOptions options;
  options.head_time = options.idle_time = 20ms;
  Flame f = logging(options);
  const auto lines = logged(f, [&] {
    for (const char* idle : {"", "\r", "\r\n"}) {
      Wire wire(f.address());
      wire.send("GET /a HTTP/1.1\r\n" + host + "\r\n" + idle);
      EXPECT_EQ(status_of(wire.read_response()), "200");
      EXPECT_EQ(wire.read_all(), "") << "closed like one that is idle";
    }
  });
  EXPECT_EQ(lines, (std::vector<std::string>(3, "GET /a 200")));
}

}  // namespace
}  // namespace flame
