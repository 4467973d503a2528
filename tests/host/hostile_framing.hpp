#pragma once

#include <cstddef>
#include <string>

#include "hostile_requests.hpp"

/// The rest of the requests: where they end, their fields, several on one connection, and bounds.
namespace flame::test {

inline HostileRequests lengths() {
  const auto refused = [](const std::string& value) {
    return HostileRequest{post("Content-Length:" + value, "abc"), "400"};
  };
  return {
      {post("Content-Length: 3", "abc"), "200 POST /[abc] | next"},
      {post("Content-Length:3", "abc"), "200 POST /[abc] | next"},
      {post("Content-Length: \t 3 \t", "abc"), "200 POST /[abc] | next"},
      {post("content-LENGTH: 003", "abc"), "200 POST /[abc] | next"},
      {post("Content-Length: 0", ""), "200 POST /[] | next"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "200 GET /[abc] | next"},
      {"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "200 POST /[abc]"},
      {post("Content-Length: 35", target("/smuggled")),
       "200 POST /[" + target("/smuggled") + "] | next"},
      // Without a body, what follows is a request indeed
      {post("Content-Length: 0", target("/x")), "200 POST /[] | 200 GET /x[] | next"},
      {post("X: y", target("/x")), "200 POST /[] | 200 GET /x[] | next"},
      {post("Content_Length: 28", target("/x")), "200 POST /[] | 200 GET /x[] | next"},
      {post("Content-Length: 3", "abcd"), "200 POST /[abc] | 200 dGET /next[]"},
      {post("Content-Length: 1000", "abc"), ""},  // the rest never came
      {post("Content-Length: 3\r\nContent-Length: 3", "abc"), "400"},
      {post("Content-Length: 3\r\nContent-Length: 4", "abc"), "400"},
      {post("Content-Length: 3\r\nContent-Length:", "abc"), "400"},
      {post("Content-Length: 3\r\nX: y\r\ncontent-length: 0", "abc"), "400"},
      {post("Content-Length : 3", "abc"), "400"},
      {post("Content-Length\t: 3", "abc"), "400"},
      {post("Content Length: 3", "abc"), "400"},
      {post(" Content-Length: 3", "abc"), "400"},
      {post("Content-Length:\r\n 3", "abc"), "400"},
      refused(""),
      refused("  "),
      refused(" 3, 3"),
      refused(" 3,3"),
      refused(" 3,"),
      refused(" ,3"),
      refused(" 3 3"),
      refused(" 3;3"),
      refused(" 3\t3"),
      refused(" +3"),
      refused(" -3"),
      refused(" -0"),
      refused(" 0x3"),
      refused(" 3h"),
      refused(" 3.0"),
      refused(" 3e0"),
      refused(" 0b11"),
      refused(" 3_"),
      refused(" \"3\""),
      refused(" (3)"),
      refused(" \v3"),
      refused(" 3\f"),
      refused(" \0003"s),
      refused(" \xef\xbc\x93"),  // a digit, but not of ASCII
      refused(" \xd9\xa3"),
      refused(" a"),
      refused(" 99999999999999999999"),
      refused(" 18446744073709551616"),  // 2^64
      {post("Content-Length: 18446744073709551615", "abc"), "413"},
      {post("Content-Length: 9223372036854775808", "abc"), "413"},
      {post("Content-Length: 4294967299", "abc"), "413"},  // 2^32 + 3
  };
}

inline HostileRequests encodings() {
  const std::string body = "3\r\nabc\r\n0\r\n\r\n";
  const auto encoded = [&](const std::string& value) {
    return post("Transfer-Encoding:" + value, body);
  };
  const auto refused = [&](const std::string& value) {
    return HostileRequest{encoded(value), "400"};
  };
  return {
      {encoded(" chunked"), "200 POST /[abc] | next"},
      {encoded("chunked"), "200 POST /[abc] | next"},
      {encoded(" CHUNKED"), "200 POST /[abc] | next"},
      {encoded("\tchunked \t"), "200 POST /[abc] | next"},
      {post("TE: chunked", ""), "200 POST /[] | next"},
      {post("TE: trailers", ""), "200 POST /[] | next"},
      {post("Transfer_Encoding: chunked", ""), "200 POST /[] | next"},
      {post("X-Transfer-Encoding: chunked", target("/x")), "200 POST /[] | 200 GET /x[] | next"},
      refused(""),
      refused(" chunked, chunked"),
      refused(" chunked,"),
      refused(" ,chunked"),
      refused(" gzip, chunked"),
      refused(" chunked, gzip"),
      refused(" identity, chunked"),
      refused(" chunked, identity"),
      refused(" identity"),
      refused(" gzip"),
      refused(" deflate"),
      refused(" cow"),
      refused(" xchunked"),
      refused(" x-chunked"),
      refused(" chunkedx"),
      refused(" chunk"),
      refused(" chunked x"),
      refused(" chunked;q=1"),
      refused(" chunked; a=b"),
      refused(" \"chunked\""),
      refused(" 'chunked'"),
      refused(" (chunked)"),
      refused(" \vchunked"),
      refused(" chunked\v"),
      refused(" \fchunked"),
      refused(" chunked\f"),
      refused(" chu\0nked"s),
      refused(" chunked\0"s),
      refused(" \x01"
              "chunked"),
      refused(" \xc2\xa0"
              "chunked"),
      refused(" ch\xc5\xb3nked"),
      refused("\r\n chunked"),
      refused("\r\n\tchunked"),
      refused(" chunked\r\n "),
      refused("\n chunked"),
      refused(" chunked\r\nTransfer-Encoding: chunked"),
      refused(" chunked\r\nTransfer-Encoding: identity"),
      refused(" identity\r\nTransfer-Encoding: chunked"),
      refused(" chunked\r\ntransfer-encoding:"),
      refused(" chunked\r\nContent-Length: 3"),
      refused(" chunked\r\nContent-Length: 0"),
      refused(" chunked\r\nContent-Length:"),
      refused(" identity\r\nContent-Length: 3"),
      {post("Content-Length: 3\r\nTransfer-Encoding: chunked", body), "400"},
      {post("Content-Length: 0\r\nTransfer-Encoding: chunked", body), "400"},
      {post("Content-Length: 3\r\nTransfer-Encoding:", "abc"), "400"},
      {post("Transfer-Encoding : chunked", body), "400"},
      {post("Transfer-Encoding\v: chunked", body), "400"},
      {post("Transfer-Encoding\0: chunked"s, body), "400"},
      {post(" Transfer-Encoding: chunked", body), "400"},
      {post("X: y\rTransfer-Encoding: chunked", body), "400"},
      {post("X: y\nTransfer-Encoding: chunked", body), "400"},
      {post("X: y\r\n Transfer-Encoding: chunked", body), "400"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + body, "400"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + body, "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
       "200 GET /[abc] | next"},
  };
}

inline HostileRequests chunks() {
  const std::string last = "0\r\n\r\n";
  const auto read = [&](const std::string& text) {
    return HostileRequest{chunked(text), "200 POST /[a] | next"};
  };
  const auto refused = [&](const std::string& text) {
    return HostileRequest{chunked(text + "\r\na\r\n" + last), "400"};
  };
  return {
      read("1\r\na\r\n" + last),
      read("0001\r\na\r\n" + last),
      read("1\r\na\r\n000\r\n\r\n"),
      read("1;x\r\na\r\n" + last),
      read("1;x=y\r\na\r\n" + last),
      read("1;x=\"y;\\\"\"\r\na\r\n" + last),
      read("1 ; x = y\r\na\r\n" + last),
      read("1\r\na\r\n0;x=y\r\n\r\n"),
      {chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n" + last),
       "200 POST /[01234567890123456789] | next"},
      {chunked("23\r\n" + target("/smuggled") + "\r\n" + last),
       "200 POST /[" + target("/smuggled") + "] | next"},
      {chunked("5\r\n0\r\n\r\n\r\n" + last), "200 POST /[0\r\n\r\n] | next"},
      {chunked(last + target("/x")), "200 POST /[] | 200 GET /x[] | next"},
      refused(""),
      refused("x"),
      refused("g1"),
      refused("1g"),
      refused("-1"),
      refused("+1"),
      refused(" 1"),
      refused("\t1"),
      refused("1 "),
      refused("1\t"),
      refused("1 1"),
      refused("0x1"),
      refused("1h"),
      refused("1.0"),
      refused("1,"),
      refused("\"1\""),
      refused("1\0"s),
      refused("1\v"),
      refused("1\xef\xbc\x91"),
      refused("11111111111111111"),
      refused("10000000000000001"),
      refused("-0"),
      refused("1;"),
      refused("1;;x"),
      refused("1;=y"),
      refused("1;x="),
      refused("1;x y"),
      refused("1;x=y z"),
      refused("1;x=\"y\"z"),
      refused("1;\xe9"),
      refused("1;x\rz"),
      refused("1;x\nz"),
      refused("1;x=\"\n\""),  // others may see a line's end
      refused("1;x=\"\r\n\""),
      refused("1;x=\"\r\""),
      refused("1;x=\"\0\""s),
      refused("1;x=\"\x7f\""),
      refused("1;x=\"\\\n\""),
      {chunked("ffffffffffffffff\r\na\r\n" + last), "413"},
      {chunked("8000000000000000\r\na\r\n" + last), "413"},
      {chunked("100000001\r\na\r\n" + last), "413"},  // 2^32 + 1
      {chunked("1\na\r\n" + last), "400"},
      {chunked("1\ra\r\n" + last), "400"},
      {chunked("1\r\na\n" + last), "400"},
      {chunked("1\r\na\r" + last), "400"},
      {chunked("1\r\na" + last), "400"},
      {chunked("1\r\nab\r\n" + last), "400"},
      {chunked("1\r\n\r\n" + last), "400"},
      {chunked("2\r\na\r\n" + last), "400"},
      {chunked("1\r\na\r\n\r\n" + last), "400"},
      {chunked("1\r\na\r\n0\r\n"), "400"},  // the next request is no trailer
      {chunked("1\r\na\r\n0\n\n"), "400"},
      {chunked("1\r\na\r\n0\r\n\n"), "400"},
      {chunked("1\r\na\r\n"), "400"},
      {chunked(""), "400"},
      {chunked("1000\r\na"), ""},                // the rest never came
      {chunked("1;x=\"y\r\na\r\n" + last), ""},  // nor the second quote: 408 in time
      {chunked("1;x=\"y\r\na\r\n" + last + with("X: \"")), "400"},
  };
}

inline HostileRequests trailers() {
  const auto ignored = [](const std::string& lines) {
    return HostileRequest{trailer(lines), "200 POST /[a] | next"};
  };
  const auto refused = [](const std::string& lines) {
    return HostileRequest{trailer(lines), "400"};
  };
  return {
      ignored("X: y"),
      ignored("X: y\r\nZ:"),
      ignored("Cookie: session=stolen"),
      ignored("Host: other"),
      ignored("Authorization: Basic eDp5"),
      ignored("Connection: close"),
      ignored("Expect: 100-continue"),
      ignored("Upgrade: h2c"),
      refused("Content-Length: 3"),
      refused("Content-Length: 1"),
      refused("Transfer-Encoding: chunked"),
      refused("X: a\r\n b"),
      refused("X:\r\n\tb"),
      refused("X: a\r\n \r\nY: b"),
      refused(" X: a"),
      refused("X : a"),
      refused("X y: a"),
      refused(": a"),
      refused("no colon"),
      refused("X: a\nY: b"),
      refused("X: a\rb"),
      refused("X: a\0b"s),
      refused("X: a\x01"),
      refused("X: a\r\r"),
      refused("GET /smuggled HTTP/1.1\r\nHost: h"),
  };
}

inline HostileRequests fields() {
  const auto read = [](const std::string& lines) {
    return HostileRequest{with(lines), "200 GET /[] | next"};
  };
  const auto closes = [](const std::string& lines) {
    return HostileRequest{with(lines), "200 GET /[]"};
  };
  const auto refused = [](const std::string& lines) { return HostileRequest{with(lines), "400"}; };
  return {
      read("X:"),
      read("X:y"),
      read("X::y"),
      read("X: \t y \t "),
      read("X: a\tb"),
      read("X: \xe9\xff"),
      read("!#$%&'*+-.^_`|~09Az: y"),
      read("X: y\r\nX: y\r\nx: z"),
      {with("Cookie: a=1\r\nX: y\r\nCookie: b=2"), "200 GET /[] cookie=a=1 cookie=b=2 | next"},
      refused("X : y"),
      refused("X\t: y"),
      refused(": y"),
      refused(" : y"),
      refused("no colon"),
      refused("X y: z"),
      refused("X\0: y"s),
      refused("X\x01: y"),
      refused("X\x7f: y"),
      refused("X(: y"),
      refused("X@y: z"),
      refused("X[0]: y"),
      refused("X/y: z"),
      refused("\"X\": y"),
      refused("{X}: y"),
      refused("\xe9: y"),
      refused("X\xc2\xa0: y"),
      refused("X: a\0b"s),
      refused("X: \0"s),
      refused("X: a\x01"
              "b"),
      refused("X: a\x08"
              "b"),
      refused("X: a\vb"),
      refused("X: a\fb"),
      refused("X: \x1b[0m"),
      refused("X: a\x7f"
              "b"),
      refused("X: a\rb"),
      refused("X: a\r\r\nY: b"),
      refused("X: a\nY: b"),
      refused("X: a\n b"),
      refused("X: a\r\n b"),
      refused("X: a\r\n\tb"),
      refused("X:\r\n \r\nY: b"),
      refused(" X: a"),
      refused("\tX: a"),
      refused("\rX: a"),
      refused("\nX: a"),
      {"GET / HTTP/1.1\r\nHost: h\r\n\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\n \r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\n", "400"},  // the next request is no field
      // Connection
      closes("Connection: close"),
      closes("Connection: CLOSE"),
      closes("Connection: keep-alive, close"),
      closes("Connection: close, keep-alive"),
      closes("Connection: x ,\tclose\t, y"),
      closes("Connection: keep-alive\r\nConnection: close"),
      closes("Connection: ,close"),
      read("Connection: keep-alive"),
      read("Connection:"),
      read("Connection: closed"),
      read("Connection: x-close"),
      read("Connection: Host, Cookie"),
      read("Proxy-Connection: close"),
      read("Keep-Alive: timeout=1"),
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 GET /[] | next"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "200 GET /[]"},
      {"GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", "200 GET /[]"},
      {"GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", "200 GET /[]"},
      // Upgrade, Expect
      read("Upgrade: websocket\r\nConnection: Upgrade"),
      read("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk"),
      read("Upgrade: TLS/1.2\r\nConnection: Upgrade"),
      {post("Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3", "abc"),
       "200 POST /[abc] | next"},
      read("Expect: 100-continue"),
      read("Expect: something"),
      {post("Expect: 100-continue\r\nContent-Length: 3", "abc"), "200 POST /[abc] | next"},
      {post("Expect: 100-CONTINUE\r\nTransfer-Encoding: chunked", "1\r\na\r\n0\r\n\r\n"),
       "200 POST /[a] | next"},
      {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
       "200 POST /[abc]"},
      {post("Expect: 100-continue\r\nContent-Length: 9999999", ""), "413"},
      {post("Expect: 100-continue\r\nContent-Length: x", ""), "400"},
  };
}

inline HostileRequests sequences() {
  const auto a = target("/a"), b = target("/b"), bad = host("");
  return {
      {a + b, "200 GET /a[] | 200 GET /b[] | next"},
      {a + "\r\n" + b, "200 GET /a[] | 200 GET /b[] | next"},
      {a + "\r\n\r\n" + b, "200 GET /a[] | 400"},
      {a + bad + b, "200 GET /a[] | 400"},
      {a + "x" + bad, "200 GET /a[] | 400"},
      {a + std::string(1, '\0') + b, "200 GET /a[] | 400"},
      {a + with("Connection: close") + b, "200 GET /a[] | 200 GET /[]"},
      {a + "GET / HTTP/1.0\r\n\r\n" + b, "200 GET /a[] | 200 GET /[]"},
      {post("Content-Length: 3", "abc") + b, "200 POST /[abc] | 200 GET /b[] | next"},
      {chunked("1\r\na\r\n0\r\n\r\n") + b, "200 POST /[a] | 200 GET /b[] | next"},
      {trailer("X: y") + "\r\n" + b, "200 POST /[a] | 200 GET /b[] | next"},
      {chunked("1\r\na\r\n0\r\n\r\nx\r\n\r\n") + b, "200 POST /[a] | 400"},
      {post("Content-Length: 3", "abc\r\n") + b, "200 POST /[abc] | 200 GET /b[] | next"},
      {line("OPTIONS * HTTP/1.1") + a, "204 | 200 GET /a[] | next"},
      {a + "\x16\x03\x01\x02\x00\x01\x00"s, "200 GET /a[] | 400"},
      {a + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "200 GET /a[] | 400"},
      {chunked("x") + "\r\n0\r\n\r\n" + b, "400"},
      {post("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n") + b, "400"},
  };
}

/// At the defaults of HostOptions.
inline HostileRequests limits() {
  const auto x = [](std::size_t count) { return std::string(count, 'x'); };
  const auto many = [](int count) {
    std::string lines = "X: y";
    for (; count > 1; --count) lines += "\r\nX: y";
    return lines;
  };
  return {
      {with("X: " + x(16'000)), "200 GET /[] | next"},
      {with("X: " + x(17'000)), "431"},
      {with("X: " + x(200'000)), "431"},
      {with(x(17'000) + ": y"), "431"},
      {target("/" + x(17'000)), "431"},
      {line(x(17'000) + " / HTTP/1.1"), "431"},
      {x(17'000), "431"},
      {with(many(99)), "200 GET /[] | next"},
      {with(many(100)), "431"},
      {with(many(2'000)), "431"},
      {post("Content-Length: 1048577", ""), "413"},
      {post("Content-Length: 1048577", x(100'000)), "413"},
      {chunked("100001\r\n"), "413"},
      {chunked("100000\r\n" + x(1 << 20) + "\r\n1\r\nx\r\n0\r\n\r\n"), "413"},
      {chunked("1;" + x(20'000) + "\r\na\r\n0\r\n\r\n"), "431"},
      {chunked("1;x=\"" + x(20'000) + "\"\r\na\r\n0\r\n\r\n"), "431"},
      {chunked(std::string(20'000, '0') + "1\r\na\r\n0\r\n\r\n"), "431"},
      {trailer("X: " + x(9'000)), "431"},
      {trailer(many(4'000)), "431"},
  };
}

}  // namespace flame::test
