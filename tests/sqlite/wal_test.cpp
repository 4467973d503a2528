#include <algorithm>
#include <atomic>
#include <thread>

#include "sqlite_support.hpp"

namespace flame::session::tests {
namespace {

class Wal : public SqliteTest {
 protected:
  Wal() { open(); }
};

/// Saves one session again and again, never the same: SQLite writes nothing that is as it was.
class Writer {
 public:
  Writer(StoreConnection& connection, Record record, std::size_t size)
      : connection_(connection), size_(size), op_{Verb::create, std::move(record), {}, {}} {}

  Outcome write() {
    auto op = op_;
    op.record.token = WriteToken{++count_};
    op.record.blob.assign(size_, static_cast<char>(count_));
    connection_.run({&op, 1}, {op.record.created_at, std::chrono::steady_clock::now() + 10s});
    if (op.outcome == Outcome::done) op_ = {Verb::replace, op.record, op.record.token, {}};
    return op.outcome;
  }

 private:
  StoreConnection& connection_;
  const std::size_t size_;
  StoreOp op_;
  std::uint64_t count_ = 0;
};

TEST_F(Wal, ACheckpointEmptiesTheWalAgainAndAgain) {
  Writer writer(*connection_, record(1), 100'000);
  std::uintmax_t largest = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 25; ++i) ASSERT_EQ(writer.write(), Outcome::done);
    connection_->sweep(100, at(0s));
    largest = std::max(largest, fs::file_size(beside("-wal")));
  }
  EXPECT_LT(largest, 16U << 20);  // all of them are 100 MB
}

// Whose writes come while it is emptied, so that it never is.
TEST_F(Wal, TheWalIsBegunAnewBesideABusyWriter) {
  const auto second = open_connection(*store_, at(0s));
  std::atomic<bool> ended{false};
  std::thread sweeps([&] {
    while (!ended) second->sweep(100, at(0s));
  });
  Writer writer(*connection_, record(1), 100'000);
  for (int i = 0; i < 3000; ++i) {
    if (writer.write() == Outcome::later) --i;
  }
  ended = true;
  sweeps.join();
  EXPECT_LT(fs::file_size(beside("-wal")), 100U << 20);  // all of them are 300 MB
}

// A reader keeps -wal from being begun anew until it ends: nobody waits for it.
TEST_F(Wal, AReaderThatStaysHoldsUpNobody) {
  Writer writer(*connection_, record(1), 1'000'000);
  ASSERT_EQ(writer.write(), Outcome::done);
  Other reader(path());
  reader.run("BEGIN");
  reader.run("SELECT count(*) FROM sessions");
  for (int i = 0; i < 50; ++i) ASSERT_EQ(writer.write(), Outcome::done);
  EXPECT_EQ(connection_->sweep(100, at(0s)), 0U);
  EXPECT_EQ(writer.write(), Outcome::done);
  reader.run("COMMIT");
}

TEST_F(Wal, StaysBoundedWhereNothingSweeps) {
  Writer writer(*connection_, record(1), 1'000'000);
  for (int i = 0; i < 120; ++i) ASSERT_EQ(writer.write(), Outcome::done);
  EXPECT_LT(fs::file_size(beside("-wal")), 80U << 20);
}

TEST_F(Wal, IsCopiedThoughAnotherProcessKeepsWriting) {
  Writer writer(*connection_, record(1), 1'000'000);
  for (int i = 0; i < 6; ++i) ASSERT_EQ(writer.write(), Outcome::done);
  Other other(path());
  other.run("BEGIN IMMEDIATE");
  connection_->sweep(100, at(0s));
  EXPECT_GT(fs::file_size(path()), 1'000'000U);
  other.run("COMMIT");
}

TEST_F(Wal, IsGoneOnceTheLastConnectionIsClosed) {
  Writer writer(*connection_, record(1), 1'000'000);
  ASSERT_EQ(writer.write(), Outcome::done);
  connection_.reset();
  EXPECT_FALSE(fs::exists(beside("-wal")));
  EXPECT_GT(fs::file_size(path()), 1'000'000U);
}

}  // namespace
}  // namespace flame::session::tests
