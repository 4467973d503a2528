#include "redis_support.hpp"
#include "stores/redis/failure.hpp"
#include "stores/redis/reply.hpp"
#include "stores/redis/server_checks.hpp"
#include "stores/redis/work.hpp"

namespace flame::session {
namespace {

using redis::Meaning;
using redis::Reply;
using redis::ReplyReader;
using redis::Stage;
using redis::Work;

TEST(RedisFailure, MeansWhatTheTableSays) {
  const std::pair<const char*, Meaning> table[] = {
      {"NOSCRIPT No matching script. Please use EVAL.", Meaning::no_script},
      {"CROSSSLOT Keys in request don't hash to the same slot", Meaning::one_slot},
      {"MOVED 3999 127.0.0.1:6381", Meaning::moved},
      {"ASK 3999 127.0.0.1:6381", Meaning::moved},
      {"TRYAGAIN Multiple keys request during rehashing of slot", Meaning::later},
      {"CLUSTERDOWN The cluster is down", Meaning::later},
      {"BUSY Redis is busy running a script.", Meaning::away},
      {"READONLY You can't write against a read only replica.", Meaning::away},
      {"MASTERDOWN Link with MASTER is down", Meaning::away},
      {"NOREPLICAS Not enough good replicas to write.", Meaning::full},
      {"LOADING Redis is loading the dataset in memory", Meaning::away},
      {"NOAUTH Authentication required.", Meaning::away},
      {"ERR max number of clients reached", Meaning::later},
      {"WRONGPASS invalid username-password pair or user is disabled.", Meaning::refused},
      {"NOPERM this user has no permissions to run the 'get' command", Meaning::refused},
      {"ERR The user executing the script can't run this command or subcommand", Meaning::refused},
      {"ERR ACL failure in script: User canary has no permissions", Meaning::refused},
      {"OOM command not allowed when used memory > 'maxmemory'.", Meaning::full},
      {"MISCONF Redis is configured to save RDB snapshots", Meaning::full},
      {"WRONGTYPE Operation against a key holding the wrong kind of value", Meaning::foreign},
      {"DENIED Redis is running in protected mode", Meaning::refused},
      {"ERR DB index is out of range", Meaning::refused},
      {"ERR AUTH <password> called without any password configured", Meaning::refused},
      {"ERR unknown command 'EVALSHA', with args beginning with: 'canary'", Meaning::refused},
      {"ERR Unknown Redis command called from script script: canary", Meaning::refused},
      {"ERR Protocol error: invalid bulk length", Meaning::lost},
      {"ERR what nobody knows", Meaning::refused},
      {"", Meaning::refused},
      // Redis 6 and older wrap what went wrong in a script.
      {"ERR Error running script (call to f_6b1b): @user_script:1: @user_script: 1: -READONLY You "
       "can't write against a read only replica.",
       Meaning::away},
      {"ERR Error running script (call to f_6b1b): @user_script:1: @user_script: 1: -OOM command "
       "not allowed when used memory > 'maxmemory'.",
       Meaning::full},
      {"ERR Error running script (call to f_6b1b): @user_script:1: attempt to index nil",
       Meaning::refused},
  };
  for (const auto& [error, meaning] : table) {
    const auto failure = redis::failure_of(error);
    EXPECT_EQ(failure.meaning, meaning) << error;
    EXPECT_EQ(std::string(failure.text).find("canary"), std::string::npos);
    const bool told =
        meaning != Meaning::no_script && meaning != Meaning::one_slot && meaning != Meaning::later;
    EXPECT_TRUE(*failure.text || !told) << error;
  }
}

TEST(RedisReplies, ADiskThatIsFullIsNamed) {
  const auto names_it = [](const std::string& error) {
    return std::string(redis::failure_of(error).text).find("disk is full") != std::string::npos;
  };
  const std::string aof = "MISCONF Errors writing to the AOF file: ";
  EXPECT_TRUE(names_it(aof + "No space left on device"));
  EXPECT_FALSE(names_it(aof + "Input/output error"));
  EXPECT_FALSE(names_it("MISCONF Redis is configured to save RDB snapshots"));
}

TEST(RedisReplies, AreCutByteByByte) {
  ReplyReader reader;
  const std::string bytes = "+OK\r\n:12\r\n$-1\r\n*2\r\n$3\r\na\r\n\r\n*1\r\n$0\r\n\r\n-ERR x\r\n";
  std::vector<Reply> all;
  for (const char c : bytes) {
    reader.feed({&c, 1});
    while (Reply* const reply = reader.next()) all.push_back(*reply);
  }
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].text, "OK");
  EXPECT_EQ(all[1].integer, 12);
  EXPECT_EQ(all[2].type, Reply::Type::nil);
  ASSERT_EQ(all[3].elements.size(), 2U);
  EXPECT_EQ(all[3].elements[0].text, "a\r\n");
  EXPECT_EQ(all[3].elements[1].elements.at(0).text, "");
  EXPECT_EQ(all[4].type, Reply::Type::error);
  EXPECT_TRUE(reader.is_empty());
}

