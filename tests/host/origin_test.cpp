#include "host/origin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/access.hpp"

namespace flame {
namespace {

using detail::Origin;

struct Row {
  Origin want;
  bool tls;
  std::vector<Field> fields;
};

Origin origin_of(const Row& row) {
  const std::vector<std::string> allowed{"https://admin.example.com", "http://localhost:8080"};
  Request request;
  RequestAccess::fields(request) = row.fields;
  RequestAccess::set_proxied(request, row.tls, {});
  return detail::origin_of(request, allowed);
}

TEST(Origin, IsWhatTheBrowserSays) {
  constexpr auto own = Origin::own, foreign = Origin::foreign, untold = Origin::untold;
  const Field host{"Host", "example.com"};
  const std::vector<Row> rows{
      // Sec-Fetch-Site decides where it is there
      {own, false, {host, {"Sec-Fetch-Site", "same-origin"}}},
      {own, true, {host, {"sec-fetch-site", "same-origin"}}},
      {own, false, {host, {"Sec-Fetch-Site", "none"}}},
      {foreign, false, {host, {"Sec-Fetch-Site", "same-site"}}},
      {foreign, false, {host, {"Sec-Fetch-Site", "cross-site"}}},
      {foreign, false, {host, {"Sec-Fetch-Site", "Same-Origin"}}},
      {foreign, false, {host, {"Sec-Fetch-Site", ""}}},
      {foreign, false, {host, {"Sec-Fetch-Site", "of a later browser"}}},
      {own, true, {host, {"Sec-Fetch-Site", "same-origin"}, {"Origin", "null"}}},
      {own, true, {host, {"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://as.proxied"}}},
      {foreign, true, {host, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://example.com"}}},
      {foreign, true, {host, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "cross-site"}}},
      {foreign, true, {host, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "none"}}},
      // else Origin
      {own, false, {host, {"Origin", "http://example.com"}}},
      {own, false, {host, {"Origin", "https://example.com"}}},
      {own, true, {host, {"Origin", "https://example.com"}}},
      {foreign, true, {host, {"Origin", "http://example.com"}}},
      {own, false, {host, {"origin", "http://example.com"}}},
      {foreign, false, {host, {"Origin", "http://evil.example"}}},
      {foreign, false, {host, {"Origin", "http://www.example.com"}}},
      {foreign, false, {host, {"Origin", "http://example.com.evil.example"}}},
      {foreign, false, {host, {"Origin", "http://example.comm"}}},
      {foreign, false, {host, {"Origin", "http://xexample.com"}}},
      {foreign, false, {host, {"Origin", "http://example.com:8080"}}},
      {foreign, false, {host, {"Origin", "http://example.com/"}}},
      {foreign, false, {host, {"Origin", "ftp://example.com"}}},
      {foreign, false, {host, {"Origin", "example.com"}}},
      {foreign, false, {host, {"Origin", "null"}}},
      {foreign, false, {host, {"Origin", ""}}},
      {foreign, false, {host, {"Origin", "http://"}}},
      {foreign, false, {host, {"Origin", "http://example.com"}, {"Origin", "http://evil.example"}}},
      {foreign, false, {host, {"Origin", "http://evil.example"}, {"Origin", "http://example.com"}}},
      // ports, and how they are written
      {own, false, {{"Host", "example.com:2830"}, {"Origin", "http://example.com:2830"}}},
      {foreign, false, {{"Host", "example.com:2830"}, {"Origin", "http://example.com"}}},
      {foreign, false, {{"Host", "example.com:2830"}, {"Origin", "http://example.com:2831"}}},
      {own, false, {{"Host", "example.com:80"}, {"Origin", "http://example.com"}}},
      {foreign, false, {{"Host", "example.com:80"}, {"Origin", "https://example.com"}}},
      {own, true, {{"Host", "example.com:443"}, {"Origin", "https://example.com"}}},
      {foreign, false, {{"Host", "example.com:443"}, {"Origin", "http://example.com"}}},
      {own, false, {{"Host", "Example.COM"}, {"Origin", "http://example.com"}}},
      {own, false, {{"Host", "127.0.0.1:2830"}, {"Origin", "http://127.0.0.1:2830"}}},
      {own, false, {{"Host", "[::1]:2830"}, {"Origin", "http://[::1]:2830"}}},
      {foreign, false, {{"Host", "[::1]"}, {"Origin", "http://[::2]"}}},
      // no host to compare with
      {foreign, false, {{"Origin", "http://example.com"}}},
      {foreign, false, {{"Origin", "http://"}}},
      {foreign, false, {{"Host", ""}, {"Origin", "http://"}}},
      // others that are allowed
      {own, true, {host, {"Origin", "https://admin.example.com"}}},
      {own, true, {host, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://admin.example.com"}}},
      {own, false, {host, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://localhost:8080"}}},
      {foreign, false, {host, {"Origin", "http://localhost"}}},
      {foreign, false, {host, {"Origin", "http://admin.example.com"}}},
      {foreign, true, {host, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://b.example.com"}}},
      {foreign,
       true,
       {host,
        {"Sec-Fetch-Site", "cross-site"},
        {"Origin", "https://admin.example.com"},
        {"Origin", "https://evil.example"}}},
      // nothing is said
      {untold, false, {host}},
      {untold, true, {host, {"Referer", "https://evil.example/"}, {"Sec-Fetch-Mode", "cors"}}},
      {untold, false, {}},
  };
  for (const auto& row : rows) {
    std::string shown = row.tls ? "TLS" : "plain";
    for (const auto& [name, value] : row.fields) {
      shown.append(", ").append(name).append(": ").append(value);
    }
    EXPECT_EQ(origin_of(row), row.want) << shown;
  }
}

TEST(Origin, OfTheListIsWrittenAsBrowsersDo) {
  for (const auto* good : {"https://admin.example.com", "http://localhost:8080",
                           "http://[::1]:8080", "https://xn--bcher-kva.example", "http://127.0.0.1",
                           "https://[::1]", "https://a.example:80", "http://a.example:443"})
    EXPECT_TRUE(detail::is_origin(good)) << good;
  for (const auto* bad : {"",
                          "null",
                          "*",
                          "example.com",
                          "https://",
                          "https://:8080",
                          "https://example.com/",
                          "https://Example.com",
                          "https://example.com:443",
                          "http://example.com:80",
                          "http://example.com:",
                          "http://example.com:x",
                          "http://[::1]:x",
                          "https://user@example.com",
                          "https://*.example.com",
                          "HTTPS://example.com",
                          "ftp://example.com",
                          "https://a b",
                          "https://a..example",
                          "https://.example",
                          "https://a.example:65536",
                          "https://a.example:080",
                          "https://[::1",
                          "https://[::1]x",
                          "https://a:b:1",
                          "https://[fe80::x]"})
    EXPECT_FALSE(detail::is_origin(bad)) << bad;
}

}  // namespace
}  // namespace flame
