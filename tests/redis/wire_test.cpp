#include <algorithm>

#include "fake_server.hpp"
#include "redis_support.hpp"
#include "stores/redis/value.hpp"

namespace flame::session {
namespace {

using tests::error_of;
using tests::FakeServer;
using tests::key;
using tests::op;
using tests::record;
using tests::soon;
using Kind = StoreError::Kind;

std::string bulk_of(std::uint64_t number) {
  std::string value;
  redis::append_value(record(number), value);
  return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

std::unique_ptr<StoreConnection> connected(const FakeServer& server) {
  auto connection = redis::store({.addr = server.address()})->make_connection();
  connection->connect(soon());
  return connection;
}

/// Three loads, by a server that says this to them, and closes.
std::vector<StoreOp> loads_of(const std::string& said, const std::string& wrong,
                              Kind kind = Kind::connection_lost) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    FakeServer::hear(client);
    FakeServer::say(client, said);
  });
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 1; number <= 3; ++number)
    batch.push_back(op(Verb::load, {.key = key(number)}));
  const auto connection = connected(server);
  EXPECT_EQ(error_of([&] { connection->run(batch, soon()); }, kind), wrong);
  if (!wrong.empty()) {
    EXPECT_EQ(error_of([&] { connection->ping(soon()); }, Kind::connection_lost),
              "redis store: the connection broke before");
  }
  return batch;
}

TEST(RedisWire, RepliesMayComeByteByByte) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    FakeServer::hear(client);
    for (const char c : "*3\r\n" + bulk_of(1) + "$-1\r\n" + bulk_of(3))
      FakeServer::say(client, {&c, 1});
    FakeServer::hear(client);
  });
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 1; number <= 3; ++number)
    batch.push_back(op(Verb::load, {.key = key(number)}));
  connected(server)->run(batch, soon());
  EXPECT_EQ(tests::outcomes(batch), (std::vector{Outcome::done, Outcome::missing, Outcome::done}));
  EXPECT_EQ(batch[2].record.token, record(3).token);
}

TEST(RedisWire, WhatIsNoReplyEndsTheConnection) {
  const auto none = "redis store: the server sent what is no reply, or too large a one";
  const auto other = "redis store: the server sent a reply that its command cannot have";
  const auto more = "redis store: the server sent a reply to no command";
  const std::vector open(3, Outcome::unanswered);
  EXPECT_EQ(tests::outcomes(loads_of("HTTP/1.1 400 Bad Request\r\n", none)), open);
  EXPECT_EQ(tests::outcomes(loads_of("*9999999\r\n", none)), open);
  EXPECT_EQ(tests::outcomes(loads_of("+OK\r\n", other)), open);
  EXPECT_EQ(tests::outcomes(loads_of("*2\r\n$-1\r\n$-1\r\n", other)), open);
  loads_of("*3\r\n$-1\r\n$-1\r\n$-1\r\n+OK\r\n", more);
  loads_of("*3\r\n$-1\r\n$-1\r\n$-1\r\n$5\r\nhal", more);
  EXPECT_EQ(tests::outcomes(loads_of("*3\r\n$-1\r\n",
                                     "redis store: the server closed the "
                                     "connection")),
            open);
  EXPECT_EQ(tests::outcomes(loads_of("-ERR Protocol error: x\r\n",
                                     "redis store: the server understood no command")),
            open);
}

TEST(RedisWire, RepliesHaveABound) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    FakeServer::hear(client);
    FakeServer::say(client, "$1000000000\r\n");
    while (FakeServer::say(client, std::string(65536, 'x'))) {
    }
  });
  auto one = op(Verb::load, {.key = key(1)});
  const auto connection = connected(server);
  EXPECT_EQ(error_of(
                [&] {
                  connection->run({&one, 1}, soon());
                },
                Kind::connection_lost),
            "redis store: the server sent too large a reply");
}

// Of a batch that breaks off, who has an answer keeps it.
TEST(RedisWire, WhatWasAnsweredStaysAnswered) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    FakeServer::hear(client);
    FakeServer::say(client, ":1\r\n:0\r\n:");
  });
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 1; number <= 3; ++number)
    batch.push_back(op(Verb::create, record(number)));
  const auto connection = connected(server);
  EXPECT_EQ(error_of([&] { connection->run(batch, soon()); }, Kind::connection_lost),
            "redis store: the server closed the connection");
  EXPECT_EQ(tests::outcomes(batch),
            (std::vector{Outcome::done, Outcome::exists, Outcome::unanswered}));
}

