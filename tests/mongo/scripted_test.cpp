#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "scripted_calls.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using namespace tests;
using Kind = StoreError::Kind;

TEST(MongoScripted, OneThatIsNoPrimaryAnyMoreIsTheWrongOne) {
  for (const auto verb : {Verb::load, Verb::create, Verb::replace, Verb::touch, Verb::erase})
    EXPECT_EQ(run(always(not_primary), some(verb)).thrown.kind, Kind::away);
}

TEST(MongoScripted, WhatMayHaveBeenAppliedInPartIsUnknown) {
  for (const auto verb : {Verb::create, Verb::replace}) {
    EXPECT_EQ(run(always(not_primary), some(verb, 2)).thrown.kind, Kind::connection_lost);
    EXPECT_EQ(run(always(stepped_down), some(verb)).thrown.kind, Kind::connection_lost);
  }
  for (const auto verb : {Verb::load, Verb::touch, Verb::erase})
    EXPECT_EQ(run(always(stepped_down), some(verb, 2)).thrown.kind, Kind::later);
}

TEST(MongoScripted, WhatTheSetDidNotConfirmIsUnconfirmedAndTheRestWaits) {
  const auto reply =
      R"({"n": 2, "nModified": 2, "ok": 1,
          "writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}})";
  auto ops = some(Verb::replace, 2);
  ops.push_back(op(Verb::erase, record(3)));
  const auto ran = run(always(reply), ops);
  EXPECT_EQ(ran.thrown.kind, Kind::unconfirmed);
  EXPECT_EQ(ran.outcomes(),
            (std::vector{Outcome::unanswered, Outcome::unanswered, Outcome::later}));
  EXPECT_NE(ran.thrown.text.find("did not confirm it in time (code 64)"), std::string::npos);
}

TEST(MongoScripted, EachErrorOfAStatementIsItsOwn) {
  const auto reply = R"({"n": 1, "ok": 1, "writeErrors": [{"index": 1, "code": 121},
      {"index": 2, "code": 112}, {"index": 3, "code": 11602}]})";
  const auto ran = run(always(reply), some(Verb::create, 4));
  EXPECT_EQ(ran.outcomes(),
            (std::vector{Outcome::done, Outcome::refused, Outcome::later, Outcome::unanswered}));
  EXPECT_EQ(ran.thrown.kind, Kind::connection_lost);
}

TEST(MongoScripted, AStatementThatAPrimaryNoMoreRefusedEndsTheConnection) {
  const auto reply = R"({"n": 1, "ok": 1, "writeErrors": [{"index": 1, "code": 10107}]})";
  const auto ran = run(always(reply), some(Verb::create, 2));
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::done, Outcome::later}));
  EXPECT_EQ(ran.thrown.kind, Kind::away);
}

TEST(MongoScripted, AFullDiskIsToldAndWhatWasTakenIsDone) {
  const auto reply = R"({"n": 1, "ok": 1, "writeErrors": [{"index": 1, "code": 14031}]})";
  const auto ran = run(always(reply), some(Verb::create, 2));
  EXPECT_EQ(ran.thrown.kind, Kind::full);
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::done, Outcome::unanswered}));
}

/// One of two is replaced; what the look afterwards finds says which.
Ran replaced_one_of_two(const std::string& first, const std::string& second) {
  return run(primary([=](const std::string& name, const std::string&) {
               return name == "update" ? R"({"n": 1, "nModified": 1, "ok": 1})"
                                       : found(first + "," + second);
             }),
             some(Verb::replace, 2));
}

TEST(MongoScripted, WhoWasReplacedIsToldByItsToken) {
  // The tokens that record(n) writes are n + 1, 99 is the one that was expected.
  const auto ran = replaced_one_of_two(document(record(1), 2), document(record(2), 1234));
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::done, Outcome::conflict}));
  EXPECT_EQ(ran.ops[1].record.token, WriteToken{1234});
  EXPECT_EQ(ran.ops[1].record.blob, "new");
}

TEST(MongoScripted, WhoMayHaveBeenReplacedAndWrittenOverIsUnknown) {
  const auto ran = replaced_one_of_two(document(record(1), 4321), document(record(2), 1234));
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::unknown, Outcome::unknown}));
}

