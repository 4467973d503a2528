#include <array>
#include <thread>

#include "mysql_support.hpp"
#include "stores/mysql/batch.hpp"
#include "stores/mysql/forms.hpp"

namespace flame::session::mysql {
namespace {

class MysqlContention : public MysqlTest {
 protected:
  static constexpr std::uint64_t keys = 40;

  static std::vector<StoreOp> batch_of(Verb verb, std::uint64_t from, std::uint64_t n) {
    std::vector<StoreOp> batch;
    for (std::uint64_t i = 0; i < n; ++i)
      batch.push_back({verb, record_of((from + i) % keys), {}, {}});
    sort(batch);
    return batch;
  }
};

// Each adds one to all that it has read; what a conflict brings is read anew.
TEST_P(MysqlContention, NoUpdateIsLostAndNoneWaitsForEver) {
  constexpr int writers = 3, rounds = 60;
  for (std::uint64_t number = 0; number < keys; ++number) {
    auto record = record_of(number);
    record.blob = "0";
    apply(*connection_, Verb::create, record);
  }
  std::array<std::uint64_t, writers> added{}, put_off{}, unknown{};
  std::vector<std::thread> threads;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      const auto mine = open_connection(*store_, call_now());
      auto batch = batch_of(Verb::load, writer * 7, 24);
      mine->run(batch, call_now());
      std::uint64_t token = (writer + 1) << 32;
      for (int round = 0; round < rounds; ++round) {
        for (auto& op : batch) {
          op.verb = Verb::replace;
          op.outcome = Outcome::unanswered;
          op.expected = op.record.token;
          op.record.token = WriteToken{++token};
          op.record.blob = std::to_string(std::stoull(op.record.blob) + 1);
        }
        mine->run(batch, call_now());
        for (auto& op : batch) {
          if (op.outcome == Outcome::done) ++added[writer];
          if (op.outcome == Outcome::later) ++put_off[writer];
          if (op.outcome == Outcome::unknown) ++unknown[writer];
          if (op.outcome != Outcome::conflict && op.outcome != Outcome::done)
            op = apply(*mine, Verb::load, {.key = op.record.key});
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::uint64_t sum = 0, all = 0, open = 0;
  auto batch = batch_of(Verb::load, 0, keys);
  connection_->run(batch, call_now());
  for (const auto& op : batch) sum += std::stoull(op.record.blob);
  for (std::size_t writer = 0; writer < writers; ++writer) {
    all += added[writer];
    open += unknown[writer];
    EXPECT_EQ(put_off[writer], 0U) << "deadlocks, or waits of a second";
  }
  // Of those that are unknown each is there or not; nothing else is.
  EXPECT_GE(sum, all);
  EXPECT_LE(sum, all + open);
  EXPECT_GE(all, std::uint64_t{rounds} * 24) << "one at least wins each round";
}

TEST_P(MysqlContention, VerbsBesideEachOtherDoNotDeadlock) {
  constexpr int rounds = 40;
  create(0, keys, "ann");
  std::array<std::uint64_t, 3> put_off{}, done{};
  std::uint64_t swept = 0;
  const auto repeat = [&](std::size_t part, const std::vector<Verb>& verbs) {
    const auto mine = open_connection(*store_, call_now());
    for (int round = 0; round < rounds; ++round) {
      std::vector<StoreOp> batch;
      for (std::size_t i = 0; i < verbs.size(); ++i) {  // of two verbs, each half of the keys
        const auto from = static_cast<std::uint64_t>(round) * 5 + part + i * keys / 2;
        const auto some = batch_of(verbs[i], from, keys / 2);
        batch.insert(batch.end(), some.begin(), some.end());
      }
      for (auto& op : batch) {
        op.record.owner = round % 2 == 0 ? "ann" : "bob";
        op.record.expires_at += std::chrono::seconds(round);
        op.expected = op.record.token;
      }
      sort(batch);
      mine->run(batch, call_now());
      for (const auto& op : batch) {
        put_off[part] += op.outcome == Outcome::later;
        done[part] += op.outcome == Outcome::done;
      }
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] { repeat(0, {Verb::replace}); });
  threads.emplace_back([&] { repeat(1, {Verb::touch, Verb::replace}); });
  threads.emplace_back([&] { repeat(2, {Verb::create, Verb::erase}); });
  threads.emplace_back([&] {
    const auto mine = open_connection(*store_, call_now());
    auto late = call_now();
    late.now += 1020s;
    for (int round = 0; round < rounds; ++round) swept += mine->sweep(1000, late);
  });
  for (auto& thread : threads) thread.join();
  for (const auto n : put_off) EXPECT_EQ(n, 0U);
  for (const auto n : done) EXPECT_GT(n, 0U) << "there is nothing to be in each other's way for";
  EXPECT_GT(swept, 0U);
}

TEST_P(MysqlContention, ASweepIsBoundedAndWaitsForNobodyAlive) {
  create(0, 10);
  for (std::uint64_t number = 10; number < 15; ++number) {
    auto live = record_of(number, "ann");
    live.expires_at += 10000s;
    apply(*connection_, Verb::create, live);
  }
  Admin holder(url_);
  holder.run("BEGIN");
  for (std::uint64_t number = 10; number < 15; ++number)
    holder.run("UPDATE " + table_ +
               " SET content = 'x' WHERE session_key = " + literal(record_of(number).key));
  auto late = call_now();
  late.now += 2000s;
  EXPECT_EQ(connection_->sweep(4, late), 4U);
  const auto other = open_connection(*store_, call_now());
  std::size_t theirs = 0;
  std::thread beside([&] { theirs = other->sweep(100, late); });
  const auto ours = connection_->sweep(100, late);
  beside.join();
  EXPECT_EQ(ours + theirs, 6U) << "each once";
  EXPECT_EQ(connection_->sweep(100, late), 0U);
  holder.run("ROLLBACK");
  EXPECT_EQ(admin_->value("SELECT COUNT(*) FROM " + table_), "5");
}

TEST_P(MysqlContention, ASweepLeavesOutWhatIsLockedAndEndsInTime) {
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 5 * Batch::most; ++number)
    batch.push_back({Verb::create, record_of(number), {}, {}});
  sort(batch);
  connection_->run(batch, call_now());
  Admin holder(url_);
  const auto hold = [&](std::size_t chunk) {  // in the order of the keys
    holder.run("SELECT * FROM " + table_ + " WHERE session_key = " +
               literal(batch.at(chunk * Batch::most).record.key) + " FOR UPDATE");
  };
  const auto sweep = [&](std::chrono::milliseconds patience) {
    auto late = call_now(patience);
    late.now += 2000s;
    return connection_->sweep(1000, late);
  };
  holder.run("BEGIN");
  for (const std::size_t chunk : {0, 1, 2}) hold(chunk);
  EXPECT_EQ(sweep(60s), 2 * Batch::most) << "the first of them does not keep it from the last";
  holder.run("ROLLBACK");
  holder.run("BEGIN");
  for (const std::size_t chunk : {0, 1, 2}) hold(chunk);
  EXPECT_EQ(sweep(2900ms), 0U) << "no time for all three";
  holder.run("ROLLBACK");
  EXPECT_EQ(sweep(60s), 3 * Batch::most) << "the connection is good";
}

// It gets the first ones at last, when there is no time left to wait for others.
TEST_P(MysqlContention, ASweepThatWaitedEndsInTimeToo) {
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 3 * Batch::most; ++number)
    batch.push_back({Verb::create, record_of(number), {}, {}});
  sort(batch);
  connection_->run(batch, call_now());
  Admin holder(url_);
  holder.run("BEGIN");
  holder.run("SELECT * FROM " + table_ +
             " WHERE session_key = " + literal(batch.front().record.key) + " FOR UPDATE");
  auto late = call_now(2900ms);
  late.now += 2000s;
  std::thread letting_go([&] {
    std::this_thread::sleep_until(late.deadline - 2s);
    holder.run("ROLLBACK");
  });
  const auto swept = connection_->sweep(1000, late);
  letting_go.join();
  EXPECT_LE(swept, Batch::most);
  late.deadline += 60s;
  EXPECT_EQ(connection_->sweep(1000, late), batch.size() - swept);
}

TEST_P(MysqlContention, StatementsGoByTheirIndex) {
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 1500; ++number)
    batch.push_back({Verb::create, record_of(number, number % 100 == 0 ? "ann" : "bob"), {}, {}});
  sort(batch);
  connection_->run(batch, call_now());
  admin_->run("ANALYZE TABLE " + table_);
  const auto index_of = [&](Form form, std::size_t n, std::vector<std::string> values) {
    auto text = sql(form, n, {"", table_});
    std::size_t next = 0;
    for (auto at = text.find('?'); at != text.npos; at = text.find('?', at)) {
      const auto value = next < values.size() ? values[next] : values.back();
      text.replace(at, 1, value);
      at += value.size();
      ++next;
    }
    const auto row = admin_->rows("EXPLAIN FORMAT=TRADITIONAL " + text).at(0);
    const bool has_partitions = row.size() == 12;  // MySQL
    return row.at(has_partitions ? 6 : 5) + " " + row.at(has_partitions ? 4 : 3);
  };
  std::vector<std::string> some;
  for (std::uint64_t number = 0; number < 64; ++number)
    some.push_back(admin_->value("SELECT CONCAT('x''', HEX(session_key), '''') FROM " + table_ +
                                 " ORDER BY session_key LIMIT " + std::to_string(number * 20) +
                                 ", 1"));
  EXPECT_EQ(index_of(Form::list, 1, {"'ann'", some[3], "5", "100"}).substr(0, 6), "owner ");
  EXPECT_EQ(index_of(Form::load, 64, some), "PRIMARY range");
  EXPECT_EQ(index_of(Form::erase, 64, some), "PRIMARY range");
  some.push_back("5");
  EXPECT_EQ(index_of(Form::sweep, 64, some), "PRIMARY range");
  EXPECT_EQ(index_of(Form::expired, 1, {"5", "100"}), "expires_at range");
  EXPECT_EQ(index_of(Form::touch, 1, {"5", "5", "5", "5", some[1], "5"}), "PRIMARY range");
}

// Pages go on after any key, the last one of all too.
TEST_P(MysqlContention, PagesHoldTheFirstAndTheLastKey) {
  auto first = record_of(1, "ann"), last = record_of(2, "ann");
  first.key.bytes.fill(std::byte{0});
  last.key.bytes.fill(std::byte{0xff});
  EXPECT_EQ(apply(*connection_, Verb::create, first).outcome, Outcome::done);
  EXPECT_EQ(apply(*connection_, Verb::create, last).outcome, Outcome::done);
  const auto one = connection_->list("ann", "", 1, call_now());
  ASSERT_EQ(one.records.size(), 1U);
  EXPECT_EQ(one.records[0].key, first.key);
  const auto two = connection_->list("ann", one.next, 1, call_now());
  ASSERT_EQ(two.records.size(), 1U);
  EXPECT_EQ(two.records[0].key, last.key);
  EXPECT_TRUE(connection_->list("ann", two.next, 1, call_now()).records.empty());
  EXPECT_EQ(
      thrown_by([&] { static_cast<void>(connection_->list("ann", "x", 1, call_now())); }).kind,
      StoreError::Kind::refused);
}

TEST_P(MysqlContention, OwnersHaveUpTo320Bytes) {
  std::string owner(320, '\xff');
  owner[7] = '\0';
  const auto record = record_of(1, owner);
  EXPECT_EQ(apply(*connection_, Verb::create, record).outcome, Outcome::done);
  EXPECT_EQ(apply(*connection_, Verb::load, {.key = record.key}).record.owner, owner);
  EXPECT_EQ(connection_->list(owner, "", 10, call_now()).records.size(), 1U);
  owner[319] = '\xfe';
  EXPECT_EQ(connection_->list(owner, "", 10, call_now()).records.size(), 0U);
}

// In a batch tokens go through a CASE, where a careless server compares them as doubles.
TEST_P(MysqlContention, TokensOfABatchAreComparedExactly) {
  constexpr std::uint64_t held = (1ULL << 63) + 1;
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 4; ++number) {
    auto record = record_of(number);
    record.token = WriteToken{held};
    apply(*connection_, Verb::create, record);
    record.token = WriteToken{number + 1000};
    batch.push_back({Verb::replace, record, WriteToken{number % 2 == 0 ? held : held + 1}, {}});
  }
  sort(batch);
  connection_->run(batch, call_now());
  for (const auto& op : batch)
    EXPECT_EQ(op.outcome, op.expected == WriteToken{held} ? Outcome::done : Outcome::conflict);
}

TEST_P(MysqlContention, TheClockIsTheServers) {
  const auto before = std::chrono::system_clock::now();
  const auto told = connection_->clock(call_now());
  ASSERT_TRUE(told);
  EXPECT_LT(std::chrono::abs(*told - before), 1h) << "the same machine, whatever its time zone";
  const auto again = connection_->clock(call_now());
  EXPECT_GE(*again, *told);
}

FLAME_ON_EACH_SERVER(MysqlContention);

}  // namespace
}  // namespace flame::session::mysql
