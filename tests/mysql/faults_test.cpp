#include <thread>

#include <flame/session/unreachable.hpp>

#include "fake_server.hpp"
#include "mysql_support.hpp"
#include "proxy.hpp"

namespace flame::session::mysql {
namespace {

using Kind = StoreError::Kind;

class MysqlFaults : public MysqlTest {
 protected:
  /// Through the proxy.
  void SetUp() override {
    MysqlTest::SetUp();
    if (IsSkipped()) return;
    const auto dsn = parse_dsn(url_);
    proxy_ = std::make_unique<Proxy>(dsn.host, dsn.port);
    reconnect();
  }
  void reconnect() { connection_ = connect_to(dsn_through(proxy_->port())); }
  Kind kind_of(const auto& call, std::string* text = nullptr) {
    const auto [kind, said] = thrown_by(call);
    EXPECT_EQ(said.find("CaNaRy"), said.npos) << said;
    EXPECT_EQ(said.find('\n'), said.npos) << said;
    EXPECT_TRUE(kind) << "nothing was thrown";
    if (text) *text = said;
    return kind.value_or(Kind::unconfirmed);
  }
  /// Of a user of its own: so the server's list tells it from others' connections.
  void reconnect_as_user() {
    const auto dsn = parse_dsn(new_user("SELECT, INSERT, UPDATE, DELETE"));
    user_ = dsn.user;
    connection_ = connect_to(dsn_of(dsn.user, *dsn.password, proxy_->port()));
  }
  /// The number of that connection, once it runs a statement that has this in it.
  std::string id_of(const std::string& part = {}) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < until) {
      for (const auto& row : admin_->rows("SHOW FULL PROCESSLIST")) {
        if (row.at(1) == user_ && row.at(7).find(part) != std::string::npos) return row.at(0);
      }
    }
    throw std::runtime_error("the server shows no such connection");
  }

  bool is_connected(const std::string& user) {
    const auto rows = admin_->rows("SHOW FULL PROCESSLIST");
    return std::ranges::any_of(rows, [&](const auto& row) { return row.at(1) == user; });
  }

  std::string user_{};
  std::unique_ptr<Proxy> proxy_{};
};

TEST_P(MysqlFaults, AConnectionThatTheServerEndsWhileIdleIsLost) {
  reconnect_as_user();
  create(1, 2);
  admin_->run("KILL " + id_of());
  EXPECT_EQ(kind_of([&] { load(*connection_, 1); }), Kind::connection_lost);
  EXPECT_EQ(kind_of([&] { load(*connection_, 1); }), Kind::connection_lost) << "and stays so";
  EXPECT_EQ(kind_of([&] { connection_->ping(call_now()); }), Kind::connection_lost);
  reconnect();
  EXPECT_EQ(load(*connection_, 1), Outcome::done);
}

TEST_P(MysqlFaults, AConnectionThatTheServerEndsInABatchIsLost) {
  reconnect_as_user();
  create(1, 3);
  Admin holder(url_);
  holder.run("BEGIN");
  holder.run("SELECT * FROM " + table_ + " FOR UPDATE");
  std::vector<StoreOp> batch;
  for (std::uint64_t number : {1, 2}) {
    auto changed = record_of(number);
    changed.token = WriteToken{77};
    batch.push_back({Verb::replace, changed, record_of(number).token, {}});
  }
  sort(batch);
  Kind kind{};
  std::thread other([&] { kind = kind_of([&] { connection_->run(batch, call_now()); }); });
  admin_->run("KILL " + id_of("UPDATE"));
  other.join();
  EXPECT_EQ(kind, Kind::connection_lost);
  for (const auto& op : batch) EXPECT_EQ(op.outcome, Outcome::unanswered);
  holder.run("ROLLBACK");
  reconnect();
  EXPECT_EQ(load(*connection_, 1), Outcome::done);
}

TEST_P(MysqlFaults, AStatementThatTheServerEndsComesLater) {
  reconnect_as_user();
  create(1, 2);
  Admin holder(url_);
  holder.run("BEGIN");
  holder.run("SELECT * FROM " + table_ + " FOR UPDATE");
  Outcome outcome{};
  std::thread other([&] { outcome = apply(*connection_, Verb::touch, record_of(1)).outcome; });
  admin_->run("KILL QUERY " + id_of("UPDATE"));
  other.join();
  EXPECT_EQ(outcome, Outcome::later);
  holder.run("ROLLBACK");
  EXPECT_EQ(load(*connection_, 1), Outcome::done) << "the connection is good";
}