TEST(MongoScripted, WhatTheLookFindsAsExpectedComesAgain) {
  const auto ran = replaced_one_of_two(document(record(1), 2), document(record(2), 99));
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::done, Outcome::later}));
}

TEST(MongoScripted, ALookThatFailsLeavesThemUnknown) {
  const auto ran = run(primary([](const std::string& name, const std::string&) {
                         return name == "update" ? std::string(R"({"n": 0, "ok": 1})")
                                                 : std::string(not_primary);
                       }),
                       some(Verb::replace, 2));
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::unknown, Outcome::unknown}));
}

TEST(MongoScripted, ALoadReadsAllBatchesOfACursor) {
  const auto ran = run(primary([](const std::string& name, const std::string&) {
                         if (name == "find") return found(document(record(1), 5), 77);
                         return R"({"cursor": {"id": {"$numberLong": "0"}, "nextBatch": [)" +
                                document(record(2), 6) + R"(]}, "ok": 1})";
                       }),
                       some(Verb::load, 3));
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::done, Outcome::done, Outcome::missing}));
  EXPECT_EQ(ran.ops[1].record.token, WriteToken{6});
}

TEST(MongoScripted, ADamagedDocumentIsUnreadable) {
  auto damaged = document(record(1), 5);
  damaged.replace(damaged.find("blob"), 4, "bolb");
  const auto ran = run(always(found(damaged)), some(Verb::load));
  EXPECT_EQ(ran.outcomes(), (std::vector{Outcome::unreadable}));
}

TEST(MongoScripted, ReplyWithoutWhatItMustHaveLosesTheConnection) {
  for (const auto* reply : {R"({"ok": 1})", R"({"ok": 1, "n": -1})", R"({"ok": 1, "n": "1"})",
                            R"({"ok": 1, "n": 0, "writeErrors": [{"index": 7, "code": 11000}]})",
                            R"({"ok": 1, "n": 0, "writeErrors": [{"code": 11000}]})"})
    EXPECT_EQ(run(always(reply), some(Verb::create)).thrown.kind, Kind::connection_lost) << reply;
  EXPECT_EQ(run(always(R"({"ok": 1})"), some(Verb::load)).thrown.kind, Kind::connection_lost);
}

TEST(MongoScripted, ACutIsALostConnection) {
  EXPECT_EQ(run(always(""), some(Verb::replace)).thrown.kind, Kind::connection_lost);
  EXPECT_EQ(run(always(R"(half {"n": 1, "ok": 1})"), some(Verb::replace)).thrown.kind,
            Kind::connection_lost);
}

TEST(MongoScripted, ACallEndsAtItsDeadline) {
  const ScriptedServer server(always("silence"));
  const auto connection = connected(server.uri());
  auto ops = some(Verb::load);
  const auto thrown = thrown_by([&] { connection->run(ops, soon(50ms)); });
  EXPECT_EQ(thrown.kind, Kind::connection_lost);
  EXPECT_NE(thrown.text.find("in time"), std::string::npos) << thrown.text;
}

TEST(MongoScripted, AConnectEndsAtItsDeadline) {
  const ScriptedServer server(
      [](const std::string&, const std::string&) { return std::string("silence"); });
  const auto thrown = thrown_by([&] { connected(server.uri(), soon(50ms)); });
  EXPECT_EQ(thrown.kind, Kind::connection_lost);
  EXPECT_NE(thrown.text.find("took the connection and did not answer"), std::string::npos)
      << thrown.text;
}

/// Never answers, and says when it was asked.
class Hanging {
 public:
  explicit Hanging(bool in_hello)
      : server_([this, in_hello](const std::string& name, const std::string&) -> std::string {
          if (ScriptedServer::is_hello(name) && !in_hello) return ScriptedServer::hello();
          if (!asked_.exchange(true)) heard_.set_value();
          return "silence";
        }) {}
  std::unique_ptr<StoreConnection> connection() {
    return mongo::store({.uri = server_.uri()})->make_connection();
  }
  /// What the call throws while another thread aborts it.
  Thrown aborted(StoreConnection& connection, const std::function<void()>& call) {
    std::thread other([&] {
      heard_.get_future().wait();
      connection.abort();
    });
    auto thrown = thrown_by(call);
    other.join();
    return thrown;
  }

