#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <list>

#include <flame/session/test_support/conformance.hpp>

#include "file_support.hpp"
#include "stores/file/folder.hpp"

namespace flame::session {
namespace {

// Each in a folder of its own, for as long as the tests run.
StorePtr store_in_new_folder(file::Durability durability) {
  static std::list<TemporaryFolder> folders;
  return file::store({.root_dir = folders.emplace_back().path(), .durability = durability});
}

FLAME_SESSION_STORE_CONFORMANCE(File, [] { return store_in_new_folder(file::Durability::none); })
FLAME_SESSION_STORE_CONFORMANCE(FilePowerCut,
                                [] { return store_in_new_folder(file::Durability::power_cut); })

TEST_F(FileTest, Blocks) { EXPECT_TRUE(store_->traits().blocking); }

TEST_F(FileTest, FilesAndFoldersAreTheUsersAlone) {
  const auto before = ::umask(0);
  create(1, "ann");
  create(2);
  ::umask(before);
  EXPECT_EQ(count(""), 3U);
  for (const auto& entry : fs::recursive_directory_iterator(root())) {
    EXPECT_EQ(entry.status().permissions(), entry.is_directory()
                                                ? fs::perms::owner_all
                                                : fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
  }
  EXPECT_EQ(fs::status(root()).permissions(), fs::perms::owner_all);
}

TEST_F(FileTest, NamesComeFromTheKeyAlone) {
  create(1, "ann/../../x");
  auto changed = record(1, "ann/../../x");
  changed.token = WriteToken{77};
  EXPECT_EQ(replace(changed, record(1).token), Outcome::done);
  const auto all = files();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all.contains(hex(key(1)).substr(0, 2) + "/" + hex(key(1))));
  EXPECT_EQ(count("ann"), 0U);
}

TEST_F(FileTest, NothingIsLeftBehind) {
  for (std::uint64_t number = 0; number < 20; ++number) {
    create(number, "ann");
    create(number, "eve");
    auto changed = record(number, "bob");
    EXPECT_EQ(replace(changed, changed.token), Outcome::done);
    EXPECT_EQ(replace(changed, WriteToken{12345}), Outcome::conflict);
    apply(Verb::erase, {.key = key(number)});
  }
  EXPECT_EQ(files(), std::set<std::string>{});
}

TEST_F(FileTest, ATouchWritesNoFileAnew) {
  create(1);
  const auto before = read_file(path_of(1));
  struct stat first, second;
  ASSERT_EQ(::stat(path_of(1).c_str(), &first), 0);
  auto touched = record(1);
  touched.expires_at += 500s;
  EXPECT_EQ(apply(Verb::touch, touched).outcome, Outcome::done);
  ASSERT_EQ(::stat(path_of(1).c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
  EXPECT_EQ(read_file(path_of(1)), before);
  EXPECT_EQ(second.st_mtim.tv_sec, (start + 1500s).time_since_epoch() / 1s);
}

// A copy that kept no times: what the record says of its own end counts.
TEST_F(FileTest, TheEndSurvivesACopyWithoutTimes) {
  create(1);
  set_mtime(path_of(1), start - 1h);
  EXPECT_EQ(load(1, 999s), Outcome::done);
  EXPECT_EQ(load(1, 1000s), Outcome::missing);
  EXPECT_EQ(sweep(999s), 0U);
  EXPECT_EQ(load(1, 999s), Outcome::done);
}

TEST_F(FileTest, ALoadMovesNoTimes) {
  create(1);
  EXPECT_EQ(apply(Verb::load, {.key = key(1)}).record.last_seen, start);
  EXPECT_EQ(apply(Verb::load, {.key = key(1)}).record.last_seen, start);
}

TEST_F(FileTest, ManyVerbsOfOneKeyInABatchRunInOrder) {
  auto changed = record(1);
  changed.token = WriteToken{50};
  for (const auto durability : {file::Durability::none, file::Durability::power_cut}) {
    reopen(durability);
    StoreOp batch[] = {{Verb::load, {.key = key(1)}, {}, {}},
                       {Verb::create, record(1), {}, {}},
                       {Verb::replace, changed, record(1).token, {}},
                       {Verb::touch, record(1), {}, {}},
                       {Verb::erase, {.key = key(1)}, {}, {}}};
    connection_->run(batch, at(0s));
    EXPECT_EQ(batch[0].outcome, Outcome::missing);
    for (int i = 1; i < 5; ++i) EXPECT_EQ(batch[i].outcome, Outcome::done) << i;
    EXPECT_EQ(load(1), Outcome::missing);
  }
}

TEST_F(FileTest, RefusesWhatIsTooLarge) {
  auto large = record(1);
  large.blob.assign(store_->traits().max_record + 1, 'x');
  EXPECT_EQ(apply(Verb::create, large).outcome, Outcome::refused);
  auto owned = record(2, std::string(321, 'x'));
  EXPECT_EQ(apply(Verb::create, owned).outcome, Outcome::refused);
  EXPECT_EQ(files(), std::set<std::string>{});
}

TEST_F(FileTest, WhatIsLockedByOthersComesLater) {
  create(1);
  const int folder = ::open(folder_of(1).c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(folder, LOCK_EX), 0);
  EXPECT_EQ(load(1), Outcome::done);
  for (const auto verb : {Verb::create, Verb::replace, Verb::touch, Verb::erase})
    EXPECT_EQ(apply(verb, record(1), 0s, record(1).token).outcome, Outcome::later);
  ::close(folder);
  EXPECT_EQ(apply(Verb::erase, {.key = key(1)}).outcome, Outcome::done);
}

TEST_F(FileTest, WhatIsAbortedRunsNoMore) {
  create(1);
  connection_->abort();
  EXPECT_TRUE(is_lost([&] { load(1); }));
  EXPECT_TRUE(is_lost([&] { create(2); }));
  EXPECT_TRUE(is_lost([&] { sweep(0s); }));
  EXPECT_TRUE(is_lost([&] { connection_->list("ann", "", 10, at(0s)); }));
  connection_ = open_connection(*store_, at(0s));
  EXPECT_EQ(load(1), Outcome::done);
  EXPECT_EQ(load(2), Outcome::missing);
}

TEST_F(FileTest, AFolderThatStaysLockedHoldsUpNoOther) {
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < 20; ++i) records.push_back(record(i));
  std::ranges::sort(records, {}, &Record::key);
  for (const auto& r : records) EXPECT_EQ(apply(Verb::create, r).outcome, Outcome::done);
  const auto stuck = key(10).bytes.front();
  const int folder = ::open(folder_of(10).c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(folder, LOCK_EX), 0);

  std::vector<StoreOp> batch;
  for (const auto& r : records) batch.push_back({Verb::replace, r, r.token, {}});
  connection_->run(batch, at(0s));
  for (auto& op : batch) {
    const bool is_stuck = op.record.key.bytes.front() == stuck;
    EXPECT_EQ(op.outcome, is_stuck ? Outcome::later : Outcome::done);
    op.outcome = Outcome::unanswered;
  }
  ::close(folder);
  connection_->run(batch, at(0s));
  for (const auto& op : batch) EXPECT_EQ(op.outcome, Outcome::done);
}

TEST_F(FileTest, AForkedChildDoesNotKeepALock) {
  create(1);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  {
    const auto options = file::FileOptions{.root_dir = root()};
    file::Root inner(options);
    inner.open();
    auto held = file::Folder::open(inner, file::records_folder(key(1).bytes.front()));
    ASSERT_TRUE(held && held->lock_until());
    if (::fork() == 0) {  // with the descriptor, and so with the lock
      char byte = 0;
      ::close(pipe[1]);
      static_cast<void>(::read(pipe[0], &byte, 1));  // until the parent ends
      ::_exit(0);
    }
  }
  EXPECT_EQ(apply(Verb::erase, {.key = key(1)}).outcome, Outcome::done);
  ::close(pipe[1]);
  ::close(pipe[0]);
  int status = 0;
  EXPECT_GT(::wait(&status), 0);
}

// Two processes count in one session, by replace.
TEST_F(FileTest, ProcessesLoseNoUpdateOfEachOther) {
  constexpr int rounds = 300;
  auto counter = record(1);
  counter.token = WriteToken{1};
  counter.blob = "0";
  apply(Verb::create, counter);
  const auto count_up = [&](std::uint64_t process) {
    const auto mine = open_connection(*store_, at(0s));
    for (std::uint64_t round = 0; round < rounds;) {
      StoreOp op{Verb::load, {.key = key(1)}, {}, {}};
      mine->run({&op, 1}, at(0s));
      op.verb = Verb::replace;
      op.expected = op.record.token;
      op.record.token = WriteToken{process << 32 | (round + 2)};
      op.record.blob = std::to_string(std::stoi(op.record.blob) + 1);
      mine->run({&op, 1}, at(0s));
      if (op.outcome == Outcome::done) ++round;
    }
  };
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      count_up(2);
      ::_exit(0);
    } catch (...) {
      ::_exit(1);
    }
  }
  count_up(1);
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(apply(Verb::load, {.key = key(1)}).record.blob, std::to_string(2 * rounds));
}

}  // namespace
}  // namespace flame::session
