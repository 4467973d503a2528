#include <signal.h>

#include <algorithm>
#include <future>
#include <thread>

#include "stores/postgres/link.hpp"
#include "support.hpp"

namespace flame::session::tests {
namespace {

using Kind = StoreError::Kind;

void sort(std::vector<StoreOp>& batch) {
  std::ranges::sort(batch, {}, [](const StoreOp& op) { return std::pair(op.verb, op.record.key); });
}

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
  EXPECT_EQ(thrown_by([&] { connection_->run({&op, 1}, at(0s)); }).kind, Kind::away);
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
       {std::pair("53100", Kind::refused), std::pair("42501", Kind::refused),
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

/// What two processes do to the same sessions: an update is lost nowhere, and nobody waits for who
/// waits for him.
TEST_F(PostgresFaults, ContendingBatchesNeitherDeadlockNorLoseAnUpdate) {
  constexpr std::uint64_t sessions = 20, rounds = 50;
  for (std::uint64_t number = 0; number < sessions; ++number) {
    auto r = record(number);
    r.blob = "0";
    apply(Verb::create, r);
  }
  const auto deadlocks = [&] {
    return admin().ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
  };
  const auto before = deadlocks();
  std::atomic<int> done{0};
  const auto work = [&](std::uint64_t seed) {
    const auto connection = open_connection(*store_, at(0s));
    std::vector<StoreOp> batch;
    for (std::uint64_t number = 0; number < sessions; ++number) {
      auto r = record(number);
      r.blob = "0";
      batch.push_back({Verb::replace, std::move(r), {}, {}});
    }
    sort(batch);
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (auto& op : batch) {
        op.expected = op.record.token;
        op.record.token = WriteToken{++seed};
        op.record.blob = std::to_string(std::stol(op.record.blob) + 1);
        op.outcome = Outcome::unanswered;
      }
      connection->run(batch, at(0s));
      for (const auto& op : batch) {
        ASSERT_TRUE(op.outcome == Outcome::done || op.outcome == Outcome::conflict);
        if (op.outcome == Outcome::done) ++done;
      }
    }
  };
  {
    std::jthread one(work, 1'000'000), two(work, 2'000'000);
    // Others erase and touch what is there.
    const auto connection = open_connection(*store_, at(0s));
    for (std::uint64_t round = 0; round < rounds; ++round) {
      std::vector<StoreOp> batch;
      for (std::uint64_t number = 0; number < sessions; ++number) {
        batch.push_back({Verb::touch, record(number), {}, {}});
        batch.push_back({Verb::erase, {.key = key(number + sessions)}, {}, {}});
      }
      sort(batch);
      connection->run(batch, at(0s));
    }
  }
  EXPECT_EQ(admin().ask("SELECT sum(convert_from(blob, 'UTF8')::bigint) FROM " + table()),
            std::to_string(done));
  EXPECT_EQ(deadlocks(), before);
  EXPECT_GT(done, 0);
}

TEST_F(PostgresFaults, ASweepPassesWhatOthersHold) {
  for (std::uint64_t number = 0; number < 10; ++number) create(number);
  Admin holder(options_.dsn);
  holder.rows("BEGIN");
  holder.rows("SELECT 1 FROM " + table() + " WHERE token = 4 FOR UPDATE");
  EXPECT_EQ(connection_->sweep(100, at(2000s)), 9u);
  holder.rows("COMMIT");
  EXPECT_EQ(connection_->sweep(100, at(2000s)), 1u);
}

TEST_F(PostgresFaults, ASweepTakesNoMoreThanItMay) {
  admin().rows("INSERT INTO " + table() +
               " SELECT i, 0, 0, i % 2 * 4000000000000, decode(md5(i::text), 'hex'), '', "
               "decode(repeat('ab', 500), 'hex') FROM generate_series(1, 5000) i");
  std::size_t gone = 0;
  for (int calls = 0; calls < 3; ++calls) {
    const auto swept = connection_->sweep(1000, at(0s));
    EXPECT_LE(swept, 1000u);
    gone += swept;
  }
  EXPECT_EQ(gone, 2500u);
  EXPECT_EQ(admin().ask("SELECT count(*) FROM " + table()), "2500");
}

/// No setting of ours outlives its transaction: behind a pooler it would be others'.
TEST_F(PostgresFaults, ATouchRelaxesItsOwnTransactionAlone) {
  using postgres::Ask;
  const postgres::Statements statements(parse_table_name("table", table()));
  std::atomic<bool> unnamed{false};
  postgres::Link link(statements, unnamed);
  link.open(postgres::read_settings({.dsn = options_.dsn}).keywords, {});
  link.start();
  const std::string setting = "SELECT current_setting('synchronous_commit')";
  link.ask(Ask::relax, {});
  link.ask(setting, {});
  link.end_group();
  link.ask(setting, {});
  link.end_group();
  link.send({});
  static_cast<void>(link.next({}));
  EXPECT_EQ(link.next({}).bytes(0, 0), "off");
  EXPECT_FALSE(link.next({}));
  EXPECT_FALSE(link.group_end().failure);
  EXPECT_EQ(link.next({}).bytes(0, 0), "on");
  EXPECT_FALSE(link.next({}));
  link.finish();
}

TEST_F(PostgresFaults, WhatIsTooLargeFailsAlone) {
  std::vector<StoreOp> batch{creation(1), creation(2), creation(3)};
  batch[0].record.blob.assign((1 << 20) + 1, 'x');
  batch[1].record.owner.assign(321, 'x');
  batch[2].record.owner.assign(320, '\0');
  sort(batch);
  connection_->run(batch, at(0s));
  for (const auto& op : batch)
    EXPECT_EQ(op.outcome, op.record.owner.size() == 320 ? Outcome::done : Outcome::refused);
}

TEST_F(PostgresFaults, TheClockIsTheServers) {
  const auto before =
      std::stoll(admin().ask("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"));
  const auto told = connection_->clock(at(0s)).value().time_since_epoch().count();
  const auto after =
      std::stoll(admin().ask("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"));
  EXPECT_GE(told, before);
  EXPECT_LE(told, after);
}

}  // namespace
}  // namespace flame::session::tests
