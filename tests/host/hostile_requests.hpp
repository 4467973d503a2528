#pragma once

#include <string>
#include <vector>

/// Requests as hostile, broken or unlucky clients send them, and what must come of each (RFC 9110,
/// RFC 9112; H01, H02): their lines, targets and hosts here, how they are framed in
/// hostile_framing.hpp. hostile_requests_test.cpp sends them.
namespace flame::test {

struct HostileRequest {
  std::string bytes;
  /// The answers, in order: a status, and for 200 what was read as the request, `METHOD path[body]`
  /// with the Host where it is not `h`, and the cookies. `next` is the request that follows on
  /// the same connection: without it the connection must close, with that one neither answered nor
  /// read.
  std::string answers;
};
using HostileRequests = std::vector<HostileRequest>;

using namespace std::string_literals;  // for what has a NUL in it

inline std::string line(const std::string& text) { return text + "\r\nHost: h\r\n\r\n"; }
inline std::string target(const std::string& text) { return line("GET " + text + " HTTP/1.1"); }
inline std::string host(const std::string& value) {
  return "GET / HTTP/1.1\r\nHost:" + value + "\r\n\r\n";
}
inline std::string with(const std::string& fields) { return line("GET / HTTP/1.1\r\n" + fields); }
inline std::string post(const std::string& fields, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n\r\n" + body;
}
inline std::string chunked(const std::string& chunks) {
  return post("Transfer-Encoding: chunked", chunks);
}
inline std::string trailer(const std::string& lines) {
  return chunked("1\r\na\r\n0\r\n" + lines + "\r\n\r\n");
}

inline HostileRequests request_lines() {
  return {
      {line("GET / HTTP/1.1"), "200 GET /[] | next"},
      {"GET / HTTP/1.0\r\n\r\n", "200 GET /[]"},
      {line("get / HTTP/1.1"), "200 get /[] | next"},  // another method than GET
      {line("TRACE / HTTP/1.1"), "200 TRACE /[] | next"},
      {line("M-SEARCH / HTTP/1.1"), "200 M-SEARCH /[] | next"},
      {"\r\n" + line("GET / HTTP/1.1"), "200 GET /[] | next"},
      {line("GET / HTTP/1.1") + "\r\n", "200 GET /[] | next"},
      {"\r\n\r\n" + line("GET / HTTP/1.1"), "400"},
      {"\n" + line("GET / HTTP/1.1"), "400"},
      {"\r" + line("GET / HTTP/1.1"), "400"},
      {" " + line("GET / HTTP/1.1"), "400"},
      {"\xef\xbb\xbf" + line("GET / HTTP/1.1"), "400"},
      {line("GET  / HTTP/1.1"), "400"},
      {line("GET /  HTTP/1.1"), "400"},
      {line("GET / HTTP/1.1 "), "400"},
      {line("GET / HTTP/1.1 x"), "400"},
      {line("GET / x HTTP/1.1"), "400"},
      {line("GET\t/ HTTP/1.1"), "400"},
      {line("GET /\tHTTP/1.1"), "400"},
      {line("GET\v/ HTTP/1.1"), "400"},
      {line("GET / HTTP/1.1\r"), "400"},
      {line("GET\0 / HTTP/1.1"s), "400"},
      {line("GET\r/ HTTP/1.1"), "400"},
      {line("GET HTTP/1.1"), "400"},
      {line("GET"), "400"},
      {line("/ HTTP/1.1"), "400"},
      {line("(GET) / HTTP/1.1"), "400"},
      {line("G=T / HTTP/1.1"), "400"},
      {line("GET: / HTTP/1.1"), "400"},
      {line("G\xc3\x8bT / HTTP/1.1"), "400"},
      {line("CONNECT h:80 HTTP/1.1"), "400"},
      {line("CONNECT / HTTP/1.1"), "400"},
      {line("CONNECT http://h/ HTTP/1.1"), "400"},
      {"GET /\r\n", "400"},  // HTTP/0.9
      {"GET /\r\n\r\n", "400"},
      {"GET / HTTP/1.1\nHost: h\n\n", "400"},
      {"GET / HTTP/1.1\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\rHost: h\r\r", "400"},
      // Versions
      {line("GET / HTTP/0.9"), "400"},
      {line("GET / HTTP/1.2"), "400"},
      {line("GET / HTTP/1.10"), "400"},
      {line("GET / HTTP/2.0"), "400"},
      {line("GET / HTTP/2"), "400"},
      {line("GET / HTTP/3.0"), "400"},
      {line("GET / HTTP/01.1"), "400"},
      {line("GET / HTTP/1,1"), "400"},
      {line("GET / HTTP/1"), "400"},
      {line("GET / HTTP/11"), "400"},
      {line("GET / HTTP/+1.1"), "400"},
      {line("GET / HTTP/1. 1"), "400"},
      {line("GET / HTTP /1.1"), "400"},
      {line("GET / http/1.1"), "400"},
      {line("GET / HTP/1.1"), "400"},
      {line("GET / HTTPS/1.1"), "400"},
      {line("GET / ICY/1.1"), "400"},
      // Other protocols
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, "400"},  // a TLS hello
      {"\x16\x03\x01 / HTTP/1.1\r\n\r\n", "400"},
      {"\x80\x2e\x01\x03\x01\x00\x15"s, "400"},  // a hello of SSL 2
      {"SSH-2.0-client\r\n", "400"},
      {"EHLO h\r\n", "400"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + line("GET / HTTP/1.1"), "400"},
      {"\r\n\r\n\0\r\nQUIT\n\x20\x11"s, "400"},  // the PROXY protocol's other form
      {line("OPTIONS rtsp://h/ RTSP/1.0"), "400"},
      {"*1\r\n$4\r\nPING\r\n", "400"},
      {"{\"method\":\"x\"}\r\n\r\n", "400"},
  };
}

