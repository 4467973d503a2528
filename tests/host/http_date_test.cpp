#include "host/http_date.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace flame {
namespace {

constexpr std::int64_t now = 1'795'000'000;  // in November 2026

TEST(HttpDate, IsReadInThreeForms) {
  for (const auto* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994"})
    EXPECT_EQ(detail::parse_http_date(text, now), 784'111'777) << text;
  EXPECT_EQ(detail::parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT", now), 0);
  EXPECT_EQ(detail::parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT", now), -1);
  EXPECT_EQ(detail::parse_http_date("Thu, 29 Feb 2024 12:00:00 GMT", now), 1'709'208'000);
  EXPECT_EQ(detail::parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT", now), 253'402'300'799);
  EXPECT_EQ(detail::parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", now), 1'483'228'799);
}

TEST(HttpDate, TwoDigitsOfAYearAreNotFarAhead) {
  EXPECT_EQ(detail::parse_http_date("Thursday, 01-Jan-70 00:00:00 GMT", now),
            detail::parse_http_date("Thu, 01 Jan 2070 00:00:00 GMT", now));
  EXPECT_EQ(detail::parse_http_date("Wednesday, 01-Jan-76 00:00:00 GMT", now),
            detail::parse_http_date("Wed, 01 Jan 2076 00:00:00 GMT", now));
  EXPECT_EQ(detail::parse_http_date("Saturday, 01-Jan-77 00:00:00 GMT", now),
            detail::parse_http_date("Sat, 01 Jan 1977 00:00:00 GMT", now));
  const std::int64_t in_2080 = 3'471'292'800;
  EXPECT_EQ(detail::parse_http_date("Friday, 01-Jan-10 00:00:00 GMT", in_2080),
            detail::parse_http_date("Wed, 01 Jan 2110 00:00:00 GMT", now));
}

TEST(HttpDate, OtherTextIsNone) {
  for (const auto* text : {"",
                           " ",
                           "now",
                           "0",
                           "784111777",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49 GMT",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 31 Nov 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Wed, 29 Feb 2023 12:00:00 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 nov 1994 08:49:37 GMT",
                           "sun, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 06 Nov 1994 -8:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sunday, 06-Nov-1994 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 94",
                           "Sunday, 06 Nov 1994 08:49:37 GMT",
                           "Sun,",
                           "Sun Nov "})
    EXPECT_EQ(detail::parse_http_date(text, now), std::nullopt) << text;
}

TEST(HttpDate, IsReadAsItWasWritten) {
  EXPECT_EQ(detail::http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (std::int64_t time = 0; time < 5'000'000'000; time += 86'400 * 13 + 3'607)
    ASSERT_EQ(detail::parse_http_date(detail::http_date(time), now), time);
}

}  // namespace
}  // namespace flame
