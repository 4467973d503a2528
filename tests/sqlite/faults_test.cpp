#include <fcntl.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include "sqlite_support.hpp"
#include "stores/sqlite/database.hpp"
#include "stores/sqlite/turn.hpp"

namespace flame::session::tests {
namespace {

class Faults : public SqliteTest {
 protected:
  Faults() { open(); }
};

TEST_F(Faults, WhatAnotherProcessLocksIsLater) {
  create(1);
  Other other(path());
  other.run("BEGIN IMMEDIATE");
  EXPECT_EQ(create(2), Outcome::later);
  EXPECT_EQ(apply(Verb::erase, {.key = key(1)}).outcome, Outcome::later);
  EXPECT_EQ(load(1), Outcome::done);
  EXPECT_EQ(connection_->sweep(10, at(0s)), 0U);
  other.run("COMMIT");
  EXPECT_EQ(create(2), Outcome::done);
}

TEST_F(Faults, WhatIsLockedAltogetherIsLater) {
  create(1);
  connection_.reset();
  Other other(path());
  other.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE x (y); COMMIT");
  connection_ = store_->make_connection();
  const auto begin = std::chrono::steady_clock::now();
  const auto said = thrown_by([&] { connection_->connect({start, begin + 50ms}); });
  EXPECT_EQ(said.kind, Kind::connection_lost);
  EXPECT_NE(said.text.find("locked by another process"), said.text.npos) << said.text;
}

bool sleeps(pid_t thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("State:")) return line.find('S', 6) != line.npos;
  return false;
}

/// Whether it ends by itself; released in the end, either way. All would wait for an hour.
bool ends(std::future<void>& waiting, const auto& release) {
  const bool ended = waiting.wait_for(30s) == std::future_status::ready;
  release();
  waiting.wait();
  return ended;
}

TEST_F(Faults, AWaitForAnotherProcessEndsWhenItIsAborted) {
  Other other(path());
  other.run("BEGIN IMMEDIATE");
  sqlite::Database database;
  database.open(path());
  database.wait_until(std::chrono::steady_clock::now() + 1h);
  auto waiting = std::async(std::launch::async, [&] {
    sqlite3_exec(database.handle(), "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  });
  database.interrupt();
  EXPECT_TRUE(ends(waiting, [&] { other.run("COMMIT"); }));
}

TEST_F(Faults, AWaitForItsTurnEndsWhenItIsAborted) {
  const auto until = std::chrono::steady_clock::now() + 1h;
  sqlite::Turn turn;
  sqlite::Database database, other;
  std::optional<sqlite::Turn::Held> held(std::in_place, turn, other, until);
  std::atomic<pid_t> thread{0};
  auto waiting = std::async(std::launch::async, [&] {
    thread = ::gettid();
    const sqlite::Turn::Held second(turn, database, until);
    EXPECT_FALSE(second);
  });
  while (!sleeps(thread)) continue;
  database.interrupt();
  turn.wake();
  EXPECT_TRUE(ends(waiting, [&] { held.reset(); }));
}

TEST_F(Faults, AnAbortedConnectionIsOver) {
  connection_->abort();
  EXPECT_EQ(thrown_by([&] { create(1); }).kind, Kind::connection_lost);
  EXPECT_EQ(thrown_by([&] { load(1); }).kind, Kind::connection_lost);
}

TEST_F(Faults, AnAbortBeforeTheFirstCallCounts) {
  auto connection = store_->make_connection();
  connection->abort();
  EXPECT_EQ(thrown_by([&] { connection->connect(at(0s)); }).kind, Kind::connection_lost);
}

// A batch is one transaction: what one operation meets the others must not have answered before.
TEST_F(Faults, ARefusedBatchIsRefusedAsAWhole) {
  create(1);
  Other(path()).run(
      "CREATE TRIGGER no BEFORE UPDATE ON sessions BEGIN SELECT raise(ROLLBACK, 'canary'); END");
  auto other = record(1);
  other.token = WriteToken{9};
  std::vector<StoreOp> batch{{Verb::create, record(2), {}, {}},
                             {Verb::replace, other, record(1).token, {}},
                             {Verb::erase, {.key = key(1)}, {}, {}}};
  const auto said = thrown_by([&] { connection_->run(batch, at(0s)); });
  EXPECT_EQ(said.kind, Kind::refused);
  EXPECT_EQ(said.text.find("canary"), said.text.npos);
  for (const auto& op : batch) EXPECT_EQ(op.outcome, Outcome::unanswered);
  EXPECT_EQ(load(1), Outcome::done);
  EXPECT_EQ(load(2), Outcome::missing);
  EXPECT_EQ(create(3), Outcome::done);
}

TEST_F(Faults, WhatATriggerIgnoresIsRefusedByItsName) {
  create(1);
  auto other = record(1), later = record(1);
  other.token = WriteToken{9};
  later.last_seen += 5s;
  const std::pair<const char*, StoreOp> writes[] = {
      {"INSERT", {Verb::create, record(2), {}, {}}},
      {"UPDATE", {Verb::replace, other, record(1).token, {}}},
      {"UPDATE", {Verb::touch, later, {}, {}}},
      {"DELETE", {Verb::erase, {.key = key(1)}, {}, {}}}};
  for (auto [of, op] : writes) {
    Other(path()).run(std::string("CREATE TRIGGER \"the one\" BEFORE ") + of +
                      " ON sessions BEGIN SELECT raise(IGNORE); END");
    const auto said = thrown_by([&] { connection_->run({&op, 1}, at(0s)); });
    EXPECT_EQ(said.kind, Kind::refused) << of;
    EXPECT_NE(said.text.find("run: DROP TRIGGER \"the one\""), said.text.npos) << said.text;
    EXPECT_EQ(op.outcome, Outcome::unanswered);
    EXPECT_EQ(apply(Verb::erase, {.key = key(7)}).outcome, Outcome::done) << "it was not there";
    Other(path()).run("DROP TRIGGER \"the one\"");
    EXPECT_EQ(load(1), Outcome::done);
  }
  for (auto [_, op] : writes) {
    connection_->run({&op, 1}, at(0s));
    EXPECT_EQ(op.outcome, Outcome::done);
  }
}

TEST_F(Faults, AConflictOfARefusedBatchLeavesTheOperationAsItWas) {
  create(1);
  create(2);
  Other(path()).run(
      "CREATE TRIGGER no BEFORE UPDATE ON sessions BEGIN SELECT raise(ABORT, 'canary'); END");
  std::vector<StoreOp> batch{{Verb::replace, record(1), WriteToken{77}, {}},
                             {Verb::replace, record(2), record(2).token, {}}};
  batch[0].record.blob = batch[1].record.blob = "new";
  sort(batch);
  EXPECT_EQ(thrown_by([&] { connection_->run(batch, at(0s)); }).kind, Kind::refused);
  for (const auto& op : batch) EXPECT_EQ(op.record.blob, "new");
}

/// Pages count from 1.
void damage(const fs::path& path, off_t first, off_t last) {
  const int file = ::open(path.c_str(), O_WRONLY);
  const std::string noise(4096, '\x5a');
  for (off_t page = first; page <= last; ++page)
    ASSERT_EQ(::pwrite(file, noise.data(), noise.size(), (page - 1) * 4096), 4096);
  ::close(file);
}

TEST_F(Faults, ADamagedDatabaseIsRefused) {
  for (std::uint64_t number = 0; number < 200; ++number) create(number);
  connection_.reset();
  ASSERT_FALSE(fs::exists(beside("-wal")));
  damage(path(), 2, static_cast<off_t>(fs::file_size(path()) / 4096));
  const auto said = refusal(options());
  EXPECT_EQ(said.kind, Kind::refused);
  EXPECT_NE(said.text.find("damaged"), said.text.npos) << said.text;
}

// A session that nobody could read is not one that is missing: its user would be signed out.
TEST_F(Faults, WhatADamagedPageHoldsIsNotMissing) {
  constexpr std::uint64_t count = 200;
  for (std::uint64_t number = 0; number < count; ++number) create(number);
  connection_.reset();
  const auto page = Other(path()).run(
      "SELECT min(pageno) FROM dbstat WHERE name = 'sessions' AND pagetype = 'leaf'");
  damage(path(), std::stol(page), std::stol(page));
  open();
  std::uint64_t refused = 0;
  for (std::uint64_t number = 0; number < count; ++number) {
    StoreOp op{Verb::load, {.key = key(number)}, {}, {}};
    const auto said = thrown_by([&] { connection_->run({&op, 1}, at(0s)); });
    EXPECT_EQ(op.outcome, said.kind ? Outcome::unanswered : Outcome::done) << number;
    if (said.kind) ++refused;
  }
  EXPECT_GT(refused, 0U);
  EXPECT_LT(refused, count);
}

TEST_F(Faults, TokensAndTimesKeepAllTheirBits) {
  auto r = record(1, std::string("a\0b\xff", 4));
  r.token = WriteToken{0xffff'ffff'ffff'ffff};
  apply(Verb::create, r);
  const auto found = apply(Verb::load, {.key = key(1)}).record;
  EXPECT_EQ(found.token, r.token);
  EXPECT_EQ(found.owner, r.owner);
}

// What is no key of the library's takes no place on a page: where it did, a page that it made short
// would be the last.
TEST_F(Faults, ARowOfOthersEndsNoPage) {
  for (std::uint64_t number = 0; number < 6; ++number) create(number, "ann");
  Other(path()).run(
      "INSERT INTO sessions SELECT x'00', token, created_at, last_seen, expires_at, owner, blob "
      "FROM sessions ORDER BY key LIMIT 1");
  std::size_t found = 0;
  std::string next;
  do {
    const auto page = connection_->list("ann", next, 2, at(0s));
    found += page.records.size();
    next = page.next;
  } while (!next.empty());
  EXPECT_EQ(found, 6U);
}

/// Files count as nobody's, whose rights are not root's, and this thread as nobody.
class NobodyHere {
 public:
  explicit NobodyHere(const fs::path& folder) {
    if (::geteuid() != 0) return;
    own(folder);
    for (const auto& each : fs::directory_iterator(folder)) own(each.path());
    ::setfsuid(nobody);
  }
  ~NobodyHere() { ::setfsuid(::geteuid()); }
  NobodyHere(const NobodyHere&) = delete;
  NobodyHere& operator=(const NobodyHere&) = delete;

 private:
  static constexpr uid_t nobody = 65534;
  static void own(const fs::path& path) { ASSERT_EQ(::chown(path.c_str(), nobody, nobody), 0); }
};

/// SQLite would open it for reading alone, and such a connection never writes again.
TEST_F(Faults, AFileThatCannotBeWrittenIsRefusedUntilItCan) {
  create(1);
  connection_.reset();
  const NobodyHere nobody(folder_.path());
  fs::permissions(path(), fs::perms::owner_read);
  connection_ = store_->make_connection();
  const auto said = thrown_by([&] { connection_->connect(at(0s)); });
  EXPECT_EQ(said.kind, Kind::refused);
  EXPECT_NE(said.text.find("cannot be written: let the user"), said.text.npos) << said.text;
  fs::permissions(path(), fs::perms::owner_write, fs::perm_options::add);
  connection_ = open_connection(*store_, at(0s));
  EXPECT_EQ(create(2), Outcome::done);
  connection_.reset();
}

TEST_F(Faults, APageThatDoesNotFitIsRefused) {
  EXPECT_EQ(thrown_by([&] { static_cast<void>(connection_->list("ann", "x", 9, at(0s))); }).kind,
            Kind::refused);
}

}  // namespace
}  // namespace flame::session::tests