TEST(RedisReplies, AreBoundedEachForItself) {
  ReplyReader reader;
  std::string bytes = "*150000\r\n";
  for (int i = 0; i < 150'000; ++i) bytes += ":1\r\n";
  for (int i = 0; i < 3; ++i) {
    reader.feed(bytes);
    Reply* const reply = reader.next();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->elements.size(), 150'000U);
  }
}

TEST(RedisReplies, WhatIsNoneOrTooLargeEndsTheConnection) {
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "*1\r\n";
  std::string long_in_all = "*1000\r\n";
  for (int i = 0; i < 100; ++i)
    long_in_all.append("$1048576\r\n").append(1 << 20, 'x').append("\r\n");
  const std::string table[] = {"HTTP/1.1 400\r\n",
                               ":12a\r\n",
                               "$abc\r\n",
                               "*300000\r\n",
                               "*-7\r\n",
                               "$-7\r\n",
                               ">1\r\n",
                               "*150000\r\n*150000\r\n",
                               deep,
                               long_in_all,
                               "$99999999999\r\n" + std::string(2 << 20, 'x')};
  for (const auto& bytes : table) {
    ReplyReader reader;
    EXPECT_NE(tests::error_of(
                  [&] {
                    for (std::size_t at = 0; at < bytes.size(); at += 16384) {
                      reader.feed(std::string_view(bytes).substr(at, 16384));
                      static_cast<void>(reader.next());
                    }
                  },
                  StoreError::Kind::connection_lost),
              "")
        << bytes.substr(0, 20);
  }
}

Reply text(std::string text) { return {.type = Reply::Type::text, .text = std::move(text)}; }
Reply integer(long long number) { return {.type = Reply::Type::integer, .integer = number}; }
Reply error(std::string text) { return {.type = Reply::Type::error, .text = std::move(text)}; }

StoreOp op(Verb verb, std::string owner = {}) {
  StoreOp out{verb, {}, {}, {}};
  out.record.owner = std::move(owner);
  out.record.expires_at = tests::soon().now + std::chrono::hours(1);
  return out;
}

void give(Work& work, Reply reply) { redis::answer(work, reply, tests::soon()); }

TEST(RedisAnswers, AnOwnerIsIndexedBeforeTheSessionIsWritten) {
  auto create = op(Verb::create, "ann");
  Work work(create);
  EXPECT_EQ(work.stage, Stage::index);
  give(work, integer(1));
  EXPECT_EQ(work.stage, Stage::create);
  EXPECT_EQ(create.outcome, Outcome::unanswered);
  give(work, integer(1));
  EXPECT_EQ(work.stage, Stage::over);
  EXPECT_EQ(create.outcome, Outcome::done);

  auto replace = op(Verb::replace, "ann");
  Work replacing(replace);
  EXPECT_EQ(replacing.stage, Stage::replace);
  give(replacing, integer(1'800'000'009'000));
  EXPECT_EQ(replacing.stage, Stage::index);
  EXPECT_EQ(replacing.covered, TimePoint{std::chrono::seconds{1'800'000'009}});
  give(replacing, integer(1));
  EXPECT_EQ(replacing.stage, Stage::replace);
  EXPECT_EQ(replace.outcome, Outcome::unanswered);
}

TEST(RedisAnswers, WhoseIndexEntryFailedIsNotWritten) {
  for (const auto verb : {Verb::create, Verb::touch}) {
    auto each = op(verb, "ann");
    Work work(each);
    give(work, error("OOM command not allowed"));
    EXPECT_EQ(work.stage, Stage::over);
    EXPECT_TRUE(work.failure);
    EXPECT_EQ(each.outcome, Outcome::unanswered);
    Work again(each);
    give(again, error("TRYAGAIN x"));
    EXPECT_EQ(each.outcome, Outcome::later);
  }
}

TEST(RedisAnswers, ATouchFollowsTheOwnerThatTheSessionHas) {
  auto touch = op(Verb::touch, "ann");
  Work work(touch);
  give(work, integer(1));
  give(work, text("bob"));
  EXPECT_EQ(work.stage, Stage::index);
  EXPECT_EQ(work.owner, "bob");
  EXPECT_EQ(touch.record.owner, "ann");
}

TEST(RedisAnswers, AnEraseIsDoneBeforeItsEntryGoes) {
  auto erase = op(Verb::erase, "ann");
  Work work(erase);
  give(work, integer(0));
  EXPECT_EQ(erase.outcome, Outcome::done);
  EXPECT_EQ(work.stage, Stage::unindex);
  give(work, error("OOM x"));
  EXPECT_EQ(work.stage, Stage::over);
  EXPECT_FALSE(work.failure);
  auto nobodys = op(Verb::erase);
  Work alone(nobodys);
  give(alone, integer(1));
  EXPECT_EQ(alone.stage, Stage::over);
}

TEST(RedisAnswers, AScriptThatTheServerLacksIsSentOnce) {
  auto create = op(Verb::create);
  Work work(create);
  give(work, error("NOSCRIPT x"));
  EXPECT_TRUE(work.with_text);
  EXPECT_EQ(work.stage, Stage::create);
  give(work, error("NOSCRIPT x"));
  EXPECT_EQ(create.outcome, Outcome::later);
}

TEST(RedisAnswers, AReplyThatItsCommandCannotHaveEndsTheConnection) {
  for (const auto verb : {Verb::load, Verb::create, Verb::replace, Verb::touch, Verb::erase}) {
    auto each = op(verb);
    Work work(each);
    EXPECT_NE(tests::error_of([&] { give(work, {.type = Reply::Type::array}); },
                              StoreError::Kind::connection_lost),
              "");
    EXPECT_EQ(each.outcome, Outcome::unanswered);
  }
}

TEST(RedisChecks, WarnOfWhatBreaksThePromises) {
  redis::ServerSettings good{"noeviction", true, true, false};
  EXPECT_TRUE(redis::warnings(good).empty());
  const auto line = [&](auto&& change) {
    auto settings = good;
    change(settings);
    const auto all = redis::warnings(settings);
    return all.size() == 1 ? all.front() : std::to_string(all.size()) + " lines";
  };
  EXPECT_NE(line([](auto& s) { s.maxmemory_policy = "volatile-lru"; }).find("volatile-lru"),
            std::string::npos);
  EXPECT_EQ(line([](auto& s) { s.maxmemory_policy = "allkeys-lru", s.has_limit = false; }),
            "0 lines");
  EXPECT_NE(line([](auto& s) { s.appends = false; }).find("saves no snapshots"), std::string::npos);
  EXPECT_NE(line([](auto& s) { s.appends = false, s.saves.reset(); }).find("appendonly is no: "),
            std::string::npos);
  EXPECT_EQ(line([](auto& s) { s.appends = false, s.saves = true; }), "0 lines");
  EXPECT_NE(line([](auto& s) { s.appends.reset(); }).find("INFO"), std::string::npos);
  EXPECT_EQ(redis::info_field("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:x\r\n", "maxmemory"),
            "0");
  EXPECT_EQ(redis::info_field("a:1", "b"), std::nullopt);
}

}  // namespace
}  // namespace flame::session
