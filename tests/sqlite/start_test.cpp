#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "sqlite_support.hpp"
#include "stores/sqlite/schema.hpp"

namespace flame::session::tests {
namespace {

using sqlite::SqliteOptions;

class Start : public SqliteTest {
 protected:
  void refuses(SqliteOptions with, const std::string& part) const {
    const auto said = refusal(std::move(with));
    EXPECT_EQ(said.kind, Kind::refused) << said.text;
    EXPECT_TRUE(said.text.starts_with("sqlite store: ")) << said.text;
    EXPECT_NE(said.text.find(part), said.text.npos) << said.text;
    EXPECT_EQ(said.text.find('\n'), said.text.npos) << said.text;
  }
  void make_by_hand() const {
    Other other(path());
    other.run("PRAGMA journal_mode = WAL");
    for (const auto& statement : sqlite::making("sessions")) other.run(statement);
  }
};

TEST_F(Start, RefusesOptionsThatAreWrong) {
  refuses({}, "path is empty");
  refuses({.path = ":memory:", .init_table = true}, "take the store in memory (memory:)");
  refuses({.path = std::string("a\0b", 3)}, "NUL");
  refuses({.path = "/nosuch/x.db", .init_table = true}, "make the folder that it lies in");
  refuses({.path = "/dev/null", .init_table = true}, "is no file");
  refuses({.path = folder_.path(), .init_table = true}, "is no file");
  for (const auto* table : {"", "a b", "a\"b", "1a", "a;b", "ä", "a.b", "sqlite_x", "SQLite_x",
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    const auto said = refusal({.path = path(), .table = table, .init_table = true});
    EXPECT_EQ(said.kind, Kind::refused) << table;
    EXPECT_NE(said.text.find("table"), said.text.npos) << said.text;
  }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(Start, TakesAnyNameThatPathsAndTablesMayHave) {
  for (const auto* name :
       {"a b?c=d&e.db", "file:x", "'; DROP TABLE sessions; --", "\"q\".db", "ü"}) {
    auto with = options();
    with.path = folder_.path() / name;
    open(with);
    EXPECT_EQ(create(1), Outcome::done) << name;
    EXPECT_TRUE(fs::is_regular_file(with.path)) << name;
  }
  for (const auto* table : {"select", "_", "Table1", "index"}) {
    auto with = options();
    with.table = table;
    open(with);
    EXPECT_EQ(create(1), Outcome::done) << table;
    EXPECT_EQ(Other(path()).run("SELECT count(*) FROM \"" + std::string(table) + '"'), "1");
  }
}

TEST_F(Start, ARelativePathCountsFromWhereTheStoreWasMade) {
  const auto before = fs::current_path();
  fs::current_path(folder_.path());
  auto with = options();
  with.path = "relative.db";
  const auto store = sqlite::store(with);
  fs::current_path(before);
  static_cast<void>(open_connection(*store, at(0s)));
  EXPECT_TRUE(fs::exists(folder_.path() / "relative.db"));
}

TEST_F(Start, TheDatabaseIsTheUsersAlone) {
  const auto before = ::umask(0);
  open();
  ::umask(before);
  create(1);
  for (const auto* end : {"", "-wal", "-shm"})
    EXPECT_EQ(fs::status(beside(end)).permissions(), fs::perms::owner_read | fs::perms::owner_write)
        << end;
  const auto warnings = [&] { return store_->make_connection(); };
  auto first = warnings();
  first->connect(at(0s));
  EXPECT_TRUE(first->prepare(at(0s)).empty());
  fs::permissions(path(), fs::perms::others_read, fs::perm_options::add);
  const auto told = first->prepare(at(0s));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("chmod o="), told[0].npos) << told[0];
}

TEST_F(Start, WithoutInitTableItMakesNothing) {
  refuses({.path = path()}, "set init_table");
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(Start, AMissingTableIsRefusedWithWhatMakesIt) {
  Other(path()).run("PRAGMA journal_mode = WAL; CREATE TABLE theirs (x)");
  const auto said = refusal({.path = path()});
  EXPECT_EQ(said.kind, Kind::refused);
  const auto run = said.text.find("run: ");
  ASSERT_NE(run, said.text.npos) << said.text;
  Other(path()).run(said.text.substr(run + 5));
  open({.path = path()});
  EXPECT_EQ(create(1, "ann"), Outcome::done);
}

TEST_F(Start, WhatDoesNotFitIsRefusedWithWhatMendsIt) {
  const char* const unfit[] = {
      "CREATE TABLE sessions (x)", "CREATE VIEW sessions AS SELECT 1 AS key",
      "CREATE TABLE sessions (key BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID",
      "CREATE TABLE sessions (key TEXT NOT NULL PRIMARY KEY, token INTEGER NOT NULL, created_at "
      "INTEGER NOT NULL, last_seen INTEGER NOT NULL, expires_at INTEGER NOT NULL, owner BLOB NOT "
      "NULL, blob BLOB NOT NULL)",
      "CREATE TABLE sessions (key BLOB NOT NULL, token INTEGER NOT NULL, created_at "
      "INTEGER NOT NULL, last_seen INTEGER NOT NULL, expires_at INTEGER NOT NULL, owner BLOB NOT "
      "NULL, blob BLOB NOT NULL)"};
  for (const auto* statement : unfit) {
    for (const auto* end : {"", "-wal", "-shm"}) fs::remove(beside(end));
    Other(path()).run(std::string("PRAGMA journal_mode = WAL; ") + statement);
    refuses({.path = path()}, "the table \"sessions\" ");
    const auto text = refusal(options()).text;
    EXPECT_TRUE(text.ends_with(": name another table")) << text;
    auto with = options();
    with.table = "others";
    open(with);
    EXPECT_EQ(create(1), Outcome::done);
    connection_.reset();
  }
}

TEST_F(Start, ATableOfItsOwnThatDoesNotFitIsPutAside) {
  for (const auto* change :
       {"ALTER TABLE sessions RENAME COLUMN token TO other",
        "DROP INDEX sessions_owner; ALTER TABLE sessions RENAME COLUMN token TO other",
        "DROP INDEX sessions_owner; CREATE INDEX sessions_owner ON sessions (token); "
        "ALTER TABLE sessions RENAME COLUMN token TO other"}) {
    for (const auto* end : {"", "-wal", "-shm"}) fs::remove(beside(end));
    open();
    connection_.reset();
    Other(path()).run(change);
    const auto text = refusal(options()).text;
    ASSERT_NE(text.find("run: "), text.npos) << text;
    Other(path()).run(text.substr(text.find("run: ") + 5));
    open();
    EXPECT_EQ(create(1), Outcome::done) << change;
    EXPECT_EQ(Other(path()).run("SELECT count(*) FROM sessions_old"), "0");
    connection_.reset();
  }
}

TEST_F(Start, WhereAnIndexsNameIsTakenNothingOfOthersIsTouched) {
  for (const auto* theirs :
       {"CREATE TABLE theirs (x); CREATE INDEX Sessions_owner ON theirs (x)",
        "CREATE TABLE sessions_expires_at (x)", "CREATE VIEW sessions_owner AS SELECT 1"}) {
    for (const bool made : {false, true}) {
      for (const auto* end : {"", "-wal", "-shm"}) fs::remove(beside(end));
      if (made) {
        make_by_hand();
        Other(path()).run("DROP INDEX sessions_owner; DROP INDEX sessions_expires_at");
      }
      Other other(path());
      other.run(std::string("PRAGMA journal_mode = WAL; ") + theirs);
      const auto before = other.run("SELECT group_concat(sql) FROM sqlite_schema");
      refuses(options(), "something else has that name: name another table");
      EXPECT_EQ(other.run("SELECT group_concat(sql) FROM sqlite_schema"), before);
    }
    auto with = options();
    with.table = "others";
    open(with);
    EXPECT_EQ(create(1), Outcome::done);
    connection_.reset();
  }
}

TEST_F(Start, AnIndexOfAnotherMakeIsReplaced) {
  open();
  connection_.reset();
  Other(path()).run("DROP INDEX sessions_owner; CREATE INDEX sessions_owner ON sessions (token)");
  const auto text = refusal(options()).text;
  ASSERT_NE(text.find("run: DROP INDEX"), text.npos) << text;
  Other(path()).run(text.substr(text.find("run: ") + 5));
  open();
  EXPECT_EQ(create(1), Outcome::done);
}

TEST_F(Start, NamesAreTheSameInAnyCase) {
  open();
  create(1, "ann");
  auto with = options();
  with.table = "Sessions";
  open(with);
  EXPECT_EQ(load(1), Outcome::done);
  EXPECT_EQ(connection_->list("ann", {}, 10, at(0s)).records.size(), 1U);
}

TEST_F(Start, ColumnsOfOthersMayBeThereWhereTheyCanBeLeftOut) {
  make_by_hand();
  Other other(path());
  other.run("ALTER TABLE sessions ADD COLUMN note TEXT NOT NULL DEFAULT 'x'");
  other.run("ALTER TABLE sessions ADD COLUMN other INTEGER");
  open({.path = path()});
  EXPECT_EQ(create(1), Outcome::done);
  EXPECT_EQ(load(1), Outcome::done);
}

TEST_F(Start, AnIndexThatIsMissingIsMadeOrAskedFor) {
  for (const auto* index : {"sessions_owner", "sessions_expires_at"}) {
    open();
    connection_.reset();
    Other(path()).run(std::string("DROP INDEX ") + index);
    refuses({.path = path()}, std::string("run: CREATE INDEX IF NOT EXISTS \"") + index);
    open();
    EXPECT_EQ(Other(path()).run(std::string("SELECT name FROM sqlite_schema WHERE name = '") +
                                index + "'"),
              index);
  }
}

TEST_F(Start, ATableOfALaterReleaseIsRefused) {
  open();
  connection_.reset();
  Other(path()).run(
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, "
      "'flame-session schema 1', 'flame-session schema 2')");
  refuses(options(), "later release");
  Other(path()).run(
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, "
      "'flame-session schema 2', 'flame-session schema 99999999999')");
  refuses(options(), "later release");
}

TEST_F(Start, ADatabaseOfOthersKeepsItsJournalMode) {
  Other(path()).run("CREATE TABLE theirs (x)");
  refuses(options(), "run: PRAGMA journal_mode = WAL");
  EXPECT_EQ(Other(path()).run("PRAGMA journal_mode"), "delete");
  Other(path()).run("PRAGMA journal_mode = WAL");
  open();
  EXPECT_EQ(create(1), Outcome::done);
}

TEST_F(Start, ADatabaseOfItsOwnIsPutInWalMode) {
  open();
  connection_.reset();
  EXPECT_EQ(Other(path()).run("PRAGMA journal_mode = DELETE"), "delete");
  open({.path = path()});
  EXPECT_EQ(Other(path()).run("PRAGMA journal_mode"), "wal");
}

TEST_F(Start, WhatIsNoDatabaseIsRefused) {
  std::ofstream(path()) << "this is a letter, and no database at all" << std::string(5000, '.');
  refuses(options(), "no SQLite database");
}

TEST_F(Start, ATriggerThatRefusesSessionsIsSeenAtTheStart) {
  open();
  connection_.reset();
  Other(path()).run(
      "CREATE TRIGGER no BEFORE INSERT ON sessions BEGIN SELECT raise(ABORT, 'canary'); END");
  refuses(options(), "constraint or trigger");
  EXPECT_EQ(refusal(options()).text.find("canary"), std::string::npos);
}

TEST_F(Start, ATriggerThatIgnoresWritesIsRefusedByName) {
  const std::string when = " ON Sessions WHEN 0 BEGIN SELECT Raise ( \n\tignore ); END";
  for (const std::string of : {"BEFORE INSERT", "BEFORE UPDATE OF blob", "BEFORE DELETE"}) {
    open();
    connection_.reset();
    Other(path()).run("CREATE TRIGGER \"an \"\"odd\"\" one\" " + of + when);
    const auto text = refusal(options()).text;
    ASSERT_NE(text.find("run: DROP TRIGGER"), text.npos) << text;
    Other(path()).run(text.substr(text.find("run: ") + 5));
  }
  Other(path()).run("CREATE TABLE log (x)");
  Other(path()).run(
      "CREATE TRIGGER told AFTER DELETE ON sessions BEGIN INSERT INTO log VALUES (1); END");
  open();
  create(1);
  EXPECT_EQ(apply(Verb::erase, record(1)).outcome, Outcome::done) << "others may look on";
}

TEST_F(Start, TheTrialTriesEachWrite) {
  for (const std::string of : {"INSERT", "UPDATE", "DELETE"}) {
    open();
    connection_.reset();
    Other(path()).run("CREATE TRIGGER no BEFORE " + of +
                      " ON sessions BEGIN SELECT raise(ABORT, 'canary'); END");
    refuses(options(), "constraint or trigger");
    Other(path()).run("DROP TRIGGER no");
  }
}

TEST_F(Start, TheTrialLeavesNothing) {
  open();
  EXPECT_EQ(Other(path()).run("SELECT count(*) FROM sessions"), "0");
}

TEST_F(Start, TenProcessesMayMakeItAtOnce) {
  for (int round = 0; round < 10; ++round) {
    for (const auto* end : {"", "-wal", "-shm"}) fs::remove(beside(end));
    int gate[2];
    ASSERT_EQ(::pipe(gate), 0);
    std::vector<pid_t> all;
    for (int i = 0; i < 10; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        char byte;
        ::close(gate[1]);
        static_cast<void>(!::read(gate[0], &byte, 1));  // until all are there
        try {
          const auto store = sqlite::store(options());
          const auto connection = open_connection(*store, at(0s));
          StoreOp op{Verb::create, record(static_cast<std::uint64_t>(i)), {}, {}};
          do {
            op.outcome = Outcome::unanswered;
            connection->run({&op, 1}, at(0s));
          } while (op.outcome == Outcome::later);
          ::_exit(op.outcome == Outcome::done ? 0 : 1);
        } catch (const std::exception& error) {
          ::fprintf(stderr, "%s\n", error.what());
          ::_exit(2);
        }
      }
      all.push_back(child);
    }
    ::close(gate[0]);
    ::close(gate[1]);
    for (const pid_t child : all) {
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(Other(path()).run("SELECT count(*) FROM sessions"), "10");
    EXPECT_EQ(Other(path()).run("PRAGMA integrity_check"), "ok");
  }
}

TEST_F(Start, AForkWithTheDatabaseOpenIsRefused) {
  open();
  create(1);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto said = thrown_by([&] { store_->make_connection()->connect(at(0s)); });
    connection_.reset();  // must not take the parent's locks
    ::_exit(said.kind == Kind::refused && said.text.find("fork") != said.text.npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(load(1), Outcome::done);
}

}  // namespace
}  // namespace flame::session::tests