// A session whose owner's entry is not confirmed has not been written, or only perhaps.
TEST(RedisWire, ALostEntryLeavesItsSessionUnanswered) {
  std::string heard;
  {
    const FakeServer server([&](int client) {
      FakeServer::greet(client);
      heard = FakeServer::hear(client);
    });
    auto one = op(Verb::create, record(1, "ann"));
    const auto connection = connected(server);
    EXPECT_NE(error_of([&] { connection->run({&one, 1}, soon()); }, Kind::connection_lost), "");
    EXPECT_EQ(one.outcome, Outcome::unanswered);
  }
  EXPECT_NE(heard.find("session:o:{"), heard.npos);
  EXPECT_EQ(heard.find("session:s:{"), heard.npos);
}

// A server that says something to nobody, before the next command is sent.
TEST(RedisWire, NothingUnaskedReachesARequest) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    FakeServer::hear(client);
    FakeServer::say(client, "+PONG\r\n");
    FakeServer::hear(client);
    FakeServer::say(client, "+PONG\r\n+PONG\r\n");
    FakeServer::hear(client);
    FakeServer::say(client, "+PONG\r\n");
    FakeServer::hear(client);
  });
  const auto connection = connected(server);
  connection->ping(soon());
  const auto twice = [&] {
    connection->ping(soon());
    connection->ping(soon());
  };
  std::string text;
  try {
    twice();
  } catch (const StoreError& error) {
    text = error.what();
  }
  EXPECT_EQ(text, "redis store: the server sent a reply to no command");
}

TEST(RedisWire, ErrorsOfEachKindGoTheirWay) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    FakeServer::hear(client);
    FakeServer::say(client,
                    ":1\r\n-TRYAGAIN x\r\n-MISCONF canary\r\n-ERR canary\r\n-MOVED 1 canary:1\r\n"
                    "-ASK 1 canary:1\r\n-READONLY canary\r\n");
    FakeServer::hear(client);
  });
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 1; number <= 7; ++number)
    batch.push_back(op(Verb::create, record(number)));
  const auto connection = connected(server);
  EXPECT_EQ(error_of([&] { connection->run(batch, soon()); }, Kind::away),
            "redis store: the server is a replica now");
  EXPECT_EQ(tests::outcomes(batch),
            (std::vector{Outcome::done, Outcome::later, Outcome::refused, Outcome::refused,
                         Outcome::refused, Outcome::refused, Outcome::unanswered}));
}

// They are sent again in halves: so none gets the reason of another.
TEST(RedisWire, EachReasonOfARefusalIsTold) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    FakeServer::hear(client);
    FakeServer::say(client, "-NOPERM canary\r\n-OOM canary\r\n-NOPERM canary\r\n:1\r\n");
    FakeServer::hear(client);
  });
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 1; number <= 4; ++number)
    batch.push_back(op(Verb::create, record(number)));
  const auto connection = connected(server);
  EXPECT_NE(error_of([&] { connection->run(batch, soon()); }).find("lacks a right"),
            std::string::npos);
  EXPECT_EQ(tests::outcomes(batch), (std::vector{Outcome::unanswered, Outcome::unanswered,
                                                 Outcome::unanswered, Outcome::done}));
}

TEST(RedisWire, ANodeThatHasOtherKeysIsNamed) {
  for (const auto* const error : {"-MOVED 1 canary:1\r\n", "-ASK 1 canary:1\r\n"}) {
    const FakeServer server([&](int client) {
      FakeServer::greet(client);
      while (!FakeServer::hear(client).empty()) FakeServer::say(client, error);
    });
    const auto connection = connected(server);
    for (const auto verb : {Verb::load, Verb::create, Verb::touch})
      EXPECT_EQ(error_of([&] { tests::apply(*connection, verb, record(1)); }),
                "redis store: the server belongs to a cluster whose other nodes have some of the "
                "keys: name a server that has all of them");
  }
}

