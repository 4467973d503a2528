#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <flame/session/redis.hpp>
#include <flame/session/test_support/seeded_random.hpp>

#include "own_server.hpp"
#include "server.hpp"
#include "stores/redis/keys.hpp"

namespace flame::session::tests {

/// Keys that no other test has.
inline std::string new_prefix() {
  static const auto run = std::random_device{}();
  static int number = 0;
  return "test" + std::to_string(run) + "-" + std::to_string(++number);
}

inline Call soon() {
  using std::chrono::steady_clock;
  return {TimePoint{std::chrono::seconds{1'800'000'000}},
          steady_clock::now() + std::chrono::seconds(5)};
}

/// What a call throws; empty: nothing.
inline std::string error_of(const auto& call, StoreError::Kind kind = StoreError::Kind::refused) {
  try {
    call();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return {};
}

inline SessionKey key(std::uint64_t number) {
  SessionKey out;
  static_cast<void>(test_support::SeededRandom(number).fill(out.bytes));
  return out;
}

inline std::string tag_of(const SessionKey& of) {
  return std::string(redis::tag_of(redis::bucket_of(of)));
}

/// Created now, ends an hour later.
inline Record record(std::uint64_t number, std::string owner = {}) {
  const auto now = soon().now;
  return {
      key(number), WriteToken{number + 1}, std::move(owner), now, now, now + std::chrono::hours(1),
      "blob"};
}

inline StoreOp op(Verb verb, Record record, WriteToken expected = {}) {
  return {verb, std::move(record), expected, {}};
}

inline Outcome apply(StoreConnection& connection, Verb verb, Record record,
                     WriteToken expected = {}) {
  StoreOp one = op(verb, std::move(record), expected);
  connection.run({&one, 1}, soon());
  return one.outcome;
}

inline std::vector<Outcome> outcomes(const std::vector<StoreOp>& batch) {
  std::vector<Outcome> all;
  for (const auto& each : batch) all.push_back(each.outcome);
  return all;
}

/// What another process does in a moment.
inline bool comes_true(const auto& condition) {
  const auto until = soon().deadline;
  while (std::chrono::steady_clock::now() < until)
    if (condition()) return true;
  return false;
}

/// For each of the servers that the store is for. Skipped where one is not to be had.
class ServerTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!ask_servers(std::string("pid ") + GetParam())) GTEST_SKIP() << "not run: not to be had";
  }
};
#define INSTANTIATE_SERVER_TEST(name)                                           \
  INSTANTIATE_TEST_SUITE_P(Servers, name, ::testing::Values("redis", "valkey"), \
                           [](const auto& each) { return std::string(each.param); })

/// On a server of its own, with one connection.
class OwnServerTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (!IsSkipped()) server_ = std::make_unique<OwnServer>(GetParam(), settings_);
    if (!IsSkipped()) connection_ = open();
  }
  std::unique_ptr<StoreConnection> open(redis::RedisOptions options = {}) {
    options.addr = server_->address();
    return open_connection(*redis::store(std::move(options)), soon());
  }
  std::string client(const std::vector<std::string>& command) {
    return Client(server_->address())(command);
  }

  std::vector<std::string> settings_{};
  std::unique_ptr<OwnServer> server_{};
  std::unique_ptr<StoreConnection> connection_{};
};

}  // namespace flame::session::tests
