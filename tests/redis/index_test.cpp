#include <algorithm>
#include <set>
#include <thread>

#include <flame/session/test_support/conformance.hpp>

#include "redis_support.hpp"
#include "stores/redis/value.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using tests::apply;
using tests::key;
using tests::record;
using tests::soon;

/// One that has all slots: a command with keys of two is refused, as every node of a cluster does.
StorePtr store_on_a_cluster() {
  static const auto server = []() -> std::unique_ptr<tests::OwnServer> {
    if (!tests::ask_servers("pid redis")) return nullptr;
    auto made = std::make_unique<tests::OwnServer>(
        "redis", std::vector<std::string>{"--cluster-enabled", "yes"});
    tests::Client client(made->address());
    client({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
    EXPECT_TRUE(tests::comes_true([&] {
      return client({"CLUSTER", "INFO"}).find("cluster_state:ok") != std::string::npos;
    }));
    return made;
  }();
  if (!server) return nullptr;
  return redis::store({.addr = server->address(), .key_prefix = tests::new_prefix()});
}

FLAME_SESSION_STORE_CONFORMANCE(RedisClusterNode, store_on_a_cluster)

class RedisIndex : public tests::OwnServerTest {
 protected:
  std::string entry(std::uint64_t number, const std::string& owner) {
    const std::string member(reinterpret_cast<const char*>(key(number).bytes.data()), 12);
    return client({"ZSCORE", index_of(number, owner), member});
  }
  static std::string index_of(std::uint64_t number, const std::string& owner) {
    return "session:o:{" + tests::tag_of(key(number)) + "}:" + owner;
  }
  static std::string session_of(std::uint64_t number) {
    return "session:s:{" + tests::tag_of(key(number)) + "}:" + to_string(key(number));
  }
  static std::string milliseconds(TimePoint time) {
    return std::to_string(time.time_since_epoch().count());
  }
  /// How often the server was asked each of these since the last time.
  std::string calls(const std::string& command) {
    const auto stats = client({"INFO", "commandstats"});
    const auto at = stats.find("cmdstat_" + command + ":calls=");
    if (at == stats.npos) return "0";
    const auto begin = stats.find('=', at) + 1;
    return stats.substr(begin, stats.find(',', begin) - begin);
  }
};
INSTANTIATE_SERVER_TEST(RedisIndex);

TEST_P(RedisIndex, AReplaceThatMovesNothingIsOneCommand) {
  apply(*connection_, Verb::create, record(1, "ann"));
  auto same = record(1, "ann");
  same.token = WriteToken{77};
  apply(*connection_, Verb::replace, same, record(1).token);
  client({"CONFIG", "RESETSTAT"});
  EXPECT_EQ(apply(*connection_, Verb::replace, record(1, "ann"), same.token), Outcome::done);
  EXPECT_EQ(calls("evalsha"), "1");
  EXPECT_EQ(calls("zadd"), "0");
  client({"CONFIG", "RESETSTAT"});
  EXPECT_EQ(apply(*connection_, Verb::load, record(1)), Outcome::done);
  EXPECT_EQ(calls("get"), "1");
}

TEST_P(RedisIndex, NoSessionEndsAfterItsEntry) {
  auto now = record(1, "ann");
  const auto covers = [&](const std::string& owner, TimePoint end) {
    EXPECT_EQ(entry(1, owner), milliseconds(end));
  };
  apply(*connection_, Verb::create, now);
  covers("ann", now.expires_at);
  now.expires_at += 1min;
  EXPECT_EQ(apply(*connection_, Verb::touch, now), Outcome::done);
  covers("ann", now.expires_at);
  now.expires_at += 1min;
  EXPECT_EQ(apply(*connection_, Verb::replace, now, now.token), Outcome::done);
  covers("ann", now.expires_at);

  // A login with an earlier end does not shorten: the new owner's entry has the later one.
  auto login = now;
  login.owner = "bob";
  login.expires_at -= 30min;
  EXPECT_EQ(apply(*connection_, Verb::replace, login, now.token), Outcome::done);
  covers("bob", now.expires_at);

  // A touch by who knows the former owner.
  now.expires_at += 3h;
  EXPECT_EQ(apply(*connection_, Verb::touch, now), Outcome::done);
  covers("bob", now.expires_at);
  auto nobodys = now;
  nobodys.owner.clear();
  nobodys.expires_at += 3h;
  EXPECT_EQ(apply(*connection_, Verb::touch, nobodys), Outcome::done);
  covers("bob", nobodys.expires_at);
}

TEST_P(RedisIndex, EntriesGoWithTheirSessionsOrAfterThem) {
  apply(*connection_, Verb::create, record(1, "ann"));
  EXPECT_EQ(apply(*connection_, Verb::erase, record(1, "ann")), Outcome::done);
  EXPECT_EQ(client({"EXISTS", index_of(1, "ann"), session_of(1)}), "0");

  // What nobody erased is pruned an hour after its end, by the next one of that owner there.
  // By the earlier of two clocks: so this is in the past, by the server's.
  auto old = record(1, "ann");
  const TimePoint past{std::chrono::seconds{1'600'000'000}};
  old.expires_at = past + 1h;
  auto first = tests::op(Verb::create, old);
  connection_->run({&first, 1}, {past, soon().deadline});
  auto other = old;
  other.key.bytes.back() ^= std::byte{1};
  const auto at = [&](TimePoint now) { return Call{now, soon().deadline}; };
  const auto create_at = [&](TimePoint now) {
    other.expires_at = now + 1h;
    auto op = tests::op(Verb::create, other);
    connection_->run({&op, 1}, at(now));
    return op.outcome;
  };
  EXPECT_EQ(create_at(old.expires_at + 1h), Outcome::done);
  EXPECT_EQ(entry(1, "ann"), milliseconds(old.expires_at));
  other.key.bytes.back() ^= std::byte{2};
  EXPECT_EQ(create_at(old.expires_at + 1h + 1ms), Outcome::done);
  EXPECT_EQ(entry(1, "ann"), "nil");
}

// Of two clocks the earlier one prunes: here the server's, years behind what the call says.
TEST_P(RedisIndex, AWrongClockTakesNothingOut) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto mine = tests::op(Verb::create, record(1, "ann"));
  mine.record.expires_at = now + 1h;
  auto other = mine;
  connection_->run({&mine, 1}, {now, soon().deadline});
  other.record.key.bytes.back() ^= std::byte{1};
  other.record.expires_at += 24h * 365 * 20;
  connection_->run({&other, 1}, {now + 24h * 365 * 10, soon().deadline});
  EXPECT_NE(entry(1, "ann"), "nil");
}

TEST_P(RedisIndex, AllKeysEndButTheLayouts) {
  apply(*connection_, Verb::create, record(1, "ann"));
  const auto session_left = std::stoll(client({"PTTL", session_of(1)}));
  const auto index_left = std::stoll(client({"PTTL", index_of(1, "ann")}));
  EXPECT_GT(session_left, std::chrono::milliseconds(59min).count());
  EXPECT_LE(session_left, std::chrono::milliseconds(61min).count());
  EXPECT_GT(index_left, session_left);
  EXPECT_EQ(client({"DBSIZE"}), "3");
  auto touched = record(1, "ann");
  touched.expires_at += 1h;
  apply(*connection_, Verb::touch, touched);
  EXPECT_GT(std::stoll(client({"PTTL", session_of(1)})), std::chrono::milliseconds(2h).count());
}

TEST_P(RedisIndex, ListsByIndexAlone) {
  for (std::uint64_t number = 0; number < 300; ++number)
    apply(*connection_, Verb::create, record(number, number % 100 == 0 ? "ann" : "bob"));
  client({"CONFIG", "RESETSTAT"});
  EXPECT_EQ(connection_->list("ann", {}, 10, soon()).records.size(), 3U);
  EXPECT_EQ(calls("zrange"), "256");
  EXPECT_EQ(calls("getrange"), "3");
  for (const auto* scan : {"scan", "keys", "get", "mget"}) EXPECT_EQ(calls(scan), "0") << scan;
  std::set<SessionKey> listed;
  OwnerPage page;
  do {
    page = connection_->list("bob", page.next, 7, soon());
    for (const auto& each : page.records) EXPECT_TRUE(listed.insert(each.key).second);
  } while (!page.next.empty());
  EXPECT_EQ(listed.size(), 297U);
}

TEST_P(RedisIndex, APageReadsOnWhereTheOneBeforeHasEnded) {
  for (std::uint64_t number = 0; number < 300; ++number)
    apply(*connection_, Verb::create, record(number, "ann"));
  auto page = connection_->list("ann", {}, 7, soon());
  while (!page.next.empty()) {
    client({"CONFIG", "RESETSTAT"});
    page = connection_->list("ann", page.next, 7, soon());
    EXPECT_LE(std::stoi(calls("zrange")), 4 + 8 + 16 + 32);
  }
}

// The first page learns of a bucket that it holds more than it asked for.
TEST_P(RedisIndex, AnOwnerOfManyIsListedWholeAndInOrder) {
  std::vector<SessionKey> all;
  for (std::uint64_t number = 0; number < 200; ++number) {
    auto each = record(number, "ann");
    each.key.bytes[0] = static_cast<std::byte>(number % 5);
    if (number == 0) each.key = {};
    apply(*connection_, Verb::create, each);
    all.push_back(each.key);
  }
  std::ranges::sort(all);
  for (const std::size_t limit : {1U, 7U, 16U, 40U, 64U, 199U, 200U, 1000U}) {
    std::vector<SessionKey> listed;
    OwnerPage page;
    do {
      page = connection_->list("ann", page.next, limit, soon());
      EXPECT_LE(page.records.size(), limit);
      for (const auto& each : page.records) listed.push_back(each.key);
    } while (!page.next.empty());
    EXPECT_EQ(listed, all) << limit;
  }
}

// Two connections, batches of the same keys in the same order, nobody waits for anybody.
TEST_P(RedisIndex, ContendingBatchesLoseNothing) {
  constexpr std::uint64_t keys = 16;
  constexpr int rounds = 60;
  for (std::uint64_t number = 0; number < keys; ++number) {
    auto first = record(number, "ann");
    first.blob = "0";
    apply(*connection_, Verb::create, first);
  }
  const auto count = [&](std::uint64_t thread) {
    const auto connection = open();
    std::uint64_t token = 1'000'000 * (thread + 1);
    for (int round = 0; round < rounds; ++round) {
      std::vector<StoreOp> batch;
      for (std::uint64_t number = 0; number < keys; ++number)
        batch.push_back(tests::op(Verb::load, {.key = key(number)}));
      std::ranges::sort(batch, {}, [](const StoreOp& op) { return op.record.key; });
      connection->run(batch, soon());
      const auto write = [&](StoreOp& op) {
        op.verb = Verb::replace;
        op.expected = op.record.token;
        op.record.token = WriteToken{++token};
        op.record.blob = std::to_string(std::stoi(op.record.blob) + 1);
      };
      std::ranges::for_each(batch, write);
      while (!batch.empty()) {
        connection->run(batch, soon());
        std::erase_if(batch, [](const StoreOp& op) { return op.outcome == Outcome::done; });
        std::ranges::for_each(batch, write);
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 2; ++thread) threads.emplace_back(count, thread);
  for (auto& each : threads) each.join();
  for (std::uint64_t number = 0; number < keys; ++number) {
    auto op = tests::op(Verb::load, {.key = key(number)});
    connection_->run({&op, 1}, soon());
    EXPECT_EQ(op.record.blob, std::to_string(2 * rounds));
  }
}

TEST_P(RedisIndex, LargeBatchesGoBothWaysAtOnce) {
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 16; ++number) {
    auto each = record(number);
    each.blob.assign(1 << 20, static_cast<char>('a' + number));
    apply(*connection_, Verb::create, each);
    batch.push_back(tests::op(Verb::replace, each, WriteToken{99}));
  }
  connection_->run(batch, soon());
  for (const auto& each : batch) EXPECT_EQ(each.outcome, Outcome::conflict);
  for (std::uint64_t number = 0; number < 16; ++number)
    EXPECT_EQ(batch[number].record.blob.front(), static_cast<char>('a' + number));
}

TEST_P(RedisIndex, ANodeOfAClusterThatIsDownPutsOff) {
  server_.reset();
  server_ = std::make_unique<tests::OwnServer>(
      GetParam(), std::vector<std::string>{"--cluster-enabled", "yes"});
  const auto store = redis::store({.addr = server_->address()});
  const auto connection = store->make_connection();
  connection->connect(soon());
  EXPECT_EQ(apply(*connection, Verb::create, record(1)), Outcome::later);
}

}  // namespace
}  // namespace flame::session
