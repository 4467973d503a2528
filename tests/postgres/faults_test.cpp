#include <signal.h>

#include <future>
#include <thread>

#include "support.hpp"

namespace flame::session::tests {
namespace {

using Kind = StoreError::Kind;

class PostgresFaults : public PostgresTest {
 protected:
  void until(const std::string& condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (admin().ask("SELECT " + condition) != "t") {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << condition;
    }
  }
  void until_blocked() {
    until("EXISTS (SELECT FROM pg_stat_activity WHERE pid = " + backend_ +
          " AND wait_event_type = 'Lock')");
  }
  void terminate() {
    admin().rows("SELECT pg_terminate_backend(" + backend_ + ")");
    until("NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = " + backend_ + ")");
  }
  /// Each write of one key, or of all, fails with this SQLSTATE.
  void fail_with(const std::string& code, const std::string& only_token = "") {
    const auto name = server_->schema + ".fail";
    admin().rows(
        "CREATE OR REPLACE FUNCTION " + name + "() RETURNS trigger AS $$ BEGIN " +
        (only_token.empty() ? "" : "IF NEW.token <> " + only_token + " THEN RETURN NEW; END IF; ") +
        "RAISE EXCEPTION USING ERRCODE = '" + code +
        "', MESSAGE = 'canary'; END $$ LANGUAGE plpgsql");
    admin().rows("DROP TRIGGER IF EXISTS fail ON " + table());
    admin().rows("CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON " + table() +
                 " FOR EACH ROW EXECUTE FUNCTION " + name + "()");
  }
  void mend() { admin().rows("DROP TRIGGER fail ON " + table()); }
  static std::vector<StoreOp> large_batch() {
    std::vector<StoreOp> batch(16, {Verb::create, record(1), {}, {}});
    for (std::uint64_t i = 0; i < batch.size(); ++i) {
      batch[i].record.key = key(i);
      batch[i].record.blob.assign(1 << 20, 'x');
    }
    sort(batch);
    return batch;
  }
  StoreOp creation(std::uint64_t number) { return {Verb::create, record(number), {}, {}}; }
};

TEST_F(PostgresFaults, WhatIsKilledIdleLosesNothing) {
  create(1);
  terminate();
  auto op = creation(2);
  EXPECT_EQ(thrown_by([&] { connection_->run({&op, 1}, at(0s)); }).kind, Kind::later);
  EXPECT_EQ(op.outcome, Outcome::unanswered);
  open();
  EXPECT_EQ(load(2), Outcome::missing);
  EXPECT_EQ(load(1), Outcome::done);
  terminate();
  EXPECT_TRUE(thrown_by([&] { connection_->ping(at(0s)); }).kind);
}

TEST_F(PostgresFaults, WhatIsKilledInABatchIsUnknown) {
  create(1);
  Admin holder(options_.dsn);
  holder.rows("BEGIN");
  holder.rows("SELECT 1 FROM " + table() + " FOR UPDATE");
  std::vector<StoreOp> batch{creation(2), {Verb::replace, record(1), record(1).token, {}}};
  auto running = std::async(
      std::launch::async, [&] { return thrown_by([&] { connection_->run(batch, at(0s)); }).kind; });
  until_blocked();
  terminate();
  EXPECT_EQ(running.get(), Kind::connection_lost);
  EXPECT_EQ(batch[0].outcome, Outcome::done) << "what was answered before stays so";
  EXPECT_EQ(batch[1].outcome, Outcome::unanswered);
  EXPECT_EQ(thrown_by([&] { connection_->ping(at(0s)); }).kind, Kind::connection_lost);
}

TEST_F(PostgresFaults, ACallEndsAtItsDeadlineAndItsReplyReachesNobody) {
  create(1);
  create(2);
  const auto pid = static_cast<pid_t>(std::stol(backend_));
  if (::kill(pid, SIGSTOP) != 0) GTEST_SKIP() << "not run: the server's processes are another's";
  StoreOp op{Verb::load, {.key = key(1)}, {}, {}};
  const auto late = thrown_by([&] { connection_->run({&op, 1}, at(0s, 100ms)); });
  EXPECT_EQ(late.kind, Kind::connection_lost);
  ::kill(pid, SIGCONT);
  StoreOp other{Verb::load, {.key = key(2)}, {}, {}};
  EXPECT_EQ(thrown_by([&] { connection_->run({&other, 1}, at(0s)); }).kind, Kind::connection_lost);
  EXPECT_EQ(other.outcome, Outcome::unanswered);
  EXPECT_EQ(other.record.blob, "");
}

TEST_F(PostgresFaults, AnAbortEndsACall) {
  create(1);
  Admin holder(options_.dsn);
  holder.rows("BEGIN");
  holder.rows("SELECT 1 FROM " + table() + " FOR UPDATE");
  StoreOp op{Verb::erase, {.key = key(1)}, {}, {}};
  auto running = std::async(std::launch::async, [&] {
    return thrown_by([&] { connection_->run({&op, 1}, {start, {}}); }).kind;
  });
  until_blocked();
  connection_->abort();
  EXPECT_EQ(running.get(), Kind::connection_lost);
}

TEST_F(PostgresFaults, ABatchMayBeMoreThanAnySocketHolds) {
  auto batch = large_batch();
  connection_->run(batch, at(0s));
  for (auto& op : batch) {
    EXPECT_EQ(op.outcome, Outcome::done);
    op.verb = Verb::load;
    op.outcome = Outcome::unanswered;
    op.record.blob.clear();
  }
  connection_->run(batch, at(0s));
  for (const auto& op : batch) EXPECT_EQ(op.record.blob.size(), std::size_t{1} << 20);
}

TEST_F(PostgresFaults, AWriteEndsAtItsDeadlineToo) {
  const auto pid = static_cast<pid_t>(std::stol(backend_));
  if (::kill(pid, SIGSTOP) != 0) GTEST_SKIP() << "not run: the server's processes are another's";
  auto batch = large_batch();
  EXPECT_EQ(thrown_by([&] { connection_->run(batch, at(0s, 200ms)); }).kind, Kind::connection_lost);
  connection_.reset();
  ::kill(pid, SIGCONT);
}

TEST_F(PostgresFaults, AnErrorOfTheServerIsToldAsWhatItMeans) {
  using Table = std::pair<const char*, Outcome>;
  for (const auto& [code, outcome] :
       {Table{"40001", Outcome::later}, Table{"40P01", Outcome::later},
        Table{"55P03", Outcome::later}, Table{"40003", Outcome::unknown}}) {
    fail_with(code);
    EXPECT_EQ(create(1), outcome) << code;
  }
  for (const auto& [code, kind] :
       {std::pair("53100", Kind::full), std::pair("42501", Kind::refused),
        std::pair("P0001", Kind::refused), std::pair("25006", Kind::away)}) {
    fail_with(code);
    auto op = creation(1);
    const auto thrown = thrown_by([&] { connection_->run({&op, 1}, at(0s)); });
    EXPECT_EQ(thrown.kind, kind) << code;
    EXPECT_EQ(thrown.text.find("canary"), thrown.text.npos) << thrown.text;
    EXPECT_EQ(op.outcome, Outcome::unanswered);
  }
  mend();
  EXPECT_EQ(create(1), Outcome::done) << "the connection is as good as before";
}

/// Nothing of a group is applied with it, so that halves find it; other groups do not mind.
TEST_F(PostgresFaults, APoisonousRecordFailsAlone) {
  create(1);
  fail_with("23514", "3");  // record(2)
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 2; number < 6; ++number) batch.push_back(creation(number));
  batch.push_back({Verb::erase, {.key = key(1)}, {}, {}});
  sort(batch);
  EXPECT_EQ(thrown_by([&] { connection_->run(batch, at(0s)); }).kind, Kind::refused);
  EXPECT_EQ(batch.back().outcome, Outcome::done);
  for (std::uint64_t number = 2; number < 6; ++number) EXPECT_EQ(load(number), Outcome::missing);
  EXPECT_TRUE(thrown_by([&] { create(2); }).kind);
  for (std::uint64_t number = 3; number < 6; ++number) EXPECT_EQ(create(number), Outcome::done);
}

/// Or a lock on the table would cost one of max_connections for each call that is given up.
TEST_F(PostgresFaults, WhatIsGivenUpDoesNotWaitOnAtTheServer) {
  Admin holder(options_.dsn);
  holder.rows("BEGIN");
  holder.rows("LOCK TABLE " + table());
  auto op = creation(1);
  EXPECT_EQ(thrown_by([&] {
              connection_->run({&op, 1}, at(0s, 50ms));
            }).kind,
            Kind::connection_lost);
  connection_.reset();
  until("NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = " + backend_ + ")");
}

/// As a pooler does it, in the middle of what this connection knows to be prepared.
TEST_F(PostgresFaults, EachGroupWhoseStatementsWereLostIsSentAgain) {
  const auto batch_of = [](std::uint64_t first) {
    std::vector<StoreOp> batch{
        {Verb::load, record(first), {}, {}},
        {Verb::create, record(first + 3), {}, {}},
        {Verb::replace, record(first + 1), record(first + 1).token, {}},
        {Verb::touch, record(first), {}, {}},
        {Verb::touch, record(first + 1), {}, {}},
        {Verb::erase, record(first + 2), {}, {}},
    };
    sort(batch);
    return batch;
  };
  for (std::uint64_t number = 0; number < 3; ++number) create(number);
  auto batch = batch_of(0);
  connection_->run(batch, at(0s));
  for (std::uint64_t number = 10; number < 13; ++number) create(number);
  const auto name = server_->schema + ".forget";
  admin().rows("CREATE OR REPLACE FUNCTION " + name +
               "() RETURNS trigger AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN NEW; END $$ "
               "LANGUAGE plpgsql");
  admin().rows("CREATE TRIGGER forget BEFORE INSERT ON " + table() +
               " FOR EACH ROW EXECUTE FUNCTION " + name + "()");
  EXPECT_EQ(create(14), Outcome::done);
  admin().rows("DROP TRIGGER forget ON " + table());
  batch = batch_of(10);
  connection_->run(batch, at(0s));
  for (const auto& op : batch) EXPECT_EQ(op.outcome, Outcome::done) << static_cast<int>(op.verb);
  EXPECT_EQ(load(12), Outcome::missing);
}

TEST_F(PostgresFaults, WhatATriggerKeepsFromBeingDoneIsRefusedByItsName) {
  create(1);
  create(2);
  const auto name = server_->schema + ".keep";
  admin().rows("CREATE OR REPLACE FUNCTION " + name +
               "() RETURNS trigger AS $$ BEGIN RETURN NULL; END $$ LANGUAGE plpgsql");
  auto changed = record(1);
  changed.token = WriteToken{77};
  changed.blob = "changed";
  admin().rows("CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON " + table() +
               " FOR EACH ROW EXECUTE FUNCTION " + name + "()");
  const StoreOp writes[] = {{Verb::create, record(3), {}, {}},
                            {Verb::replace, changed, record(1).token, {}},
                            {Verb::erase, record(2), {}, {}}};
  for (auto op : writes) {
    const auto thrown = thrown_by([&] { connection_->run({&op, 1}, at(0s)); });
    EXPECT_EQ(thrown.kind, Kind::refused) << static_cast<int>(op.verb);
    EXPECT_NE(thrown.text.find("DROP TRIGGER keep ON"), thrown.text.npos) << thrown.text;
    EXPECT_EQ(op.outcome, Outcome::unanswered);
    if (op.verb == Verb::replace) {
      EXPECT_EQ(op.record.blob, "changed") << "it is sent again as it was";
    }
  }
  EXPECT_EQ(apply(Verb::create, record(2)).outcome, Outcome::exists);
  EXPECT_EQ(apply(Verb::replace, changed, WriteToken{5}).outcome, Outcome::conflict);
  EXPECT_EQ(apply(Verb::erase, record(9)).outcome, Outcome::done);
  admin().rows("DROP TRIGGER keep ON " + table());
  for (auto op : writes) {
    connection_->run({&op, 1}, at(0s));
    EXPECT_EQ(op.outcome, Outcome::done);
  }
}

TEST_F(PostgresFaults, ARuleThatKeepsSessionsIsNoLogout) {
  create(1);
  admin().rows("CREATE RULE keep AS ON DELETE TO " + table() + " DO INSTEAD NOTHING");
  EXPECT_EQ(thrown_by([&] { apply(Verb::erase, record(1)); }).kind, Kind::away);
  EXPECT_EQ(load(1), Outcome::done);
}

TEST_F(PostgresFaults, AWarningOfATriggerIsNone) {
  const auto name = server_->schema + ".warn";
  admin().rows("CREATE OR REPLACE FUNCTION " + name +
               "() RETURNS trigger AS $$ BEGIN RAISE WARNING 'w'; RETURN NEW; END $$ LANGUAGE "
               "plpgsql");
  admin().rows("CREATE TRIGGER warn BEFORE INSERT ON " + table() +
               " FOR EACH ROW EXECUTE FUNCTION " + name + "()");
  EXPECT_EQ(create(1), Outcome::done);
}

TEST_F(PostgresFaults, ATableThatIsDroppedComesBack) {
  create(1);
  EXPECT_EQ(load(1), Outcome::done);
  admin().rows("DROP TABLE " + table());
  for (const auto verb : {Verb::load, Verb::create, Verb::touch, Verb::erase}) {
    StoreOp op{verb, record(1), {}, {}};
    const auto thrown = thrown_by([&] { connection_->run({&op, 1}, at(0s)); });
    EXPECT_EQ(thrown.kind, Kind::refused);
    EXPECT_NE(thrown.text.find("42P01"), thrown.text.npos) << thrown.text;
  }
  EXPECT_TRUE(thrown_by([&] { static_cast<void>(connection_->sweep(9, at(0s))); }).kind);
  const auto other = open_connection(*store_, at(0s));  // makes it
  EXPECT_EQ(load(1), Outcome::missing);
  EXPECT_EQ(create(1), Outcome::done);
  EXPECT_EQ(load(1), Outcome::done);
}

TEST_F(PostgresFaults, AChangedColumnNeedsANewConnection) {
  create(1);
  EXPECT_EQ(load(1), Outcome::done);
  admin().rows("ALTER TABLE " + table() + " ALTER COLUMN token TYPE numeric");
  EXPECT_EQ(thrown_by([&] { load(1); }).kind, Kind::away);
  admin().rows("ALTER TABLE " + table() + " ALTER COLUMN token TYPE bigint");
  open();
  EXPECT_EQ(load(1), Outcome::done);
}

}  // namespace
}  // namespace flame::session::tests
