#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <flame/response.hpp>

namespace flame {
namespace {

TEST(Response, Fields) {
  Response response(201, "body");
  response.set("A", "1").append("a", "2").append("B", "").append("C", "x: y");
  EXPECT_EQ(response.get("A"), "1");
  EXPECT_EQ(response.get("c"), "x: y");
  EXPECT_EQ(response.fields().size(), 4U);
  response.set("a", "3");
  EXPECT_EQ(response.get("A"), "3");
  EXPECT_EQ(response.fields().size(), 3U);
  response.set("B", response.get("a"));
  EXPECT_EQ(response.get("B"), "3");
  response.erase("A").erase("c").erase("none");
  ASSERT_EQ(response.fields().size(), 1U);
  EXPECT_EQ(response.fields()[0].name, "B");
}

TEST(Response, TextIsEscapedForTagsAndAttributes) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&amp;'</a>\n"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;\n");
  EXPECT_EQ(escape_html(""), "");
}

TEST(Response, RefusesWhatWouldBreakTheMessage) {
  Response response;
  for (const char* name : {"", "a b", "a:", "a\r\nb", "\xC3\xA4", "a\x01"}) {
    EXPECT_THROW(response.set(name, "x"), std::invalid_argument) << name;
    EXPECT_THROW(response.append(name, "x"), std::invalid_argument) << name;
  }
  for (const std::string& value :
       {std::string("a\r"), std::string("a\nb"), std::string("a\r\nX: y"), std::string("a\0b", 3),
        std::string("\x7f")}) {
    EXPECT_THROW(response.set("X", value), std::invalid_argument);
    EXPECT_THROW(response.append("X", value), std::invalid_argument);
  }
  for (const char* name : {"content-length", "Transfer-Encoding", "Connection", "Date"}) {
    EXPECT_THROW(response.set(name, "1"), std::invalid_argument) << name;
  }
  for (const int status : {0, 100, 199, 600, -1}) {
    EXPECT_THROW(response.status(status), std::invalid_argument) << status;
  }
  EXPECT_TRUE(response.fields().empty());
  response.set("X", "tab\tand \xC3\xA4");
  EXPECT_EQ(response.get("X"), "tab\tand \xC3\xA4");
}

}  // namespace
}  // namespace flame