inline HostileRequests targets() {
  return {
      {target("/%E9%C3%A9%C0"), "200 GET /%E9%C3%A9%C0[] | next"},
      {target("/a/../b"), "200 GET /a/../b[] | next"},  // routes see dots as any other segment
      {target("/%2e%2e/b"), "200 GET /%2e%2e/b[] | next"},
      {target("/a%2Fb"), "200 GET /a%2Fb[] | next"},
      {target("/a%5cb"), "200 GET /a%5cb[] | next"},
      {target("/a//b"), "200 GET /a//b[] | next"},
      {target("//h/x"), "200 GET //h/x[] | next"},
      {target("/a|b^c"), "200 GET /a|b^c[] | next"},  // browsers send these as they are
      {target("/?a=%00&%zz"), "200 GET /[] | next"},
      {target("/?a?b"), "200 GET /[] | next"},
      {target("/%2500"), "200 GET /%2500[] | next"},
      {target("/%00"), "400"},
      {target("/a%00.txt"), "400"},
      {target("/%"), "400"},
      {target("/%2"), "400"},
      {target("/%zz"), "400"},
      {target("/%u0041"), "400"},
      {target("/\xc3\xa9"), "400"},
      {target("/?\xe9"), "400"},
      {target("/\x7f"), "400"},
      {target("/\x01"), "400"},
      {target("/a\0b"s), "400"},
      {target("/%c0%af"), "400"},  // overlong: a slash, say
      {target("/%C1%81"), "400"},
      {target("/a%e0%80%afb"), "400"},
      {target("/%F0%80%80%af"), "400"},
      {target("/?x=%c0%80"), "400"},
      {target("/#x"), "400"},
      {target("/?#x"), "400"},
      {target("#x"), "400"},
      {target("x"), "400"},
      {target("?x"), "400"},
      {target("../x"), "400"},
      {target("\\x"), "400"},
      {target("h:80"), "400"},
      // The server's own
      {line("OPTIONS * HTTP/1.1"), "204 | next"},
      {target("*"), "400"},
      {target("*/x"), "400"},
      {line("POST * HTTP/1.1"), "400"},
      {line("OPTIONS ** HTTP/1.1"), "400"},
      {line("OPTIONS *?x HTTP/1.1"), "400"},
      // Absolute: its host is the one that counts
      {target("http://h/x"), "200 GET /x[] | next"},
      {target("HTTP://h/x"), "200 GET /x[] | next"},
      {target("https://h/x?y"), "200 GET /x[] | next"},
      {target("http://h"), "200 GET /[] | next"},
      {target("http://h?y"), "200 GET /[] | next"},
      {target("http://other/x"), "200 GET /x[] host=other | next"},
      {target("http://other:8080"), "200 GET /[] host=other:8080 | next"},
      {target("http://[::1]/x"), "200 GET /x[] host=[::1] | next"},
      {target("http://u@h/"), "400"},
      {target("http://u:p@h/"), "400"},
      {target("http://h:x/"), "400"},
      {target("http://h:65536/"), "400"},
      {target("http://[::1/"), "400"},
      {target("http://\xe9/"), "400"},
      {target("http://"), "400"},
      {target("http:///x"), "400"},
      {target("http:/x"), "400"},
      {target("http:x"), "400"},
      {target("http//h/x"), "400"},
      {target("http://h#x"), "400"},
      {target("http://h\\@other/"), "400"},
      {target("ftp://h/x"), "400"},
      {target("file:///etc/passwd"), "400"},
      {target("javascript:x"), "400"},
      {"GET http://h/ HTTP/1.1\r\n\r\n", "400"},
      {"GET http://h/ HTTP/1.1\r\nHost:\r\n\r\n", "400"},
      {"GET http://h/ HTTP/1.1\r\nHost: a@h\r\n\r\n", "400"},
      {"GET http://a/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400"},
  };
}

