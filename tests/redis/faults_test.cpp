#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <thread>

#include <flame/session/unreachable.hpp>

#include "redis_support.hpp"
#include "stores/redis/value.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using tests::apply;
using tests::error_of;
using tests::key;
using tests::op;
using tests::record;
using tests::soon;
using Kind = StoreError::Kind;

class RedisFaults : public tests::OwnServerTest {};
INSTANTIATE_SERVER_TEST(RedisFaults);

// Nobody has to find out what became of a write that was never sent.
TEST_P(RedisFaults, WhatTheServerClosedIsSeenBeforeAnythingIsSent) {
  apply(*connection_, Verb::create, record(1));
  client({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_EQ(error_of([&] { apply(*connection_, Verb::create, record(2)); }, Kind::later),
            "redis store: the server closed the connection");
  EXPECT_NE(error_of([&] { apply(*connection_, Verb::create, record(2)); }, Kind::connection_lost),
            "");
  connection_ = open();
  EXPECT_EQ(apply(*connection_, Verb::load, record(1)), Outcome::done);
  EXPECT_EQ(apply(*connection_, Verb::load, record(2)), Outcome::missing);
}

TEST_P(RedisFaults, ItComesBackWithTheServer) {
  apply(*connection_, Verb::create, record(1, "ann"));
  server_->kill();
  EXPECT_NE(error_of([&] { apply(*connection_, Verb::load, record(1)); }, Kind::later), "");
  EXPECT_EQ(error_of([&] { open(); }, Kind::connection_lost),
            unreachable(server_->socket(), ECONNREFUSED));
  server_->start();
  connection_ = open();
  EXPECT_EQ(apply(*connection_, Verb::load, record(1)), Outcome::done);
  // It has forgotten the scripts.
  EXPECT_EQ(apply(*connection_, Verb::replace, record(1, "ann"), record(1).token), Outcome::done);
}

TEST_P(RedisFaults, AStoppedServerHoldsNobodyBeyondTheDeadline) {
  server_->signal(SIGSTOP);
  const auto until = steady_clock::now() + 30ms;
  auto one = op(Verb::create, record(1));
  EXPECT_EQ(error_of(
                [&] {
                  connection_->run({&one, 1}, {soon().now, until});
                },
                Kind::connection_lost),
            "the store did not answer in time");
  EXPECT_EQ(one.outcome, Outcome::unanswered);
  EXPECT_GE(steady_clock::now(), until);
  EXPECT_NE(error_of(
                [&] {
                  static_cast<void>(open_connection(*redis::store({.addr = server_->address()}),
                                                    {soon().now, steady_clock::now() + 30ms}));
                },
                Kind::connection_lost)
                .find("took the connection and did not answer in time as a Redis server does"),
            std::string::npos);
  server_->signal(SIGCONT);
  // The reply comes late: no other request may get it.
  EXPECT_EQ(error_of([&] { apply(*connection_, Verb::load, record(2)); }, Kind::connection_lost),
            "redis store: the connection broke before");
}

TEST_P(RedisFaults, AbortEndsACallAtOnce) {
  server_->signal(SIGSTOP);
  std::thread other([this] { connection_->abort(); });
  EXPECT_EQ(error_of(
                [&] {
                  auto one = op(Verb::load, record(1));
                  connection_->run({&one, 1}, {});
                },
                Kind::connection_lost),
            "the call was given up");
  other.join();
  auto connecting = redis::store({.addr = server_->address()})->make_connection();
  std::thread another([&] { connecting->abort(); });
  EXPECT_EQ(error_of([&] { connecting->connect({}); }, Kind::connection_lost),
            "the call was given up");
  another.join();
  server_->signal(SIGCONT);
}

// Neither what it knew is answered, nor what a script makes of that.
TEST_P(RedisFaults, AReplicaIsTheWrongServer) {
  apply(*connection_, Verb::create, record(1, "ann"));
  const std::function<void(StoreConnection&)> calls[] = {
      [](auto& to) { apply(to, Verb::load, record(1)); },
      [](auto& to) { apply(to, Verb::create, record(1)); },
      [](auto& to) { apply(to, Verb::create, record(2)); },
      [](auto& to) { apply(to, Verb::replace, record(1), record(1).token); },
      [](auto& to) { apply(to, Verb::replace, record(1), WriteToken{99}); },
      [](auto& to) { apply(to, Verb::touch, record(1)); },
      [](auto& to) { apply(to, Verb::erase, record(1)); },
      [](auto& to) { static_cast<void>(to.list("ann", {}, 10, soon())); },
      [](auto& to) { static_cast<void>(to.clock(soon())); },
      [](auto& to) { to.ping(soon()); },
  };
  std::vector<std::unique_ptr<StoreConnection>> connections;
  for (std::size_t i = 0; i < std::size(calls); ++i) connections.push_back(open());
  client({"REPLICAOF", "127.0.0.1", "1"});
  for (std::size_t i = 0; i < std::size(calls); ++i)
    EXPECT_EQ(error_of([&] { calls[i](*connections[i]); }, Kind::away),
              "redis store: the server is a replica now")
        << i;
  EXPECT_EQ(error_of([&] { open(); }, Kind::away), "redis store: the server is a replica now");
  client({"REPLICAOF", "NO", "ONE"});
  connection_ = open();
  EXPECT_EQ(apply(*connection_, Verb::load, record(1)), Outcome::done);
  EXPECT_EQ(apply(*connection_, Verb::load, record(2)), Outcome::missing);
}

// Who may not ask for its role learns it by what it refuses.
TEST_P(RedisFaults, AReplicaThatDoesNotSaySoRefusesWrites) {
  client({"ACL", "SETUSER", "default", "-role"});
  const auto connection = open();
  client({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_EQ(apply(*connection, Verb::load, record(1)), Outcome::missing);
  EXPECT_EQ(error_of([&] { apply(*connection, Verb::create, record(1)); }, Kind::away),
            "redis store: the server is a replica now");
}

TEST_P(RedisFaults, WithoutItsReplicasItTakesNoWritesAndServesLoads) {
  const std::string text =
      "redis store: the server takes no writes while the replicas that min-replicas-to-write asks "
      "for are away: bring them back";
  apply(*connection_, Verb::create, record(1));
  client({"CONFIG", "SET", "min-replicas-to-write", "1"});
  const auto first = redis::store({.addr = server_->address(), .key_prefix = "new"});
  const auto starting = first->make_connection();
  starting->connect(soon());
  EXPECT_EQ(starting->prepare(soon()), std::vector{text});
  EXPECT_EQ(connection_->prepare(soon()), std::vector{text});
  EXPECT_EQ(apply(*connection_, Verb::load, record(1)), Outcome::done);
  EXPECT_EQ(error_of([&] { apply(*connection_, Verb::create, record(2)); }, Kind::full), text);
  client({"CONFIG", "SET", "min-replicas-to-write", "0"});
  EXPECT_EQ(apply(*connection_, Verb::create, record(2)), Outcome::done);
}

TEST_P(RedisFaults, AFullServerRefusesWritesAndServesLoads) {
  apply(*connection_, Verb::create, record(1));
  client({"CONFIG", "SET", "maxmemory", "1"});
  std::vector<StoreOp> batch{op(Verb::load, record(1)), op(Verb::create, record(2)),
                             op(Verb::create, record(3, "ann"))};
  EXPECT_EQ(error_of([&] { connection_->run(batch, soon()); }, Kind::full),
            "redis store: the server has used up its memory: raise maxmemory");
  EXPECT_EQ(batch[0].outcome, Outcome::done);
  EXPECT_EQ(batch[1].outcome, Outcome::unanswered);
  EXPECT_EQ(batch[2].outcome, Outcome::unanswered);
  EXPECT_EQ(apply(*connection_, Verb::erase, record(1)), Outcome::done);
  client({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(apply(*connection_, Verb::create, record(3, "ann")), Outcome::done);
}

// It answers nobody until that ends: so it is as good as down, and says why.
TEST_P(RedisFaults, AServerThatIsBusyWithAScriptIsNamed) {
  client({"CONFIG", "SET", "lua-time-limit", "1"});
  const auto text = std::string("redis store: the server runs a script or function of somebody ") +
                    "that does not end: SCRIPT KILL or FUNCTION KILL ends it";
  const auto other = open();
  std::thread endless([this] { client({"EVAL", "while true do end", "0"}); });
  const bool busy = tests::comes_true([&] { return client({"PING"}).starts_with("BUSY"); });
  EXPECT_TRUE(busy);
  EXPECT_EQ(error_of([&] { apply(*connection_, Verb::create, record(1)); }, Kind::away), text);
  EXPECT_EQ(error_of([&] { apply(*other, Verb::load, record(1)); }, Kind::away), text);
  EXPECT_EQ(error_of([&] { open(); }, Kind::away), text);
  client({"SCRIPT", "KILL"});
  endless.join();
  EXPECT_EQ(apply(*open(), Verb::create, record(1)), Outcome::done);
}

TEST_P(RedisFaults, APoisonedItemFailsAlone) {
  // Where the index of an owner should be.
  client({"SET", "session:o:{" + tests::tag_of(key(2)) + "}:eve", "x"});
  auto large = record(4);
  large.blob.resize((1 << 20) + 1);
  std::vector<StoreOp> batch{op(Verb::create, record(1)), op(Verb::create, record(2, "eve")),
                             op(Verb::create, record(3, "ann")), op(Verb::create, large)};
  EXPECT_NE(error_of([&] { connection_->run(batch, soon()); }).find("another key_prefix"),
            std::string::npos);
  EXPECT_EQ(tests::outcomes(batch),
            (std::vector{Outcome::done, Outcome::unanswered, Outcome::done, Outcome::refused}));
  EXPECT_EQ(apply(*connection_, Verb::load, record(2)), Outcome::missing);
}

TEST_P(RedisFaults, WhatItCannotReadStaysAsItIs) {
  const auto name = "session:s:{" + tests::tag_of(key(1)) + "}:" + to_string(key(1));
  const auto check = [&] {
    EXPECT_EQ(apply(*connection_, Verb::load, record(1)), Outcome::unreadable);
    EXPECT_EQ(apply(*connection_, Verb::create, record(1)), Outcome::exists);
    EXPECT_EQ(apply(*connection_, Verb::replace, record(1), record(1).token), Outcome::missing);
    EXPECT_EQ(apply(*connection_, Verb::touch, record(1)), Outcome::missing);
    const auto before = client({"DUMP", name});
    EXPECT_EQ(apply(*connection_, Verb::erase, record(1)), Outcome::done);
    EXPECT_NE(before, "nil");
    EXPECT_EQ(client({"EXISTS", name}), "0");
  };
  client({"LPUSH", name, "x"});
  check();
  apply(*connection_, Verb::create, record(1));
  client({"SETRANGE", name, "0", "2"});  // of a later release
  check();
  for (const auto* const at : {"9", "12", "23", "40", "51", "53"}) {
    apply(*connection_, Verb::create, record(1));
    client({"SETRANGE", name, at, "x"});
    check();
  }
  client({"SET", name, "short"});
  check();
  // Cut within its owner, or an owner longer than any.
  const auto keep = [&](Record of, std::size_t size) {
    std::string value;
    redis::append_value(of, value);
    client({"SET", name, value.substr(0, size)});
    check();
  };
  keep(record(1, "ann"), redis::header_size + 2);
  keep(record(1, std::string(redis::max_owner, 'a')), redis::most_header - 1);
  keep(record(1, std::string(redis::max_owner + 1, 'a')), redis::most_header + 1);
}

TEST_P(RedisFaults, AKeyOfAnotherTypeHidesNoOtherSessionOfItsOwner) {
  apply(*connection_, Verb::create, record(1, "ann"));
  apply(*connection_, Verb::create, record(2, "ann"));
  const auto name = "session:s:{" + tests::tag_of(record(1).key) + "}:" + to_string(record(1).key);
  client({"DEL", name});
  client({"LPUSH", name, "x"});
  EXPECT_EQ(connection_->list("ann", {}, 10, soon()).records.size(), 1U);
}

TEST_P(RedisFaults, WhatWasFlushedIsMissingAndCanBeMadeAgain) {
  apply(*connection_, Verb::create, record(1, "ann"));
  client({"FLUSHALL"});
  client({"SCRIPT", "FLUSH"});
  EXPECT_EQ(apply(*connection_, Verb::load, record(1)), Outcome::missing);
  EXPECT_EQ(apply(*connection_, Verb::replace, record(1, "ann"), record(1).token),
            Outcome::missing);
  EXPECT_TRUE(connection_->list("ann", {}, 10, soon()).records.empty());
  EXPECT_EQ(apply(*connection_, Verb::create, record(1, "ann")), Outcome::done);
  EXPECT_EQ(connection_->list("ann", {}, 10, soon()).records.size(), 1U);
}

TEST_P(RedisFaults, ScriptsThatAreMissingAreSentForTheirItemsAlone) {
  for (std::uint64_t number = 0; number < 3; ++number)
    apply(*connection_, Verb::create, record(number));
  client({"SCRIPT", "FLUSH"});
  apply(*connection_, Verb::touch, record(1));
  client({"CONFIG", "RESETSTAT"});
  auto batch = std::vector{op(Verb::create, record(8)), op(Verb::create, record(9)),
                           op(Verb::touch, record(1)), op(Verb::touch, record(2))};
  connection_->run(batch, soon());
  EXPECT_EQ(tests::outcomes(batch), (std::vector(4, Outcome::done)));
  const auto stats = client({"INFO", "commandstats"});
  EXPECT_NE(stats.find("cmdstat_eval:calls=2,"), stats.npos) << stats;
  EXPECT_NE(stats.find("cmdstat_evalsha:calls=4,"), stats.npos) << stats;
}

TEST_P(RedisFaults, ADiskThatFailsIsTold) {
  std::filesystem::create_directory(server_->folder() / "dump.rdb");
  client({"CONFIG", "SET", "appendonly", "no"});
  client({"CONFIG", "SET", "save", "3600 1000000"});
  client({"BGSAVE"});
  ASSERT_TRUE(tests::comes_true([&] {
    return client({"INFO", "persistence"}).find("rdb_last_bgsave_status:err") != std::string::npos;
  }));
  const auto text = error_of([&] { apply(*connection_, Verb::create, record(1)); }, Kind::full);
  EXPECT_NE(text.find("cannot save to its disk"), std::string::npos);
}

}  // namespace
}  // namespace flame::session
