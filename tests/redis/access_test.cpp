#include <fstream>
#include <iterator>
#include <thread>

#include <flame/session/open_store.hpp>
#include <flame/session/test_support/conformance.hpp>

#include "redis_support.hpp"

namespace flame::session {
namespace {

using tests::apply;
using tests::error_of;
using tests::record;
using tests::soon;
using Kind = StoreError::Kind;

/// The rules that the README gives, but for the password.
std::vector<std::string> documented_user(const std::string& name, const std::string& prefix) {
  const std::filesystem::path script(SERVERS_SCRIPT);
  std::ifstream in(script.parent_path().parent_path() / "src/stores/redis/README.md");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const auto begin = text.find("ACL SETUSER flame");
  std::istringstream words(text.substr(begin, text.find("```", begin) - begin));
  std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
  for (auto& word : all) {
    if (word == "flame") word = name;
    if (word == ">PASSWORD") word = ">canary-password";
    if (word == "~session:*") word = "~" + prefix + ":*";
  }
  return all;
}

StorePtr store_of_documented_user() {
  static const auto server = []() -> std::unique_ptr<tests::OwnServer> {
    if (!tests::ask_servers("pid redis")) return nullptr;
    return std::make_unique<tests::OwnServer>("redis");
  }();
  if (!server) return nullptr;
  const auto prefix = tests::new_prefix();
  EXPECT_EQ(tests::Client(server->address())(documented_user(prefix, prefix)), "OK");
  return redis::store({.addr = server->address(),
                       .db = 1,
                       .username = prefix,
                       .password = "canary-password",
                       .key_prefix = prefix});
}

FLAME_SESSION_STORE_CONFORMANCE(RedisUserOfTheReadme, store_of_documented_user)

class RedisAccess : public tests::OwnServerTest {
 protected:
  std::string open_error(redis::RedisOptions options, Kind kind = Kind::refused) {
    const auto text = error_of([&] { open(std::move(options)); }, kind);
    EXPECT_EQ(text.find("canary"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text;
  }
};
INSTANTIATE_SERVER_TEST(RedisAccess);

TEST_P(RedisAccess, OneLineSaysWhatIsWrong) {
  EXPECT_NE(open_error({.password = "canary"}).find("the server has none for this user"),
            std::string::npos);
  client({"ACL", "SETUSER", "few", "on", ">canary", "~*", "+get", "+ping"});
  client({"CONFIG", "SET", "requirepass", "canary-right"});
  EXPECT_NE(open_error({.password = "canary-wrong"}).find("username or password is wrong"),
            std::string::npos);
  EXPECT_NE(open_error({.username = "canary", .password = "canary-wrong"})
                .find("username or password is wrong"),
            std::string::npos);
  EXPECT_NE(open_error({}).find("asks for a password"), std::string::npos);
  EXPECT_NE(open_error({.db = 99, .password = "canary-right"}).find("db is no database"),
            std::string::npos);
  EXPECT_NE(open_error({.username = "few", .password = "canary"}).find("lacks a right"),
            std::string::npos);
  EXPECT_EQ(open_error({.db = 15, .password = "canary-right"}), "");
  const auto address = server_->address() + "?db=99&key_prefix=canary";
  const auto text = error_of([&] {
    static_cast<void>(
        open_connection(*redis::store({.addr = address, .password = "canary-right"}), soon()));
  });
  EXPECT_NE(text.find("db is no database"), std::string::npos);
  EXPECT_EQ(text.find("canary"), std::string::npos);
}

// Connections live on; the next one needs the new password, which is asked for then.
TEST_P(RedisAccess, APasswordMayChange) {
  std::string password = "canary-old";
  client({"ACL", "SETUSER", "app", "on", ">canary-old", "~*", "+@all"});
  const redis::RedisOptions options{.username = "app",
                                    .connections = {.password = [&] { return password; }}};
  auto before = open(options);
  client({"ACL", "SETUSER", "app", "<canary-old", ">canary-new"});
  EXPECT_EQ(apply(*before, Verb::create, record(1)), Outcome::done);
  EXPECT_NE(open_error(options), "");
  password = "canary-new";
  EXPECT_EQ(apply(*open(options), Verb::load, record(1)), Outcome::done);
  // A user that is removed loses its connections.
  client({"ACL", "DELUSER", "app"});
  EXPECT_TRUE(tests::comes_true([&] {
    return client({"CLIENT", "LIST"}).find("user=app") == std::string::npos;
  }));
  EXPECT_NE(error_of([&] { apply(*before, Verb::load, record(1)); }, Kind::later), "");
}

TEST_P(RedisAccess, ARightThatWasTakenIsNamed) {
  client({"ACL", "SETUSER", "app", "on", ">canary", "~*", "+@all"});
  auto connection = open({.username = "app", .password = "canary"});
  client({"ACL", "SETUSER", "app", "-evalsha"});
  std::vector<StoreOp> batch{tests::op(Verb::load, record(1)), tests::op(Verb::create, record(1))};
  EXPECT_NE(error_of([&] { connection->run(batch, soon()); }).find("lacks a right"),
            std::string::npos);
  EXPECT_EQ(tests::outcomes(batch), (std::vector{Outcome::missing, Outcome::unanswered}));
  client({"ACL", "SETUSER", "app", "+evalsha"});
  EXPECT_EQ(apply(*connection, Verb::create, record(1)), Outcome::done);
}

// What the README lists is what it takes: not one command more.
TEST_P(RedisAccess, EachRightOfTheReadmeIsNeeded) {
  const auto rules = documented_user("app", "session");
  client({"ACL", "SETUSER", "few", "on", ">canary", "~*", "+get", "+ping"});
  const auto missing = open_error({.username = "few", .password = "canary"});
  std::size_t needed = 0;
  for (const auto& rule : rules) {
    if (!rule.starts_with('+')) continue;
    client(rules);
    client({"ACL", "SETUSER", "app", "-" + rule.substr(1)});
    const bool needless = rule == "+scan" || rule == "+role" || rule == "+info" ||
                          rule == "+config|get" || rule == "+client|setname";
    const redis::RedisOptions options{.db = 1, .username = "app", .password = "canary-password"};
    // A script that the server knows is not sent, and it has a layout by now.
    client({"SCRIPT", "FLUSH"});
    client({"FLUSHALL"});
    EXPECT_EQ(open_error(options).find("lacks a right") != std::string::npos, !needless) << rule;
    ++needed;
    EXPECT_NE(missing.find(' ' + rule), std::string::npos) << rule << ": told whoever lacks one";
  }
  EXPECT_GE(needed, 15U);
}

TEST_P(RedisAccess, ACommandThatTheServerLacksIsNamed) {
  for (const auto* const command : {"EVALSHA", "TIME", "ZADD"}) {
    connection_.reset();
    server_.reset();
    server_ = std::make_unique<tests::OwnServer>(
        GetParam(), std::vector<std::string>{"--rename-command", command, ""});
    EXPECT_NE(open_error({}).find("lacks a command"), std::string::npos) << command;
  }
}

TEST_P(RedisAccess, AFullServerIsNoReasonNotToStart) {
  client({"CONFIG", "SET", "maxmemory", "1"});
  const auto said = connection_->prepare(soon());
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("raise maxmemory"), std::string::npos);
}

TEST_P(RedisAccess, AUserWhoMayNotLookIsToldToLook) {
  client({"ACL", "SETUSER", "app", "on", ">x", "~*", "+@all", "-info", "-config", "-role",
          "-client|setname"});
  const auto store = redis::store({.addr = server_->address(), .username = "app", .password = "x"});
  const auto connection = store->make_connection();
  connection->connect(soon());
  const auto said = connection->prepare(soon());
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("INFO"), std::string::npos);
}

TEST_P(RedisAccess, SettingsThatBreakPromisesAreTold) {
  const auto said = [&] { return connection_->prepare(soon()); };
  EXPECT_TRUE(said().empty());
  client({"CONFIG", "SET", "maxmemory-policy", "volatile-ttl"});
  EXPECT_TRUE(said().empty());
  client({"CONFIG", "SET", "maxmemory", "1gb"});
  client({"CONFIG", "SET", "appendonly", "no"});
  const auto both = said();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_NE(both[0].find("volatile-ttl"), std::string::npos);
  EXPECT_NE(both[1].find("saves no snapshots"), std::string::npos);
}

TEST_P(RedisAccess, ALaterLayoutIsLeftAlone) {
  EXPECT_EQ(client({"GET", "session:layout"}), "1");
  EXPECT_EQ(client({"TTL", "session:layout"}), "-1");
  client({"SET", "session:layout", "2"});
  EXPECT_NE(open_error({}).find("of a later release"), std::string::npos);
  EXPECT_EQ(client({"GET", "session:layout"}), "2");
  EXPECT_EQ(open_error({.key_prefix = "other"}), "");
}

TEST_P(RedisAccess, TenMayStartAtOnce) {
  std::vector<std::thread> all;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 10; ++i)
    all.emplace_back([&] {
      try {
        open({.key_prefix = "new"});
      } catch (const StoreError&) {
        ++failed;
      }
    });
  for (auto& each : all) each.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(client({"GET", "new:layout"}), "1");
}

TEST_P(RedisAccess, ConnectionsAreNamed) {
  const auto connection = open({.connections = {.application_name = "shop"}});
  EXPECT_NE(client({"CLIENT", "LIST"}).find(" name=shop "), std::string::npos);
}

TEST_P(RedisAccess, ThereMayBeNoConnectionLeft) {
  client({"CONFIG", "SET", "maxclients", "2"});
  const auto other = open();
  EXPECT_NE(open_error({}, Kind::later).find("raise its maxclients"), std::string::npos);
}

TEST_P(RedisAccess, AppsThatShareAServerDoNotMeet) {
  const auto one = open({.key_prefix = "a"}), other = open({.key_prefix = "a:s"});
  EXPECT_EQ(apply(*one, Verb::create, record(1, "ann")), Outcome::done);
  EXPECT_EQ(apply(*other, Verb::load, record(1)), Outcome::missing);
  EXPECT_TRUE(other->list("ann", {}, 10, soon()).records.empty());
  EXPECT_EQ(apply(*other, Verb::create, record(1, "ann")), Outcome::done);
  EXPECT_EQ(apply(*other, Verb::erase, record(1, "ann")), Outcome::done);
  EXPECT_EQ(one->list("ann", {}, 10, soon()).records.size(), 1U);
}

TEST_P(RedisAccess, TheServersClockIsTold) {
  const auto now = std::chrono::system_clock::now();
  const auto told = connection_->clock(soon());
  ASSERT_TRUE(told);
  EXPECT_LT(std::chrono::abs(*told - now), std::chrono::minutes(1));
  connection_->ping(soon());
}

}  // namespace
}  // namespace flame::session