 private:
  std::atomic<bool> asked_{false};
  std::promise<void> heard_{};
  ScriptedServer server_;
};

TEST(MongoScripted, ACallThatIsAbortedEnds) {
  Hanging server(false);
  const auto connection = server.connection();
  connection->connect(soon());
  auto ops = some(Verb::load);
  const auto thrown = server.aborted(*connection, [&] { connection->run(ops, {}); });
  EXPECT_EQ(thrown.kind, Kind::connection_lost);
  EXPECT_NE(thrown.text.find("given up"), std::string::npos) << thrown.text;
  EXPECT_EQ(thrown_by([&] { connection->run(ops, soon()); }).kind, Kind::connection_lost);
}

TEST(MongoScripted, AConnectThatIsAbortedEnds) {
  Hanging server(true);
  const auto connection = server.connection();
  const auto thrown = server.aborted(*connection, [&] { connection->connect({}); });
  EXPECT_EQ(thrown.kind, Kind::connection_lost);
}

TEST(MongoScripted, ConcernsAreThoseOfTheUriOrSafeOnes) {
  const auto ask = [](const std::string& parameters) {
    const ScriptedServer server(primary([](const std::string& name, const std::string&) {
      return name == "find" ? found("") : std::string(R"({"n": 1, "ok": 1})");
    }));
    const auto connection = connected(server.uri(parameters));
    std::vector<StoreOp> ops;
    for (const auto verb : {Verb::load, Verb::create, Verb::replace, Verb::touch, Verb::erase})
      ops.push_back(op(verb, record(1)));
    connection->run(ops, {soon().now, {}});
    return std::vector{heard_of(server, "find"), heard_of(server, "insert"),
                       heard_of(server, "update"), heard_of(server, "delete")};
  };
  const auto safe = ask("");
  EXPECT_NE(safe[0].find(R"("readConcern" : { "level" : "majority" })"), std::string::npos)
      << safe[0];
  for (const auto i : {1, 2, 3})
    EXPECT_NE(safe[i].find(R"("writeConcern" : { "w" : "majority", "j" : true })"),
              std::string::npos)
        << safe[i];
  const auto other = ask("w=2&journal=false&wtimeoutMS=70&readConcernLevel=local");
  EXPECT_NE(other[0].find(R"("level" : "local")"), std::string::npos) << other[0];
  EXPECT_NE(other[1].find(R"("w" : { "$numberInt" : "2" }, "j" : false, "wtimeout" : )"
                          R"({ "$numberInt" : "70" })"),
            std::string::npos)
      << other[1];
}

TEST(MongoScripted, ALinearizableLoadIsOneOfOneDocument) {
  std::atomic<int> finds{0};
  const ScriptedServer server(primary([&](const std::string&, const std::string&) {
    ++finds;
    return found("");
  }));
  const auto connection = connected(server.uri("readConcernLevel=linearizable"));
  auto ops = some(Verb::load, 3);
  connection->run(ops, soon());
  EXPECT_EQ(finds, 3);
  EXPECT_EQ(ops[2].outcome, Outcome::missing);
}

TEST(MongoScripted, TheServerHearsTheNameOfTheApplication) {
  const auto hello_of = [](const std::string& parameters) {
    const ScriptedServer server(always(found("")));
    static_cast<void>(connected(server.uri(parameters)));
    return server.heard().front();
  };
  EXPECT_NE(hello_of("").find(R"("name" : "flame-session")"), std::string::npos);
  EXPECT_NE(hello_of("appName=shop").find(R"("name" : "shop")"), std::string::npos);
}

TEST(MongoScripted, TheClockIsTheServers) {
  const ScriptedServer server(always(""));
  EXPECT_EQ(connected(server.uri())->clock(soon()), TimePoint(1'800'000'000'000ms));
}

TEST(MongoScripted, AServerThatIsTooOldIsRefused) {
  const ScriptedServer server([](const std::string&, const std::string&) {
    auto hello = ScriptedServer::hello();
    hello.replace(hello.find("21"), 2, "7");
    return hello;
  });
  EXPECT_EQ(thrown_by([&] { connected(server.uri()); }).kind, Kind::refused);
}

}  // namespace
}  // namespace flame::session
