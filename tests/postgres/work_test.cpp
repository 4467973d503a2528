#include <atomic>
#include <thread>

#include "stores/postgres/link.hpp"
#include "support.hpp"

namespace flame::session::tests {
namespace {

class PostgresWork : public PostgresTest {
 protected:
  /// A session of the server tells its statistics a second late, and at its end.
  void until_all_are_closed() {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!backends().empty()) ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
};

/// What two processes do to the same sessions: an update is lost nowhere, and nobody waits for who
/// waits for him.
TEST_F(PostgresWork, ContendingBatchesNeitherDeadlockNorLoseAnUpdate) {
  constexpr std::uint64_t sessions = 20, rounds = 50;
  for (std::uint64_t number = 0; number < sessions; ++number) {
    auto r = record(number);
    r.blob = "0";
    apply(Verb::create, r);
  }
  const auto deadlocks = [&] {
    return admin().ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
  };
  connection_.reset();
  const auto before = (until_all_are_closed(), deadlocks());
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
      for (const auto& op : batch) ASSERT_EQ(op.outcome, Outcome::done);
    }
  }
  until_all_are_closed();
  EXPECT_EQ(admin().ask("SELECT sum(convert_from(blob, 'UTF8')::bigint) FROM " + table()),
            std::to_string(done));
  EXPECT_EQ(deadlocks(), before);
  EXPECT_GT(done, 0);
}

TEST_F(PostgresWork, ASweepPassesWhatOthersHold) {
  for (std::uint64_t number = 0; number < 10; ++number) create(number);
  Admin holder(options_.dsn);
  holder.rows("BEGIN");
  holder.rows("SELECT 1 FROM " + table() + " WHERE token = 4 FOR UPDATE");
  EXPECT_EQ(connection_->sweep(100, at(2000s)), 9u);
  holder.rows("COMMIT");
  EXPECT_EQ(connection_->sweep(100, at(2000s)), 1u);
}

TEST_F(PostgresWork, ASweepTakesNoMoreThanItMay) {
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
TEST_F(PostgresWork, ATouchRelaxesItsOwnTransactionAlone) {
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

TEST_F(PostgresWork, WhatIsTooLargeFailsAlone) {
  std::vector<StoreOp> batch{{Verb::create, record(1), {}, {}},
                             {Verb::create, record(2), {}, {}},
                             {Verb::create, record(3), {}, {}}};
  batch[0].record.blob.assign((1 << 20) + 1, 'x');
  batch[1].record.owner.assign(321, 'x');
  batch[2].record.owner.assign(320, '\0');
  sort(batch);
  connection_->run(batch, at(0s));
  for (const auto& op : batch)
    EXPECT_EQ(op.outcome, op.record.owner.size() == 320 ? Outcome::done : Outcome::refused);
}

TEST_F(PostgresWork, TheClockIsTheServers) {
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
