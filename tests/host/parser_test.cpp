// The parser, fed by hand: what comes in pieces over a socket may arrive in one.
#include "host/parser.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

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

}  // namespace
}  // namespace flame
