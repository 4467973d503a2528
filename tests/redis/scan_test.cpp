#include <algorithm>

#include "redis_support.hpp"

namespace flame::session {
namespace {

using namespace tests;

TEST(RedisScan, ReadsTheNamesOfItsSessionsAlone) {
  redis::Keys keys("shop");
  const std::string name(keys.session(key(1)));
  EXPECT_EQ(keys.read_session(name), key(1));
  const auto tag = "{" + tag_of(key(1)) + "}:";
  for (const auto& other :
       {std::string(), std::string(":"), "shop:s:" + tag, name + "A", name.substr(1), "s" + name,
        "shop:s:s:" + tag + to_string(key(1)), "shop:o:" + tag + to_string(key(1)),
        "shop:s:{none}:" + to_string(key(1)), "shop:s:" + tag + std::string(16, '!')})
    EXPECT_EQ(keys.read_session(other), std::nullopt) << other;
}

class RedisScanTest : public OwnServerTest {
 protected:
  std::vector<SessionKey> scan(StoreConnection& connection) {
    std::vector<SessionKey> all;
    std::string from;
    do {
      auto page = connection.scan(from, 10, soon());
      all.insert(all.end(), page.keys.begin(), page.keys.end());
      from = std::move(page.next);
    } while (!from.empty());
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }
};
INSTANTIATE_SERVER_TEST(RedisScanTest);

// Of prefixes that begin alike, and of keys that are no sessions.
TEST_P(RedisScanTest, FindsItsOwnPrefixAlone) {
  std::vector<std::unique_ptr<StoreConnection>> stores;
  for (const auto* prefix : {"a", "a:s", "ab", "a:s:s", "A"})
    stores.push_back(open({.key_prefix = prefix}));
  for (std::uint64_t i = 0; i < stores.size(); ++i)
    for (std::uint64_t n = 0; n < 300; ++n)
      ASSERT_EQ(apply(*stores[i], Verb::create, record(1000 * i + n, "ann")), Outcome::done);
  client({"SET", "a:s:{0}:short", "x"});
  client({"SET", "a:s:{0}:!!!!!!!!!!!!!!!!", "x"});
  client({"RPUSH", "a:s:{0}", "x"});
  for (std::uint64_t i = 0; i < stores.size(); ++i) {
    std::vector<SessionKey> wanted;
    for (std::uint64_t n = 0; n < 300; ++n) wanted.push_back(key(1000 * i + n));
    std::ranges::sort(wanted);
    EXPECT_EQ(scan(*stores[i]), wanted);
  }
}

TEST_P(RedisScanTest, ACursorOfAnotherRunOfTheServerBeginsAnew) {
  for (std::uint64_t n = 0; n < 2000; ++n)
    ASSERT_EQ(apply(*connection_, Verb::create, record(n)), Outcome::done);
  const auto first = connection_->scan("", 100, soon());
  ASSERT_NE(first.next, "");
  const auto colon = first.next.find(':');
  ASSERT_EQ(colon, 40U);
  const auto of_another = std::string(40, 'f') + first.next.substr(colon);
  EXPECT_EQ(connection_->scan(of_another, 100, soon()).keys, first.keys);
  EXPECT_NE(connection_->scan(first.next, 100, soon()).keys, first.keys);
}

TEST_P(RedisScanTest, RefusesWhatIsNoPagesEnd) {
  EXPECT_NE(error_of([&] { static_cast<void>(connection_->scan("0 MATCH", 10, soon())); }), "");
}

// Sessions work without the right to it.
TEST_P(RedisScanTest, SaysWhichRightItNeeds) {
  client({"ACL", "SETUSER", "few", "on", ">few", "~session:*", "+@all", "-scan"});
  const auto connection = open({.username = "few", .password = "few"});
  EXPECT_EQ(apply(*connection, Verb::create, record(1)), Outcome::done);
  EXPECT_NE(
      error_of([&] { static_cast<void>(connection->scan({}, 10, soon())); }).find("lacks a right"),
      std::string::npos);
}

}  // namespace
}  // namespace flame::session