TEST_P(MysqlFaults, WhatIsLockedTooLongComesLaterAndTheRestIsDone) {
  create(1, 3);
  std::vector<StoreOp> batch{{Verb::load, {.key = record_of(1).key}, {}, {}},
                             {Verb::create, record_of(3), {}, {}},
                             {Verb::replace, record_of(1), record_of(1).token, {}},
                             {Verb::erase, record_of(2), {}, {}}};
  batch[2].record.token = WriteToken{77};
  sort(batch);
  Admin holder(url_);
  holder.run("BEGIN");
  holder.run("UPDATE " + table_ +
             " SET content = 'x' WHERE session_key = " + literal(record_of(1).key));
  connection_->run(batch, call_now());
  EXPECT_EQ(batch[0].outcome, Outcome::done);
  EXPECT_EQ(batch[1].outcome, Outcome::done);
  EXPECT_EQ(batch[2].outcome, Outcome::later);
  EXPECT_EQ(batch[3].outcome, Outcome::done);
  holder.run("ROLLBACK");
  batch[2].outcome = Outcome::unanswered;
  connection_->run(std::span(batch).subspan(2, 1), call_now());
  EXPECT_EQ(batch[2].outcome, Outcome::done);
}

TEST_P(MysqlFaults, ASilentServerEndsACallAtItsDeadline) {
  create(1, 2);
  proxy_->stall();
  const auto call = call_now(20ms);
  EXPECT_EQ(kind_of([&] { apply(*connection_, Verb::load, {.key = record_of(1).key}, {}, call); }),
            Kind::connection_lost);
  EXPECT_GE(std::chrono::steady_clock::now(), call.deadline);
  proxy_->resume();
  EXPECT_EQ(kind_of([&] { load(*connection_, 1); }), Kind::connection_lost)
      << "the answer that comes late is nobody's";
  reconnect();
  EXPECT_EQ(load(*connection_, 1), Outcome::done);
}

TEST_P(MysqlFaults, ASilentServerEndsAConnectAtItsDeadline) {
  proxy_->stall();
  const auto made = store({.dsn = dsn_through(proxy_->port()), .table = table_})->make_connection();
  std::string text;
  EXPECT_EQ(kind_of([&] { made->connect(call_now(20ms)); }, &text), Kind::connection_lost);
  EXPECT_NE(text.find("127.0.0.1:" + std::to_string(proxy_->port()) +
                      " took the connection and did not answer in time as a MySQL server does"),
            text.npos)
      << text;
  proxy_->resume();
  EXPECT_NO_THROW(made->connect(call_now())) << "it may be tried again";
}

TEST_P(MysqlFaults, AServerOfAnotherKindIsToldAsThat) {
  for (const std::string words : {"SSH-2.0-Some\r\n", "", "-ERR unknown command\r\n"}) {
    const auto port = static_cast<std::uint16_t>(tests::free_port());
    const auto at = "127.0.0.1:" + std::to_string(port) + " took the connection and did not answer";
    const tests::FakeServer other(
        [&](int descriptor) { tests::FakeServer::say(descriptor, words); }, port);
    std::string text;
    EXPECT_EQ(kind_of([&] { static_cast<void>(connect_to(dsn_through(port))); }, &text),
              Kind::connection_lost);
    EXPECT_NE(text.find(at), text.npos) << text;
  }
}

TEST_P(MysqlFaults, AbortEndsACallAtOnceAndEveryOneAfterIt) {
  create(1, 2);
  proxy_->stall();
  std::thread other([&] { connection_->abort(); });
  // Without a deadline: it would last for ever.
  EXPECT_EQ(kind_of([&] { apply(*connection_, Verb::load, {.key = record_of(1).key}, {}, {}); }),
            Kind::connection_lost);
  other.join();
  EXPECT_EQ(kind_of([&] { connection_->ping({}); }), Kind::connection_lost);
  proxy_->resume();
  EXPECT_EQ(kind_of([&] { load(*connection_, 1); }), Kind::connection_lost);

  const auto fresh =
      store({.dsn = dsn_through(proxy_->port()), .table = table_})->make_connection();
  fresh->abort();
  EXPECT_EQ(kind_of([&] { fresh->connect({}); }), Kind::connection_lost);
}

