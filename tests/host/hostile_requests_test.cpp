#include <gtest/gtest.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hostile_framing.hpp"
#include "support.hpp"

namespace flame {
namespace {

using test::HostileRequest;
using test::HostileRequests;

const std::string last_request = "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all.append(all.empty() ? "" : " | ").append(text);
  return all;
}

/// All that a connection got, as the table writes it.
std::vector<std::string> answers_in(std::string_view bytes) {
  std::vector<std::string> answers;
  while (!bytes.empty()) {
    const auto head = std::string(bytes.substr(0, bytes.find("\r\n\r\n") + 4));
    constexpr std::string_view length_is = "\r\nContent-Length: ";
    const auto at = head.find(length_is);
    const auto length =
        at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + length_is.size(), {}, 10);
    if (head.substr(0, 9) != "HTTP/1.1 " || bytes.size() < head.size() + length) {
      answers.emplace_back("garbage: ").append(bytes);
      break;
    }
    const auto status = head.substr(9, 3), body = std::string(bytes.substr(head.size(), length));
    if (status != "100") answers.push_back(status == "200" ? "200 " + body : status);
    bytes.remove_prefix(head.size() + length);
  }
  return answers;
}

/// Says what was read as a request, and keeps it, so that none is read that is not answered.
class HostileRequestsTest : public testing::Test {
 protected:
  HostileRequestsTest() {
    f_.any("/{**}", [this](Context& c) {
      const auto& request = c.request();
      std::string text(request.method_name());
      text.append(" ").append(request.path()).append("[").append(c.body()).append("]");
      const auto host = request.field("Host");
      if (!host.empty() && host != "h") text.append(" host=").append(host);
      for (const auto& field : request.fields()) {
        if (field.name == "Cookie") text.append(" cookie=").append(field.value);
      }
      if (text == "GET /next[]") text = "next";
      const std::scoped_lock lock(mutex_);
      read_.push_back("200 " + text);
      return text;
    });
  }
  void SetUp() override { ASSERT_TRUE(f_.start()); }

  void expect(const HostileRequest& row, bool each_byte_alone) {
    static_cast<void>(taken());
    test::Wire wire(f_.address());
    const auto bytes = row.bytes + last_request;
    if (each_byte_alone) {
      wire.send_at_once();
      for (const char& byte : bytes) wire.send({&byte, 1});
    } else {
      wire.send(bytes);
    }
    wire.finish_sending();
    auto answers = answers_in(wire.read_all());
    std::vector<std::string> handled;
    for (auto& answer : answers) {
      if (answer.starts_with("200 ")) handled.push_back(answer);
      if (answer == "200 next") answer = "next";
    }
    EXPECT_EQ(joined(answers), row.answers) << shown(row.bytes);
    EXPECT_EQ(joined(taken()), joined(handled)) << "read, but not answered: " << shown(row.bytes);
  }
  void expect_all(const HostileRequests& rows) {
    for (const auto& row : rows) expect(row, false);
    constexpr std::size_t few = 600;
    for (const auto& row : rows) {
      if (row.bytes.size() < few) expect(row, true);
    }
  }

 private:
  std::vector<std::string> taken() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(read_, {});
  }
  static std::string shown(const std::string& bytes) {
    return testing::PrintToString(bytes.substr(0, 300));
  }

  Flame f_{test::local()};
  std::mutex mutex_{};
  std::vector<std::string> read_{};
};

TEST_F(HostileRequestsTest, RequestLines) { expect_all(test::request_lines()); }
TEST_F(HostileRequestsTest, Targets) { expect_all(test::targets()); }
TEST_F(HostileRequestsTest, Hosts) { expect_all(test::hosts()); }
TEST_F(HostileRequestsTest, Lengths) { expect_all(test::lengths()); }
TEST_F(HostileRequestsTest, Encodings) { expect_all(test::encodings()); }
TEST_F(HostileRequestsTest, Chunks) { expect_all(test::chunks()); }
TEST_F(HostileRequestsTest, Trailers) { expect_all(test::trailers()); }
TEST_F(HostileRequestsTest, Fields) { expect_all(test::fields()); }
TEST_F(HostileRequestsTest, Sequences) { expect_all(test::sequences()); }
TEST_F(HostileRequestsTest, Limits) { expect_all(test::limits()); }

TEST(HostileRequestsTable, IsLong) {
  std::size_t rows = 0;
  for (const auto& part :
       {test::request_lines(), test::targets(), test::hosts(), test::lengths(), test::encodings(),
        test::chunks(), test::trailers(), test::fields(), test::sequences(), test::limits()}) {
    rows += part.size();
  }
  EXPECT_GE(rows, 400U);
}

}  // namespace
}  // namespace flame
