#include "wire.hpp"

#include <array>
#include <charconv>

#include "access.hpp"
#include "file.hpp"
#include "http_date.hpp"

namespace flame::inline v0::detail {
namespace {

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_status(std::string& out, int status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(status));
  out += ' ';
  out += reason(status);
  out += "\r\n";
}

}  // namespace

bool has_body(int status) noexcept {
  return status >= 200 && status != 204 && status != 205 && status != 304;
}

bool append_head(std::string& out, const Context& context, Framing framing, std::string_view date) {
  const auto& response = context.response();
  const auto& lines = ResponseAccess::lines(response);
  append_status(out, response.status());
  out += date;
  out += lines;
  const bool body = has_body(response.status());
  if (body) {
    const auto* file = ResponseAccess::file(response);
    const auto length = file != nullptr ? file->size() : response.body().size();
    const bool streams = ResponseAccess::stream(response) != nullptr;
    if ((length != 0 || streams) && (lines.empty() || response.get("Content-Type").empty())) {
      out += "Content-Type: text/plain; charset=utf-8\r\n";
    }
    if (!streams) {
      out += "Content-Length: ";
      append_number(out, length);
      out += "\r\n";
    } else if (!framing.http_1_0) {
      out += "Transfer-Encoding: chunked\r\n";
    }
  } else if (response.status() == 205) {
    out += "Content-Length: 0\r\n";  // it has none, and says so (RFC 9110, 15.3.6)
  }
  if (!framing.keep_alive) {
    out += "Connection: close\r\n";
  } else if (framing.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  return body && context.request().method() != Method::head;
}

bool redirects(int status) noexcept {
  return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

Response busy() {
  auto response = ResponseAccess::error(503, reason(503));
  response.set("Retry-After", "1").set("Cache-Control", "no-store");
  return response;
}

void refuse(Context& context, int status) {
  context.response() = ResponseAccess::error(status, reason(status));
}

std::string date_line(std::int64_t seconds_since_epoch) {
  return "Date: " + http_date(seconds_since_epoch) + "\r\n";
}

/// As IANA lists them, but for 418, which is listed as unused and known to all.
std::string_view reason(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 208:
      return "Already Reported";
    case 226:
      return "IM Used";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 305:
      return "Use Proxy";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a teapot";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 506:
      return "Variant Also Negotiates";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 510:
      return "Not Extended";
    case 511:
      return "Network Authentication Required";
    default:
      return "Unknown";
  }
}

}  // namespace flame::inline v0::detail