TEST_P(MysqlFaults, ALargeBatchToASilentServerEndsAtItsDeadlineHalfWritten) {
  reconnect_as_user();
  const auto run = [&](std::uint64_t from, std::size_t size, const Call& call) {
    std::vector<StoreOp> batch;
    for (std::uint64_t number = from; number < from + 14; ++number) {
      batch.push_back({Verb::create, record_of(number), {}, {}});
      batch.back().record.blob.assign(size, 'x');
    }
    sort(batch);
    connection_->run(batch, call);
  };
  run(0, 1, call_now());  // it is prepared
  proxy_->stall();
  const auto call = call_now(50ms);
  constexpr auto more_than_sockets_keep = std::size_t{1} << 20;
  EXPECT_EQ(kind_of([&] { run(100, more_than_sockets_keep, call); }), Kind::connection_lost);
  EXPECT_GE(std::chrono::steady_clock::now(), call.deadline);
  connection_.reset();
  proxy_->resume();
  const auto until = call_now().deadline;
  while (is_connected(user_)) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "it does not end the connection";
    std::this_thread::yield();
  }
  EXPECT_EQ(admin_->value("SELECT COUNT(*) FROM " + table_), "14") << "it was written whole";
}

TEST_P(MysqlFaults, AWriteWhoseReplyWasLostIsThereOnce) {
  create(1, 2);
  auto changed = record_of(1);
  changed.token = WriteToken{77};
  changed.blob = "new";
  apply(*connection_, Verb::touch, record_of(1));
  apply(*connection_, Verb::replace, record_of(1), WriteToken{12345});  // it is prepared now
  proxy_->drop_next_reply();
  StoreOp op{Verb::replace, changed, record_of(1).token, {}};
  EXPECT_EQ(kind_of([&] { connection_->run({&op, 1}, call_now()); }), Kind::connection_lost);
  EXPECT_EQ(op.outcome, Outcome::unanswered);
  reconnect();
  const auto found = apply(*connection_, Verb::load, {.key = changed.key});
  EXPECT_EQ(found.record.token, changed.token);
  EXPECT_EQ(found.record.blob, "new");
  op.outcome = Outcome::unanswered;
  connection_->run({&op, 1}, call_now());
  EXPECT_EQ(op.outcome, Outcome::done) << "sent again, its token tells";
}

// Another writes over it between the update and the reading of who was done.
TEST_P(MysqlFaults, AWriteOfABatchThatAnotherHidesIsUnknown) {
  create(1, 3);
  std::vector<StoreOp> batch;
  const auto run = [&](std::uint64_t round, bool both) {
    batch.clear();
    for (std::uint64_t number : {1, 2}) {
      auto changed = record_of(number);
      changed.token = WriteToken{round * 100 + number};
      const auto last =
          round == 1 ? record_of(number).token : WriteToken{round * 100 - 100 + number};
      batch.push_back({Verb::replace, changed, number == 1 || both ? last : WriteToken{12345}, {}});
    }
    sort(batch);
    connection_->run(batch, call_now());
  };
  run(1, true);
  run(2, false);  // prepares what reads
  run(2, true);
  proxy_->stall_before(2);
  std::thread other([&] {
    while (!proxy_->is_stalled()) std::this_thread::yield();
    admin_->run("UPDATE " + table_ +
                " SET token = 999 WHERE session_key = " + literal(record_of(1).key));
    proxy_->resume();
  });
  run(3, false);
  other.join();
  for (const auto& op : batch) {
    EXPECT_EQ(op.outcome, Outcome::unknown) << "it cannot be told which one was replaced";
    EXPECT_EQ(op.record.blob, record_of(op.record.key == record_of(1).key ? 1 : 2).blob);
  }
}

TEST_P(MysqlFaults, WhatTheServerSaysBecomesAnOutcomeOrAKind) {
  create(1, 2);
  const auto replace = [&] {
    auto changed = record_of(1);
    changed.token = WriteToken{77};
    return apply(*connection_, Verb::replace, changed, WriteToken{12345}).outcome;
  };
  EXPECT_EQ(replace(), Outcome::conflict);
  const auto secret = "near 'CaNaRy'\nat line 1";
  for (const unsigned error : {1205, 1213, 1317}) {
    proxy_->answer_next(error, secret);
    EXPECT_EQ(replace(), Outcome::later) << error;
  }
  proxy_->answer_next(1180, secret);
  EXPECT_EQ(replace(), Outcome::unknown);
  for (const auto& [error, kind] :
       {std::pair(1290, Kind::away), std::pair(1836, Kind::away), std::pair(1047, Kind::away),
        std::pair(1114, Kind::full), std::pair(1021, Kind::full), std::pair(1153, Kind::refused),
        std::pair(1142, Kind::refused), std::pair(1064, Kind::refused)}) {
    proxy_->answer_next(error, secret);
    EXPECT_EQ(kind_of(replace), kind) << error;
    EXPECT_EQ(load(*connection_, 1), Outcome::done) << "the connection is good after " << error;
  }
  proxy_->answer_next(1053, secret);
  EXPECT_EQ(kind_of(replace), Kind::connection_lost);
  EXPECT_EQ(kind_of(replace), Kind::connection_lost) << "and not used again";
}

