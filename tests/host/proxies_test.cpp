#include "host/proxies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <flame/csrf.hpp>
#include <flame/flame.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::status_of;
using test::Wire;

/// Proxies stand at 10.0.0.0/8, 2001:db8:1::/48 and 198.51.100.1.
HostOptions trusting(ProxyFields fields = ProxyFields::x_forwarded) {
  HostOptions options;
  options.trusted_proxies = {"10.0.0.0/8", "2001:db8:1::/48", "198.51.100.1"};
  options.proxy_fields = fields;
  return options;
}

struct Row {
  const char* peer;
  std::vector<Field> fields;
  std::string want;  // address, and what else there is
};

std::string told(const detail::Proxies& proxies, const Row& row) {
  const auto client = proxies.peer_of(row.peer, row.fields);
  auto text = client.address;
  if (client.is_proxy) text += " proxy";
  if (client.secure) text += " TLS";
  if (!client.host.empty()) text.append(" ").append(client.host);
  return text;
}

void check(ProxyFields fields, const std::vector<Row>& rows) {
  const detail::Proxies proxies(trusting(fields));
  for (const auto& row : rows) {
    std::string shown = row.peer;
    for (const auto& [name, value] : row.fields)
      shown.append(", ").append(name).append(": ").append(value);
    EXPECT_EQ(told(proxies, row), row.want) << shown;
  }
}

Field for_(const char* value) { return {"X-Forwarded-For", value}; }
Field proto(const char* value) { return {"X-Forwarded-Proto", value}; }
Field host(const char* value) { return {"X-Forwarded-Host", value}; }
Field forwarded(const char* value) { return {"Forwarded", value}; }