// In one round trip: with whatever a server says that it is a replica, nothing of it counts.
TEST(RedisWire, WhatAReplicaSaysIsNoAnswer) {
  const std::string master = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
  const std::string replica = "*5\r\n$5\r\nslave\r\n$1\r\nx\r\n:1\r\n$4\r\nsync\r\n:-1\r\n";
  std::string heard;
  {
    const FakeServer server([&](int client) {
      FakeServer::greet(client, master);
      FakeServer::hear(client);
      FakeServer::say(client, master + bulk_of(1));
      heard = FakeServer::hear(client);
      FakeServer::say(client, replica + bulk_of(1));
      FakeServer::hear(client);
      FakeServer::say(client, replica);
      FakeServer::hear(client);
    });
    const auto connection = connected(server);
    auto one = op(Verb::load, {.key = key(1)});
    connection->run({&one, 1}, soon());
    EXPECT_EQ(one.outcome, Outcome::done);
    one = op(Verb::load, {.key = key(1)});
    EXPECT_EQ(error_of(
                  [&] {
                    connection->run({&one, 1}, soon());
                  },
                  Kind::away),
              "redis store: the server is a replica now");
    EXPECT_EQ(one.outcome, Outcome::unanswered);
  }
  EXPECT_TRUE(heard.starts_with("*1\r\n$4\r\nROLE\r\n*2\r\n$3\r\nGET\r\n")) << heard;
}

// It may have applied what came after ROLE.
TEST(RedisWire, WhoIsMadeAMasterMeanwhileLeavesWritesUnknown) {
  const std::string master = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
  const FakeServer server([&](int client) {
    FakeServer::greet(client, master);
    FakeServer::hear(client);
    FakeServer::say(client, "*1\r\n$5\r\nslave\r\n:1\r\n");
    FakeServer::hear(client);
    FakeServer::say(client, master);
    FakeServer::hear(client);
  });
  const auto connection = connected(server);
  auto one = op(Verb::create, record(1));
  const auto create = [&] { connection->run({&one, 1}, soon()); };
  EXPECT_EQ(error_of(create, Kind::connection_lost),
            "redis store: the server was made a master meanwhile");
  EXPECT_EQ(one.outcome, Outcome::unanswered);
  EXPECT_EQ(error_of(create, Kind::connection_lost), "redis store: the connection broke before");
}

TEST(RedisWire, WhatMovesForEverIsPutOff) {
  const FakeServer server([&](int client) {
    FakeServer::greet(client);
    while (!FakeServer::hear(client).empty()) FakeServer::say(client, ":1800000000000\r\n");
  });
  auto one = op(Verb::replace, record(1, "ann"), record(1).token);
  connected(server)->run({&one, 1}, soon());
  EXPECT_EQ(one.outcome, Outcome::later);
}

TEST(RedisWire, ConnectMayBeRepeated) {
  int connections = 0;
  const FakeServer server([&](int client) {
    switch (++connections) {
      case 1:
        FakeServer::hear(client);
        FakeServer::say(client, "-LOADING x\r\n$5\r\nhal");
        return;
      case 2:
        return FakeServer::greet(client, "*1\r\n$5\r\nslave\r\n");
      default:
        FakeServer::greet(client);
        FakeServer::hear(client);
        FakeServer::say(client, bulk_of(1));
        FakeServer::hear(client);
    }
  });
  const auto connection = redis::store({.addr = server.address()})->make_connection();
  for (const auto* const what : {"starting", "a replica now"})
    EXPECT_EQ(error_of([&] { connection->connect(soon()); }, Kind::away),
              std::string("redis store: the server is ") + what);
  connection->connect(soon());
  EXPECT_EQ(tests::apply(*connection, Verb::load, record(1)), Outcome::done);
}

TEST(RedisWire, AStartingServerIsTheWrongOne) {
  const FakeServer server([&](int client) {
    FakeServer::hear(client);
    FakeServer::say(client, "-LOADING canary\r\n-LOADING canary\r\n");
    FakeServer::hear(client);
  });
  EXPECT_EQ(error_of([&] { connected(server); }, Kind::away),
            "redis store: the server is starting");
}

}  // namespace
}  // namespace flame::session