TEST_P(MysqlFaults, WhatTheServerSaysInPlaceOfAGreetingIsTold) {
  for (const auto& [error, kind] :
       {std::pair(1040, Kind::connection_lost), std::pair(1045, Kind::refused),
        std::pair(1049, Kind::refused), std::pair(1129, Kind::refused)}) {
    proxy_->answer_next(error, "user 'CaNaRy'");
    std::string text;
    EXPECT_EQ(kind_of([&] { reconnect(); }, &text), kind) << text;
    EXPECT_NE(text.find(std::to_string(error)), text.npos) << text;
  }
}

TEST_P(MysqlFaults, NobodyThereIsALostConnection) {
  const int port = proxy_->port();
  connection_.reset();
  proxy_.reset();
  const auto made = store({.dsn = dsn_through(port), .table = table_})->make_connection();
  std::string text;
  EXPECT_EQ(kind_of([&] { made->connect(call_now()); }, &text), Kind::connection_lost);
  EXPECT_EQ(text, unreachable("127.0.0.1:" + std::to_string(port), 0) + " (error 2002)");
}

TEST_P(MysqlFaults, ATableThatIsDroppedIsToldAndTakenWhenItIsBack) {
  create(1, 2);
  admin_->run("DROP TABLE " + table_);
  for (const auto verb : {Verb::load, Verb::create, Verb::replace, Verb::touch, Verb::erase}) {
    std::string text;
    EXPECT_EQ(kind_of([&] { apply(*connection_, verb, record_of(1)); }, &text), Kind::refused);
    EXPECT_NE(text.find("run: CREATE TABLE"), text.npos) << text;
  }
  EXPECT_EQ(kind_of([&] { connection_->sweep(10, call_now()); }), Kind::refused);
  std::string text;
  EXPECT_EQ(kind_of([&] { connection_->list("ann", "", 10, call_now()); }, &text), Kind::refused);
  admin_->run(text.substr(text.find("run: ") + 5, text.rfind(" (error") - text.find("run: ") - 5));
  create(1, 2);
  EXPECT_EQ(load(*connection_, 1), Outcome::done);
}

TEST_P(MysqlFaults, OnePoisonRecordFailsAlone) {
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 6; ++number)
    batch.push_back({Verb::create, record_of(number), {}, {}});
  batch[2].record.blob.assign(store_->traits().max_record + 1, 'x');
  batch[4].record.owner.assign(321, 'x');
  const auto large = batch[2].record.key, owned = batch[4].record.key;
  sort(batch);
  connection_->run(batch, call_now());
  for (const auto& op : batch) {
    const bool poison = op.record.key == large || op.record.key == owned;
    EXPECT_EQ(op.outcome, poison ? Outcome::refused : Outcome::done);
  }
}

TEST_P(MysqlFaults, ABatchOfOneOrSixtyFourIsOneRoundTrip) {
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 64; ++number)
    batch.push_back({Verb::create, record_of(number), {}, {}});
  sort(batch);
  const auto all = std::span(batch);
  int keys = 0;
  const auto trips = [&](std::span<StoreOp> ops, Verb verb) {
    std::uint64_t most = 0;
    for (int round = 0; round < 2; ++round) {  // the first one prepares
      for (auto& op : ops) {
        op.verb = verb;
        op.outcome = Outcome::unanswered;
        op.expected = op.record.token;
        if (verb == Verb::create) op.record.key.bytes[0] = static_cast<std::byte>(++keys);
        if (verb == Verb::replace)
          op.record.token = WriteToken{static_cast<std::uint64_t>(op.record.token) + 1000};
        if (verb == Verb::touch) op.record.expires_at += 1s;
      }
      sort(batch);
      const auto before = proxy_->requests();
      connection_->run(ops, call_now());
      for (const auto& op : ops) EXPECT_EQ(op.outcome, Outcome::done);
      most = proxy_->requests() - before;
    }
    return most;
  };
  for (const auto verb : {Verb::create, Verb::load, Verb::replace, Verb::touch, Verb::erase}) {
    EXPECT_EQ(trips(all, verb), 1U) << "64";
  }
  trips(all.first(1), Verb::create);
  for (const auto verb : {Verb::load, Verb::replace, Verb::touch, Verb::erase})
    EXPECT_EQ(trips(all.first(1), verb), 1U) << "1";
}

FLAME_ON_EACH_SERVER(MysqlFaults);

}  // namespace
}  // namespace flame::session::mysql
