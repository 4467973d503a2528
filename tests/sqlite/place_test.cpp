// The database is moved, replaced or taken away under a store that has it open.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "sqlite_support.hpp"

namespace flame::session::tests {
namespace {

class Place : public SqliteTest {
 protected:
  Place() { open(); }

  void SetUp() override { ASSERT_EQ(create(1, "ann"), Outcome::done); }

  [[nodiscard]] Thrown put(std::uint64_t number) {
    return thrown_by([&] { apply(Verb::create, record(number)); });
  }
  /// As the runner does: a connection that threw is closed, and another one made.
  [[nodiscard]] Thrown reconnect() {
    connection_ = store_->make_connection();
    return thrown_by([&] { connection_->connect(at(0s)); });
  }
  void move_all(const fs::path& to) const {
    for (const auto* end : {"", "-wal", "-shm"})
      if (fs::exists(beside(end))) fs::rename(beside(end), to.string() + end);
  }
  void expect_away() {
    const std::pair<const char*, Thrown> all[] = {
        {"create", put(2)},
        {"load", thrown_by([&] { load(1); })},
        {"erase", thrown_by([&] { apply(Verb::erase, {.key = key(1)}); })},
        {"list", thrown_by([&] { static_cast<void>(connection_->list("ann", {}, 9, at(0s))); })},
        {"sweep", thrown_by([&] { connection_->sweep(9, at(0s)); })}};
    for (const auto& [what, said] : all) {
      EXPECT_EQ(said.kind, Kind::away) << what;
      EXPECT_NE(said.text.find("moved, replaced or removed"), said.text.npos) << said.text;
    }
  }
  [[nodiscard]] static std::string count(const fs::path& of) {
    return Other(of).run("SELECT count(*) FROM sessions");
  }
};

TEST_F(Place, AllOfItMovedAway) {
  const auto to = folder_.path() / "moved.db";
  move_all(to);
  expect_away();
  EXPECT_EQ(reconnect().kind, std::nullopt);
  EXPECT_EQ(load(1), Outcome::missing);
  EXPECT_EQ(create(3), Outcome::done);
  EXPECT_EQ(count(to), "1");
  EXPECT_EQ(count(path()), "1");
}

TEST_F(Place, WithoutInitTableNothingIsMadeInItsPlace) {
  auto with = options();
  with.init_table = false;
  open(with);
  const auto to = folder_.path() / "moved.db";
  move_all(to);
  expect_away();
  const auto said = reconnect();
  EXPECT_EQ(said.kind, Kind::refused);
  EXPECT_NE(said.text.find("is not there"), said.text.npos) << said.text;
  EXPECT_FALSE(fs::exists(path()));
  for (const auto* end : {"", "-wal", "-shm"})
    if (fs::exists(to.string() + end)) fs::rename(to.string() + end, beside(end));
  EXPECT_EQ(reconnect().kind, std::nullopt);
  EXPECT_EQ(load(1), Outcome::done);
}

// What -wal holds would be lost with it: so nobody begins a new one there.
TEST_F(Place, OnlyTheDatabaseMovedAway) {
  const auto to = folder_.path() / "moved.db";
  fs::rename(path(), to);
  expect_away();
  const auto said = reconnect();
  EXPECT_EQ(said.kind, Kind::refused);
  EXPECT_NE(said.text.find("-wal"), said.text.npos) << said.text;
  EXPECT_FALSE(fs::exists(path()));
  fs::rename(beside("-wal"), to.string() + "-wal");
  fs::rename(beside("-shm"), to.string() + "-shm");
  EXPECT_EQ(count(to), "1");
  EXPECT_EQ(reconnect().kind, std::nullopt);
  EXPECT_EQ(create(2), Outcome::done);
}

TEST_F(Place, OnlyTheDatabaseReplaced) {
  const auto copy = folder_.path() / "copy.db";
  Other(path()).run("VACUUM INTO '" + copy.string() + "'");
  Other(copy).run("PRAGMA journal_mode = WAL");
  ASSERT_EQ(create(2), Outcome::done);  // is in -wal, and not in the copy
  const auto before = Other(copy).run("PRAGMA integrity_check");
  const auto old = folder_.path() / "old.db";
  fs::rename(path(), old);
  fs::rename(copy, path());
  expect_away();
  for (int i = 0; i < 2; ++i) {
    const auto said = reconnect();
    EXPECT_EQ(said.kind, Kind::refused);
    EXPECT_NE(said.text.find("belongs to another database"), said.text.npos) << said.text;
  }
  fs::rename(beside("-wal"), old.string() + "-wal");
  fs::rename(beside("-shm"), old.string() + "-shm");
  EXPECT_EQ(reconnect().kind, std::nullopt);
  EXPECT_EQ(load(1), Outcome::done);
  EXPECT_EQ(load(2), Outcome::missing);
  EXPECT_EQ(count(old), "2");
  EXPECT_EQ(Other(path()).run("PRAGMA integrity_check"), before);
  EXPECT_EQ(before, "ok");
}

TEST_F(Place, AllOfItReplaced) {
  const auto old = folder_.path() / "old.db", other = folder_.path() / "other.db";
  {
    auto with = options();
    with.path = other;
    const auto store = sqlite::store(with);
    StoreOp op{Verb::create, record(7), {}, {}};
    open_connection(*store, at(0s))->run({&op, 1}, at(0s));
  }
  move_all(old);
  fs::rename(other, path());
  expect_away();
  EXPECT_EQ(reconnect().kind, std::nullopt);
  EXPECT_EQ(load(7), Outcome::done);
  EXPECT_EQ(load(1), Outcome::missing);
  EXPECT_EQ(create(8), Outcome::done);
  EXPECT_EQ(count(old), "1");
  EXPECT_EQ(count(path()), "2");
}

// The old one's connections must be closed before: SQLite would take the new file for the old.
TEST_F(Place, OnlyTheWalTakenAway) {
  for (const auto* end : {"-wal", "-shm"}) {
    auto second = store_->make_connection();
    second->connect(at(0s));
    fs::remove(beside(end));
    expect_away();
    auto said = reconnect();
    EXPECT_EQ(said.kind, Kind::connection_lost) << end;
    EXPECT_NE(said.text.find("once all connections are closed"), said.text.npos) << said.text;
    second.reset();
    EXPECT_EQ(reconnect().kind, std::nullopt);
    EXPECT_EQ(load(1), Outcome::done) << end;
    EXPECT_EQ(create(100 + static_cast<std::uint64_t>(end[1])), Outcome::done);
  }
  connection_.reset();
  EXPECT_EQ(Other(path()).run("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(count(path()), "3");
}

// It was looked at before, and is written where nobody may find it: that is not told as done.
TEST_F(Place, MovedAwayWhileASaveWaits) {
  const auto to = folder_.path() / "moved.db";
  const int wal = ::open(beside("-wal").c_str(), O_RDONLY | O_CLOEXEC);
  Thrown said;
  auto outcome = Outcome::later;
  while (!said.kind && outcome == Outcome::later) {
    Other other(path());
    other.run("BEGIN IMMEDIATE");
    std::atomic<bool> ended{false};
    std::thread saves([&] {
      said = thrown_by([&] { outcome = create(2); });
      ended = true;
    });
    // Who waits for the lock has this one.
    while (!ended && ::flock(wal, LOCK_EX | LOCK_NB) == 0) ::flock(wal, LOCK_UN);
    fs::rename(path(), to);
    other.run("COMMIT");
    saves.join();
    fs::rename(to, path());  // it was too slow, and the save was put off
  }
  ::close(wal);
  EXPECT_EQ(said.kind, Kind::unconfirmed);
  EXPECT_NE(said.text.find("moved, replaced or removed"), said.text.npos) << said.text;
}

TEST_F(Place, ALinkThatLeadsElsewhere) {
  const auto link = folder_.path() / "link.db", second = folder_.path() / "second.db";
  fs::create_symlink(path(), link);
  auto with = options();
  with.path = link;
  open(with);
  EXPECT_EQ(load(1), Outcome::done);
  EXPECT_FALSE(fs::exists(link.string() + "-wal"));
  fs::copy_file(path(), second);
  fs::remove(link);
  fs::create_symlink(second, link);
  expect_away();
  EXPECT_EQ(reconnect().kind, std::nullopt);
}

// SQLite has -wal where the database is, and not where the link is.
TEST_F(Place, AnEmptyDatabaseThatALinkLeadsTo) {
  const auto link = folder_.path() / "link.db", old = folder_.path() / "old.db";
  fs::create_symlink(path(), link);
  auto with = options();
  with.path = link;
  store_ = sqlite::store(with);
  fs::copy_file(beside("-wal"), folder_.path() / "wal");
  connection_.reset();
  fs::rename(path(), old);
  fs::rename(folder_.path() / "wal", beside("-wal"));
  const auto size = fs::file_size(beside("-wal"));
  ASSERT_GT(size, 0U);
  const auto dangling = reconnect();
  EXPECT_EQ(dangling.kind, Kind::refused);
  EXPECT_NE(dangling.text.find("is a link that leads to no file"), dangling.text.npos)
      << dangling.text;
  EXPECT_FALSE(fs::exists(path()));
  std::ofstream{path()};
  const auto empty = reconnect();
  EXPECT_EQ(empty.kind, Kind::refused);
  EXPECT_NE(empty.text.find("its -wal, which holds sessions"), empty.text.npos) << empty.text;
  EXPECT_EQ(fs::file_size(beside("-wal")), size);
}

TEST_F(Place, TheTableDropped) {
  Other(path()).run("DROP TABLE sessions");
  const auto said = put(2);
  EXPECT_EQ(said.kind, Kind::away);
  EXPECT_NE(said.text.find("table"), said.text.npos) << said.text;
  EXPECT_EQ(reconnect().kind, std::nullopt);
  EXPECT_EQ(create(2), Outcome::done);
}

TEST_F(Place, TheTableDroppedAndNotToBeMade) {
  auto with = options();
  with.init_table = false;
  open(with);
  Other(path()).run("DROP TABLE sessions");
  EXPECT_EQ(put(2).kind, Kind::away);
  const auto said = reconnect();
  EXPECT_EQ(said.kind, Kind::refused);
  Other(path()).run(said.text.substr(said.text.find("run: ") + 5));
  EXPECT_EQ(reconnect().kind, std::nullopt);
  EXPECT_EQ(create(2), Outcome::done);
}

TEST_F(Place, ADatabaseWithTwoNamesIsRefused) {
  open();
  create(1);
  connection_.reset();
  const auto second = folder_.path() / "second.db";
  fs::create_hard_link(path(), second);
  for (const auto& name : {path(), second}) {
    const auto said = refusal({.path = name});
    EXPECT_EQ(said.kind, Kind::refused);
    EXPECT_NE(said.text.find("hard link"), said.text.npos) << said.text;
  }
  fs::remove(second);
  open();
  EXPECT_EQ(load(1), Outcome::done);
}

}  // namespace
}  // namespace flame::session::tests
