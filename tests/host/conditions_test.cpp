#include "host/conditions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/access.hpp"

namespace flame {
namespace {

using detail::Condition;
using detail::Part;
using Kind = Part::Kind;

// The file was changed at that second.
constexpr auto before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr auto same = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr auto after = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr detail::Validators file{"\"tag\"", 784'111'777};
constexpr std::int64_t now = 1'795'000'000;

std::string shown(const std::vector<Field>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text.append(name).append(": ").append(value) += "; ";
  return text;
}

TEST(Conditions, AreLookedAtInTheirOrder) {
  struct Row {
    Condition want;
    std::vector<Field> fields;
  };
  constexpr auto holds = Condition::holds, unmodified = Condition::not_modified,
                 failed = Condition::failed;
  const std::vector<Row> rows{
      {holds, {}},
      // If-None-Match: a weak tag is enough
      {unmodified, {{"If-None-Match", "\"tag\""}}},
      {unmodified, {{"if-none-match", "W/\"tag\""}}},
      {unmodified, {{"If-None-Match", "*"}}},
      {unmodified, {{"If-None-Match", " * "}}},
      {unmodified, {{"If-None-Match", "\"a\", \"tag\""}}},
      {unmodified, {{"If-None-Match", "\"a\",W/\"tag\",\"b\""}}},
      {unmodified, {{"If-None-Match", ", ,\"a, b\" ,\t\"tag\","}}},
      {unmodified, {{"If-None-Match", "\"a\""}, {"If-None-Match", "\"tag\""}}},
      {holds, {{"If-None-Match", "\"other\""}}},
      {holds, {{"If-None-Match", "\"Tag\""}}},
      {holds, {{"If-None-Match", "w/\"tag\""}}},
      {holds, {{"If-None-Match", "tag"}}},
      {holds, {{"If-None-Match", "\"a \"tag\""}}},
      {holds, {{"If-None-Match", "\"tag"}}},
      {holds, {{"If-None-Match", "\"a\" \"tag\""}}},
      {holds, {{"If-None-Match", "W/"}}},
      {holds, {{"If-None-Match", "\""}}},
      {holds, {{"If-None-Match", ""}}},
      {holds, {{"If-None-Match", "\"a\", *"}}},
      // If-Modified-Since, where that is not there
      {unmodified, {{"If-Modified-Since", same}}},
      {unmodified, {{"If-Modified-Since", after}}},
      {holds, {{"If-Modified-Since", before}}},
      {unmodified, {{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}},
      {unmodified, {{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}}},
      {holds, {{"If-Modified-Since", "yesterday"}}},
      {holds, {{"If-Modified-Since", ""}}},
      {holds, {{"If-None-Match", "\"other\""}, {"If-Modified-Since", after}}},
      {holds, {{"If-Modified-Since", after}, {"If-None-Match", ""}}},
      {unmodified, {{"If-None-Match", "\"tag\""}, {"If-Modified-Since", before}}},
      // If-Match: strong tags alone
      {holds, {{"If-Match", "\"tag\""}}},
      {holds, {{"If-Match", "*"}}},
      {holds, {{"If-Match", "\"a\", \"tag\""}}},
      {failed, {{"If-Match", "W/\"tag\""}}},
      {failed, {{"If-Match", "\"other\""}}},
      {failed, {{"If-Match", ""}}},
      {failed, {{"If-Match", "tag"}}},
      // If-Unmodified-Since, where that is not there
      {holds, {{"If-Unmodified-Since", same}}},
      {holds, {{"If-Unmodified-Since", after}}},
      {failed, {{"If-Unmodified-Since", before}}},
      {holds, {{"If-Unmodified-Since", "never"}}},
      {holds, {{"If-Match", "\"tag\""}, {"If-Unmodified-Since", before}}},
      {failed, {{"If-Unmodified-Since", after}, {"If-Match", "\"other\""}}},
      // These come before those
      {unmodified, {{"If-Match", "\"tag\""}, {"If-None-Match", "\"tag\""}}},
      {failed, {{"If-Match", "\"other\""}, {"If-None-Match", "\"tag\""}}},
      {failed, {{"If-None-Match", "\"tag\""}, {"If-Unmodified-Since", before}}},
      {unmodified, {{"If-Unmodified-Since", same}, {"If-Modified-Since", same}}},
  };
  for (const auto& row : rows) {
    Request request;
    RequestAccess::set_method(request, "GET");
    RequestAccess::fields(request) = row.fields;
    EXPECT_EQ(detail::condition_of(request, file, now), row.want) << shown(row.fields);
  }
}

Part part_of(const std::vector<Field>& fields, std::size_t size, const char* method = "GET") {
  Request request;
  RequestAccess::set_method(request, method);
  RequestAccess::fields(request) = fields;
  return detail::part_of(request, "\"tag\"", size);
}

TEST(Ranges, OfAHundredBytes) {
  struct Row {
    const char* range;
    Kind want = Kind::whole;
    std::size_t first = 0, size = 0;
  };
  constexpr auto part = Kind::part, none = Kind::none;
  for (const Row& row : std::vector<Row>{
           {"bytes=0-0", part, 0, 1},
           {"bytes=0-99", part, 0, 100},
           {"bytes=0-", part, 0, 100},
           {"bytes=10-19", part, 10, 10},
           {"bytes=99-", part, 99, 1},
           {"bytes=99-99", part, 99, 1},
           {"bytes=90-1000", part, 90, 10},
           {"bytes=90-99999999999999999999999999", part, 90, 10},
           {"bytes=-1", part, 99, 1},
           {"bytes=-100", part, 0, 100},
           {"bytes=-101", part, 0, 100},
           {"bytes=-99999999999999999999999999", part, 0, 100},
           {"bytes=00-09", part, 0, 10},
           {"Bytes=0-9", part, 0, 10},
           {"bytes= 0-9", part, 0, 10},
           {"bytes=,0-9 ,", part, 0, 10},
           // there is no such byte
           {"bytes=100-", none},
           {"bytes=100-200", none},
           {"bytes=99999999999999999999999999-", none},
           {"bytes=18446744073709551615-18446744073709551615", none},
           {"bytes=18446744073709551616-", none},
           {"bytes=-0", none},
           // several
           {"bytes=0-0,2-2"},
           {"bytes=0-0, -1"},
           {"bytes=200-,300-"},
           // not well-formed, or not of bytes
           {""},
           {"bytes"},
           {"bytes="},
           {"bytes=,"},
           {"bytes=-"},
           {"bytes=5"},
           {"bytes=9-0"},
           {"bytes=0 - 9"},
           {"bytes=0-9-"},
           {"bytes=--1"},
           {"bytes=+1-2"},
           {"bytes=0x0-0x9"},
           {"bytes=a-b"},
           {"bytes =0-9"},
           {"lines=0-9"},
           {"0-9"},
       }) {
    const auto got = part_of({{"Range", row.range}}, 100);
    EXPECT_EQ(got.kind, row.want) << row.range;
    EXPECT_EQ(got.first, row.first) << row.range;
    EXPECT_EQ(got.size, row.size) << row.range;
  }
}

TEST(Ranges, OfNothing) {
  EXPECT_EQ(part_of({{"Range", "bytes=0-"}}, 0).kind, Kind::none);
  EXPECT_EQ(part_of({{"Range", "bytes=0-0"}}, 0).kind, Kind::none);
  EXPECT_EQ(part_of({{"Range", "bytes=-0"}}, 0).kind, Kind::none);
  EXPECT_EQ(part_of({{"Range", "bytes=-1"}}, 0).kind, Kind::whole) << "all there is";
}

TEST(Ranges, AreOfAFileThatIsStillTheSame) {
  const Field range{"Range", "bytes=0-9"};
  const auto kind = [&](const std::vector<Field>& fields) { return part_of(fields, 100).kind; };
  EXPECT_EQ(kind({range, {"If-Range", "\"tag\""}}), Kind::part);
  EXPECT_EQ(kind({range, {"If-Range", "\"other\""}}), Kind::whole);
  EXPECT_EQ(kind({range, {"If-Range", "W/\"tag\""}}), Kind::whole);
  EXPECT_EQ(kind({range, {"If-Range", same}}), Kind::whole);
  EXPECT_EQ(kind({range, {"If-Range", ""}}), Kind::whole);
  EXPECT_EQ(kind({{"Range", "bytes=200-"}, {"If-Range", "\"other\""}}), Kind::whole);
  EXPECT_EQ(kind({range, range}), Kind::whole);
  EXPECT_EQ(kind({{"If-Range", "\"tag\""}}), Kind::whole);
}

TEST(Ranges, AreForGetAlone) {
  EXPECT_EQ(part_of({{"Range", "bytes=0-9"}}, 100, "HEAD").kind, Kind::whole);
}

}  // namespace
}  // namespace flame
