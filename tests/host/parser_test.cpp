// The parser, fed by hand: what comes in pieces over a socket may arrive in one.
#include "host/parser.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

namespace flame {
namespace {

TEST(Parser, AChunkedBodyWithoutDataByteByByte) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "0\r\n\r\n";
  const HostOptions options;
  std::atomic<std::size_t> bodies{0};
  Request request;
  detail::Parser parser(request, options, bodies);
  ASSERT_EQ(parser.feed(head), head.size());
  std::size_t used = 0;
  for (std::size_t end = 1; end <= body.size(); ++end) {
    EXPECT_FALSE(parser.is_done()) << end;
    used += parser.feed(std::string_view(body).substr(used, end - used));
  }
  EXPECT_TRUE(parser.is_done());
  EXPECT_FALSE(parser.is_refused());
  EXPECT_EQ(used, body.size());
}

/// 400 as soon as no more bytes can make it right: who sent it may send nothing more.
TEST(Parser, ABadChunkIsRefusedAtOnce) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  struct Row {
    std::string good, bad;
  };
  const std::vector<Row> rows{{"", "x"},
                              {"", "\r"},
                              {"", "\n"},
                              {"", ";"},
                              {"", " "},
                              {"", "-"},
                              {"0", "x"},
                              {"0", "\n"},
                              {"0\r", "x"},
                              {"0\r", "\r"},
                              {"00", "z"},
                              {"000", "\n"},
                              {"1", "\n"},
                              {"1", "g"},
                              {"1\r", "1"},
                              {"1\r\na", "b"},
                              {"1\r\na", "\n"},
                              {"1\r\na\r", "\r"},
                              {"1\r\na\r\n", "\r"},
                              {"1\r\na\r\n0", "x"},
                              {"1\r\na\r\n0\r", "0"}};
  const HostOptions options;
  for (const auto& [good, bad] : rows) {
    for (const bool each_byte_alone : {false, true}) {
      std::atomic<std::size_t> bodies{0};
      Request request;
      detail::Parser parser(request, options, bodies);
      ASSERT_EQ(parser.feed(head), head.size());
      const auto body = good + bad;
      std::size_t used = 0;
      for (std::size_t end = each_byte_alone ? 1 : good.size(); end <= body.size(); ++end) {
        EXPECT_FALSE(parser.is_refused()) << testing::PrintToString(body) << " at " << end;
        used += parser.feed(std::string_view(body).substr(used, end - used));
      }
      EXPECT_EQ(parser.refusal().status, 400) << testing::PrintToString(body);
    }
  }
}

}  // namespace
}  // namespace flame
