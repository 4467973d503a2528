#include "text.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "access.hpp"
#include "check.hpp"
#include "list.hpp"

namespace flame::session::command {
namespace {

using namespace std::chrono_literals;

TEST(CommandText, SteersNoTerminal) {
  EXPECT_EQ(printable("Firefox on Windows, München €𝄞"), "Firefox on Windows, München €𝄞");
  EXPECT_EQ(printable("a\033[2Jb\r\n\x7f"), "a?[2Jb???");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "abc"),
            "?abc");
  EXPECT_EQ(printable("\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82"), "????????????");
  EXPECT_EQ(printable(std::string("\0", 1)), "?");
}

TEST(CommandText, IsJson) {
  EXPECT_EQ(json("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json("\n\x1f\xc2\x85\xe2\x80\xa8"), R"("\u000a\u001f\u0085\u2028")");
  EXPECT_EQ(json("\xff"), R"("\ufffd")");
  EXPECT_EQ(json("é"), "\"é\"");
}

TEST(CommandText, TellsTimesInUtc) {
  EXPECT_EQ(utc(TimePoint{0ms}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc(TimePoint{1'709'210'096'999ms}), "2024-02-29T12:34:56Z");
  EXPECT_EQ(utc(TimePoint{-1ms}), "1969-12-31T23:59:59Z");
}

TEST(CommandText, LinesUpByCharacters) {
  Table table({"A", "B"});
  table.add({"äöü", "x"});
  table.add({"1", ""});
  EXPECT_EQ(table.text(), "A    B\näöü  x\n1\n");
}

TEST(CommandText, ListsSessions) {
  OwnedSession session{.label = "a \"phone\"\033",
                       .created_at = TimePoint{0ms},
                       .last_seen = TimePoint{60s},
                       .expires_at = TimePoint{1h}};
  EXPECT_EQ(table_of({session}),
            "KEY               CREATED               LAST SEEN             EXPIRES               "
            "LABEL\n"
            "AAAAAAAAAAAAAAAA  1970-01-01T00:00:00Z  1970-01-01T00:01:00Z  1970-01-01T01:00:00Z  "
            "a \"phone\"?\n");
  EXPECT_EQ(json_of({session}),
            R"([{"key": "AAAAAAAAAAAAAAAA", "label": "a \"phone\"\u001b", )"
            R"("created": "1970-01-01T00:00:00Z", "last_seen": "1970-01-01T00:01:00Z", )"
            R"("expires": "1970-01-01T01:00:00Z"}])"
            "\n");
  EXPECT_EQ(json_of({}), "[]\n");
}

TEST(CommandText, LeavesOutWhatWouldMakeATable) {
  EXPECT_EQ(without_making("sqlite:/a"), "sqlite:/a");
  EXPECT_EQ(without_making("sqlite:/a?init_table=true"), "sqlite:/a");
  EXPECT_EQ(without_making("sqlite:/a?init_table=true&table=b"), "sqlite:/a?table=b");
  EXPECT_EQ(without_making("mongodb://h/d?w=1&init_collection=true&j=true"),
            "mongodb://h/d?w=1&j=true");
}

TEST(CommandCheck, GradesClocksAndLoads) {
  EXPECT_EQ(of_clock(-900ms).grade, Finding::Grade::good);
  EXPECT_EQ(of_clock(3600ms).text.find("the store's is 4 s ahead of"), 0U);
  EXPECT_EQ(of_clock(-3600ms).text.find("the store's is 4 s behind this"), 0U);
  EXPECT_EQ(of_clock(3600ms).grade, Finding::Grade::warning);
  std::vector<std::chrono::microseconds> times;
  for (int i = 200; i > 0; --i) times.emplace_back(i * 10);
  EXPECT_NE(of_loads(times).text.find("p50 1.01 ms, p99 1.99 ms"), std::string::npos)
      << of_loads(times).text;
}

TEST(CommandCheck, TellsTheWorst) {
  const Finding good{"a", Finding::Grade::good, ""}, warning{"b", Finding::Grade::warning, ""},
      wrong{"c", Finding::Grade::wrong, "no\nno"};
  EXPECT_EQ(status_of({good}), ExitStatus::done);
  EXPECT_EQ(status_of({warning, good}), ExitStatus::warned);
  EXPECT_EQ(status_of({warning, wrong, good}), ExitStatus::failed);
  EXPECT_EQ(table_of({good, wrong}), "ok     a\nWRONG  c  no?no\n");
}

}  // namespace
}  // namespace flame::session::command