inline HostileRequests hosts() {
  return {
      {host("h"), "200 GET /[] | next"},
      {host(" \t h \t "), "200 GET /[] | next"},
      {"GET / HTTP/1.1\r\nhOST: h\r\n\r\n", "200 GET /[] | next"},
      {host(" h:80"), "200 GET /[] host=h:80 | next"},
      {host(" h:"), "200 GET /[] host=h: | next"},
      {host(" 127.0.0.1:80"), "200 GET /[] host=127.0.0.1:80 | next"},
      {host(" [::1]"), "200 GET /[] host=[::1] | next"},
      {host(" [::1]:80"), "200 GET /[] host=[::1]:80 | next"},
      {host(" %61"), "200 GET /[] host=%61 | next"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: y\r\nhost: other\r\n\r\n", "400"},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET / HTTP/1.0\r\nHost:\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nX: y\r\n Host: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nH\xc3\xb6st: h\r\n\r\n", "400"},
      {host(""), "400"},
      {host("  "), "400"},
      {host(" a b"), "400"},
      {host(" a, b"), "400"},
      {host(" a\tb"), "400"},
      {host(" h/x"), "400"},
      {host(" h?x"), "400"},
      {host(" h#x"), "400"},
      {host(" h\\x"), "400"},
      {host(" http://h"), "400"},
      {host(" u@h"), "400"},
      {host(" u:p@h"), "400"},
      {host(" <h>"), "400"},
      {host(" \"h\""), "400"},
      {host(" h\xc3\xa9"), "400"},
      {host(" h\0"s), "400"},
      {host(" %zz"), "400"},
      {host(" :80"), "400"},
      {host(" h:x"), "400"},
      {host(" h:-1"), "400"},
      {host(" h:+80"), "400"},
      {host(" h: 80"), "400"},
      {host(" h:80:80"), "400"},
      {host(" h:65536"), "400"},
      {host(" h:80x"), "400"},
      {host(" ::1"), "400"},
      {host(" [::1"), "400"},
      {host(" ::1]"), "400"},
      {host(" []"), "400"},
      {host(" [::g]"), "400"},
      {host(" [127.0.0.1]"), "400"},
      {host(" [::1]x"), "400"},
      {host(" [::1]:x"), "400"},
      {host(" [fe80::1%25eth0]"), "400"},
      {host(" [[::1]]"), "400"},
  };
}

}  // namespace flame::test