TEST(Proxies, TellByXForwarded) {
  check(
      ProxyFields::x_forwarded,
      {
          // who is no trusted proxy tells nothing
          {"203.0.113.7", {}, "203.0.113.7"},
          {"203.0.113.7", {for_("1.2.3.4"), proto("https"), host("evil.example")}, "203.0.113.7"},
          {"127.0.0.1", {for_("1.2.3.4"), proto("https")}, "127.0.0.1"},
          {"11.0.0.1", {for_("1.2.3.4")}, "11.0.0.1"},
          {"2001:db8:2::1", {for_("1.2.3.4")}, "2001:db8:2::1"},
          {"198.51.100.2", {for_("1.2.3.4")}, "198.51.100.2"},
          // one proxy
          {"10.0.0.1", {for_("203.0.113.7")}, "203.0.113.7"},
          {"198.51.100.1", {for_("203.0.113.7")}, "203.0.113.7"},
          {"2001:db8:1::9", {for_("203.0.113.7")}, "203.0.113.7"},
          {"::ffff:10.0.0.1", {for_("203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {{"x-forwarded-for", " 203.0.113.7\t"}}, "203.0.113.7"},
          {"10.0.0.1", {for_("2001:DB8:2:0::1")}, "2001:db8:2::1"},
          {"10.0.0.1", {for_("::ffff:203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {for_("192.168.0.7")}, "192.168.0.7"},
          // with ports
          {"10.0.0.1", {for_("203.0.113.7:4711")}, "203.0.113.7"},
          {"10.0.0.1", {for_("[2001:db8:2::1]:4711")}, "2001:db8:2::1"},
          {"10.0.0.1", {for_("[2001:db8:2::1]")}, "2001:db8:2::1"},
          // what the client itself had sent stands before what the proxy adds
          {"10.0.0.1", {for_("1.2.3.4, 203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {for_("10.0.0.9, 203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {for_("1.2.3.4"), for_("203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {for_("1.2.3.4, \"a,"), for_("203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {for_("garbage, 203.0.113.7")}, "203.0.113.7"},
          // several proxies
          {"10.0.0.1", {for_("203.0.113.7, 10.0.0.2")}, "203.0.113.7"},
          {"10.0.0.1", {for_("1.2.3.4,203.0.113.7,198.51.100.1,2001:db8:1::2")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7"), for_("10.0.0.2"), for_("10.0.0.3")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7, 10.0.0.2:80, [2001:db8:1::2]:80")}, "203.0.113.7"},
          // nobody is told: it is the last proxy that is known
          {"10.0.0.1", {}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("10.0.0.2")}, "10.0.0.2 proxy"},
          {"10.0.0.1", {for_("10.0.0.3, 10.0.0.2")}, "10.0.0.3 proxy"},
          // what cannot be read ends the chain
          {"10.0.0.1", {for_("unknown")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.7, unknown")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.7, _hidden, 10.0.0.2")}, "10.0.0.2 proxy"},
          {"10.0.0.1", {for_("203.0.113.7,")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.7 , , 10.0.0.2")}, "10.0.0.2 proxy"},
          {"10.0.0.1", {for_("203.0.113.7 203.0.113.8")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.7:")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.7:x")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.7:123456")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.07")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.256")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("0xcb007107")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("\"203.0.113.7\"")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("[203.0.113.7]")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("[2001:db8:2::1")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("[2001:db8:2::1]x")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("fe80::1%eth0")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("2001:db8:2::1::")}, "10.0.0.1 proxy"},
          // TLS, and the host
          {"10.0.0.1", {for_("203.0.113.7"), proto("https")}, "203.0.113.7 TLS"},
          {"10.0.0.1", {for_("203.0.113.7"), proto("HTTPS")}, "203.0.113.7 TLS"},
          {"10.0.0.1", {for_("203.0.113.7"), proto("http")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7"), proto("https, http")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7"), proto("http, https")}, "203.0.113.7 TLS"},
          {"10.0.0.1", {for_("203.0.113.7"), proto("https"), proto("http")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7"), proto("httpsx")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7"), proto("")}, "203.0.113.7"},
          {"10.0.0.1", {proto("https")}, "10.0.0.1 proxy TLS"},
          {"10.0.0.1", {for_("203.0.113.7"), host("a.example:8080")}, "203.0.113.7 a.example:8080"},
          {"10.0.0.1",
           {for_("203.0.113.7"), host("evil.example, a.example")},
           "203.0.113.7 a.example"},
          {"10.0.0.1", {for_("203.0.113.7"), host("a example")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7"), host("a/b")}, "203.0.113.7"},
          {"10.0.0.1", {for_("203.0.113.7"), host("user@a.example")}, "203.0.113.7"},
          // the other family is never read
          {"10.0.0.1", {forwarded("for=1.2.3.4;proto=https;host=evil.example")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("203.0.113.7"), forwarded("for=1.2.3.4;proto=https")}, "203.0.113.7"},
          {"10.0.0.1", {{"X-Real-IP", "1.2.3.4"}}, "10.0.0.1 proxy"},
      });
}

TEST(Proxies, TellByForwarded) {
  check(
      ProxyFields::forwarded,
      {
          {"203.0.113.7", {forwarded("for=1.2.3.4;proto=https;host=evil.example")}, "203.0.113.7"},
          {"10.0.0.1", {forwarded("for=203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {forwarded("For=203.0.113.7;PROTO=https")}, "203.0.113.7 TLS"},
          {"10.0.0.1", {forwarded("for=\"203.0.113.7:4711\"")}, "203.0.113.7"},
          {"10.0.0.1", {forwarded("for=\"[2001:db8:2::1]\"")}, "2001:db8:2::1"},
          {"10.0.0.1", {forwarded("for=\"[2001:db8:2::1]:4711\"")}, "2001:db8:2::1"},
          {"10.0.0.1",
           {forwarded("by=10.0.0.1;for=203.0.113.7;host=\"a.example:8080\";proto=https")},
           "203.0.113.7 TLS a.example:8080"},
          {"10.0.0.1",
           {forwarded("for=203.0.113.7 ; proto=https;; secret=\"x y\"")},
           "203.0.113.7 TLS"},
          // several proxies: what the outermost of ours was asked for counts
          {"10.0.0.1",
           {forwarded("for=203.0.113.7;proto=https;host=a.example, for=10.0.0.2;proto=http")},
           "203.0.113.7 TLS a.example"},
          {"10.0.0.1",
           {forwarded("for=203.0.113.7;proto=http"), forwarded("for=10.0.0.2;proto=https")},
           "203.0.113.7"},
          // what the client itself had sent
          {"10.0.0.1",
           {forwarded("for=1.2.3.4;proto=https;host=evil.example, for=203.0.113.7;proto=http")},
           "203.0.113.7"},
          {"10.0.0.1", {forwarded("for=1.2.3.4;proto=https, for=203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {forwarded("for=\"1.2.3.4, for=203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {forwarded("for=\"1.2.3.4"), forwarded("for=203.0.113.7")}, "203.0.113.7"},
          {"10.0.0.1", {forwarded("for=10.0.0.9;x=\"\\\", for=203.0.113.7")}, "203.0.113.7"},
          // nobody is told, but how it came to the proxy
          {"10.0.0.1", {}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("proto=https")}, "10.0.0.1 proxy TLS"},
          {"10.0.0.1", {forwarded("for=unknown;proto=https")}, "10.0.0.1 proxy TLS"},
          {"10.0.0.1", {forwarded("for=1.2.3.4, for=_hidden;proto=https")}, "10.0.0.1 proxy TLS"},
          {"10.0.0.1", {forwarded("for=1.2.3.4, for=\"10.0.0.2:_x\"")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for=10.0.0.2;proto=https")}, "10.0.0.2 proxy TLS"},
          // what cannot be read ends the chain
          {"10.0.0.1", {forwarded("for=203.0.113.7;proto=https,")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for=")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for =203.0.113.7")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for= 203.0.113.7")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("=203.0.113.7")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for=203.0.113.7;for=1.2.3.4")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for=[2001:db8:2::1]")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for=\"203.0.113.7")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for=203.0.113.7\"")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {forwarded("for=\"203.0.113\\.7\"")}, "10.0.0.1 proxy"},
          {"10.0.0.1",
           {forwarded("for=1.2.3.4;proto=https, garbage, for=10.0.0.2")},
           "10.0.0.2 proxy"},
          {"10.0.0.1", {forwarded("for=203.0.113.7;host=\"a b\"")}, "203.0.113.7"},
          // the other family is never read
          {"10.0.0.1", {for_("1.2.3.4"), proto("https"), host("evil.example")}, "10.0.0.1 proxy"},
          {"10.0.0.1", {for_("1.2.3.4"), forwarded("for=203.0.113.7")}, "203.0.113.7"},
      });
}

TEST(Proxies, WithoutAnyNobodyIsTrusted) {
  const detail::Proxies proxies{HostOptions{}};
  EXPECT_EQ(told(proxies, {"127.0.0.1", {for_("1.2.3.4"), proto("https")}, {}}), "127.0.0.1");
  EXPECT_EQ(told(proxies, {"no address", {for_("1.2.3.4")}, {}}), "no address");
}

TEST(Network, HasWhatItsBitsSay) {
  struct NetworkRow {
    const char *network, *address;
    bool has;
  };
  for (const auto& row : std::vector<NetworkRow>{
           {"10.0.0.0/8", "10.255.0.1", true},
           {"10.0.0.0/8", "11.0.0.1", false},
           {"10.0.0.0/8", "::ffff:10.0.0.1", true},
           {"10.0.0.0/8", "a00::1", false},
           {"10.0.0.4/31", "10.0.0.5", true},
           {"10.0.0.4/31", "10.0.0.6", false},
           {"10.0.0.4/32", "10.0.0.4", true},
           {"10.0.0.4", "10.0.0.4", true},
           {"10.0.0.4", "10.0.0.5", false},
           {"0.0.0.0/0", "203.0.113.7", true},
           {"0.0.0.0/0", "2001:db8::1", false},
           {"::/0", "2001:db8::1", true},
           {"::/0", "203.0.113.7", false},
           {"::ffff:10.0.0.0/104", "10.1.2.3", true},
           {"2001:db8::/33", "2001:db8:7fff::1", true},
           {"2001:db8::/33", "2001:db8:8000::1", false},
           {"2001:db8::1", "2001:db8::1", true},
           {"2001:db8::1", "2001:db8::2", false},
       }) {
    const auto network = detail::parse_network(row.network);
    const auto address = detail::parse_address(row.address);
    ASSERT_TRUE(network && address) << row.network;
    EXPECT_EQ(network->has(*address), row.has) << row.network << " " << row.address;
  }
}

TEST(Network, WhatIsNoneIsToldAtStart) {
  for (const auto* text : {"", "proxy.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                           "10.0.0.0/+8", "10.0.0.0/8x", "10.0.0.0/ 8", "10.0.0.1/8", "10.0.0/8",
                           "10.0.0.0/8/8", "2001:db8::/129", "2001:db8::1/32", "[2001:db8::1]",
                           "fe80::1%eth0", "10.0.0.1:80", " 10.0.0.1", "*", "localhost"})
    EXPECT_FALSE(detail::parse_network(text)) << text;
  HostOptions options;
  options.trusted_proxies = {"10.0.0.0/8", "10.0.0.1/8", "proxy.example"};
  Flame f(test::local(options));
  f.get("/", [] {});
  const auto started = f.start();
  ASSERT_FALSE(started);
  const std::string after =
      "`, which is neither an address nor a network: give one such as 192.0.2.7, 10.0.0.0/8 or "
      "2001:db8::/32, with no bit set beyond its number of bits";
  EXPECT_EQ(started.error().text, "option trusted_proxies has `10.0.0.1/8" + after +
                                      "\noption trusted_proxies has `proxy.example" + after);
}

/// What a handler sees of a request.
std::string seen(const Request& request) {
  std::string text(request.peer());
  text.append(request.from_this_host() ? " here" : "").append(request.secure() ? " TLS " : " ");
  return text.append(request.host());
}

std::string ask(Wire& wire, const std::string& fields) {
  wire.send("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
  return body_of(wire.read_response());
}

const std::string spoofed =
    "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n"
    "Forwarded: for=1.2.3.4;proto=https;host=evil.example\r\n";

TEST(ProxiesOverHttp, NobodyIsBelievedUnlessNamed) {
  for (const auto fields : {ProxyFields::x_forwarded, ProxyFields::forwarded}) {
    auto options = trusting(fields);
    Flame f(test::local(options));
    f.get("/", [](const Request& r) { return seen(r); });
    ASSERT_TRUE(f.start());
    Wire wire(f.address());
    EXPECT_EQ(ask(wire, spoofed), "127.0.0.1 here h");
  }
}

TEST(ProxiesOverHttp, EachRequestOfAConnectionIsOfAClientOfItsOwn) {
  auto options = trusting();
  options.trusted_proxies = {"127.0.0.1"};
  Flame f(test::local(options));
  f.get("/", [](const Request& r) { return seen(r); });
  ASSERT_TRUE(f.start());
  Wire wire(f.address());
  EXPECT_EQ(ask(wire,
                "X-Forwarded-For: 1.2.3.4, 203.0.113.7\r\nX-Forwarded-Proto: https\r\n"
                "X-Forwarded-Host: a.example\r\n"),
            "203.0.113.7 TLS a.example");
  EXPECT_EQ(ask(wire, "X-Forwarded-For: 2001:db8::7\r\n"), "2001:db8::7 h");
  EXPECT_EQ(ask(wire, ""), "127.0.0.1 h");
  EXPECT_EQ(ask(wire, "X-Forwarded-For: ::1\r\nX-Forwarded-Proto: https\r\n"), "::1 here TLS h");
}

TEST(ProxiesOverHttp, TheLogNamesTheClient) {
  HostOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  options.max_body = 10;
  Flame f = classic(test::local(options));
  f.get("/", [] { return "x"; });
  testing::internal::CaptureStdout();
  ASSERT_TRUE(f.start());
  {
    Wire wire(f.address());
    EXPECT_EQ(ask(wire, "X-Forwarded-For: 203.0.113.7\r\n"), "x");
    EXPECT_EQ(ask(wire, ""), "x");
    wire.send(
        "POST / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.8\r\nContent-Length: 11\r\n\r\n"
        "12345678901");
    EXPECT_EQ(status_of(wire.read_response()), "413");
    // Refused in its head, where the proxy's own word may not have been read.
    Wire bad(f.address());
    bad.send("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nHost: a b\r\n\r\n");
    EXPECT_EQ(status_of(bad.read_response()), "400");
  }
  f.stop();
  std::istringstream log(testing::internal::GetCapturedStdout());
  std::vector<std::string> peers;
  for (std::string line; std::getline(log, line);) {
    const auto peer = line.substr(line.find(' ') + 1);
    peers.push_back(peer.substr(0, peer.find(' ')));
  }
  EXPECT_EQ(peers,
            (std::vector<std::string>{"203.0.113.7", "127.0.0.1", "203.0.113.8", "127.0.0.1"}));
}

TEST(ProxiesOverHttp, AProxyMayHaveAnyNumberOfConnections) {
  HostOptions options;
  options.max_per_address = 1;
  options.trusted_proxies = {"127.0.0.1"};
  Flame f(test::local(options));
  std::atomic<bool> go{false}, under_way{false};
  f.get("/", [] { return "x"; });
  f.get("/busy", [&](Context& c) -> Task<> {
    under_way = true;
    while (!go) co_await sleep_for(c, 1ms);
  });
  ASSERT_TRUE(f.start());
  Wire busy(f.address());
  busy.send(test::get("/busy"));
  while (!under_way) std::this_thread::yield();
  Wire second(f.address());
  second.send(test::get("/"));
  EXPECT_EQ(body_of(second.read_response()), "x");
  go = true;
}

TEST(ProxiesInFront, NewSessionsAreCountedByTheClientsAddress) {
  session::test_support::FakeClock clock;  // stands still: no second passes
  session::Options made;
  made.max_created_per_second = 50;
  made.on_event = [](const session::Event&) {};
  session::Manager manager(made, session::Environment{.clock = &clock});
  ASSERT_TRUE(manager.open());
  HostOptions options;
  options.trusted_proxies = {"127.0.0.1", "203.0.113.99"};
  Flame f(options);
  f.use(session::sessioner_on(manager));
  f.get("/", [](session::Session& s) { s.set("n", 1); });
  TestClient client(f);
  const auto begun = [&](const char* from, int tries) {
    int out = 0;
    for (int i = 0; i < tries; ++i)
      out += client.get("/", {{"X-Forwarded-For", from}}).status() == 200 ? 1 : 0;
    return out;
  };
  EXPECT_EQ(begun("203.0.113.7", 20), 5);
  EXPECT_EQ(begun("203.0.113.7, 1.2.3.4", 20), 5);
  EXPECT_EQ(begun("203.0.113.99", 20), 20) << "a proxy's own, of whoever is behind it";
}

TEST(ProxiesInFront, TellWhetherACookieIsAtRisk) {
  std::vector<std::string> events;
  session::Options made;
  made.on_event = [&](const session::Event& event) { events.emplace_back(event.name); };
  session::Manager manager(made);
  ASSERT_TRUE(manager.open());
  HostOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  Flame f(options);
  f.use(session::sessioner_on(manager));
  f.get("/", [](session::Session& s) { s.set("n", 1); });
  TestClient client(f);
  const auto told = [&](const TestClient::Fields& fields) {
    events.clear();
    client.get("/", fields);
    manager.wait_for_events();
    return std::ranges::find(events, session::event::cookie_at_risk) != events.end();
  };
  EXPECT_FALSE(told({{"X-Forwarded-For", "203.0.113.7"}, {"X-Forwarded-Proto", "https"}}));
  EXPECT_TRUE(told({{"X-Forwarded-For", "203.0.113.7"}, {"X-Forwarded-Proto", "http"}}));
}

TEST(ProxiesInFront, AnOriginIsComparedWithWhatTheyTell) {
  HostOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  Flame f(options);
  f.use(session::sessioner());
  f.use(session::csrf());
  f.post("/", [] { return "posted"; });
  TestClient client(f);
  const TestClient::Fields proxied{
      {"Host", "inner:2830"}, {"X-Forwarded-Host", "example.com"}, {"X-Forwarded-Proto", "https"}};
  testing::internal::CaptureStderr();
  const auto status = [&](const char* origin) {
    auto fields = proxied;
    fields.emplace_back("Origin", origin);
    return client.post("/", "", fields).status();
  };
  EXPECT_EQ(status("https://example.com"), 200);
  EXPECT_EQ(status("http://example.com"), 403);
  EXPECT_EQ(status("http://inner:2830"), 403);
  static_cast<void>(testing::internal::GetCapturedStderr());
}

}  // namespace
}  // namespace flame
