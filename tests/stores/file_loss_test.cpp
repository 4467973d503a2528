// What a store says that loses its root, or has no descriptor left.

#include <sys/fsuid.h>
#include <sys/resource.h>
#include <unistd.h>

#include "file_support.hpp"
#include "stores/file/root.hpp"

namespace flame::session {
namespace {

using FileLossTest = FileTest;

TEST_F(FileLossTest, ARootThatIsRemovedIsLostThenMadeAgain) {
  for (const auto durability : {file::Durability::none, file::Durability::power_cut}) {
    reopen(durability);
    create(1);
    fs::remove_all(root());
    EXPECT_TRUE(is_lost([&] { load(1); }));
    EXPECT_TRUE(is_lost([&] { create(1); }));
    connection_ = open_connection(*store_, at(0s));
    EXPECT_EQ(load(1), Outcome::missing);
    EXPECT_EQ(create(1), Outcome::done);
    EXPECT_EQ(load(1), Outcome::done);
  }
}

// Sessions would seem there that ended in the new one, and saves would go where nobody looks.
TEST_F(FileLossTest, ARootThatIsMovedAwayIsLostAlsoWhereItIsMadeAnew) {
  const auto away = folder_.path() / "away";
  for (const bool made_anew : {false, true}) {
    create(1, "ann");
    fs::rename(root(), away);
    if (made_anew) static_cast<void>(open_connection(*store_, at(0s)));
    EXPECT_TRUE(is_lost([&] { load(1); }));
    EXPECT_TRUE(is_lost([&] { create(2); }));
    EXPECT_TRUE(is_lost([&] { replace(record(1), record(1).token); }));
    EXPECT_TRUE(is_lost([&] { apply(Verb::touch, record(1)); }));
    EXPECT_TRUE(is_lost([&] { apply(Verb::erase, record(1)); }));
    EXPECT_TRUE(is_lost([&] { sweep(2000s); }));
    EXPECT_TRUE(is_lost([&] { connection_->list("ann", "", 10, at(0s)); }));
    EXPECT_TRUE(fs::exists(away / fs::relative(path_of(1), root())));
    EXPECT_FALSE(fs::exists(away / fs::relative(path_of(2), root())));
    connection_ = open_connection(*store_, at(0s));
    EXPECT_EQ(load(1), Outcome::missing);
    EXPECT_EQ(create(1), Outcome::done);
    fs::remove_all(away);
    apply(Verb::erase, record(1));
  }
}

// A process may open its root first, and give up its rights then.
TEST_F(FileLossTest, ARootWhoseWayIsClosedByNowStays) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give up rights";
  file::Root inner({.root_dir = root()});
  inner.open();
  fs::permissions(folder_.path(), fs::perms::none);
  ::setfsuid(12345);
  struct stat info;
  EXPECT_NE(::lstat(root().c_str(), &info), 0);
  EXPECT_NO_THROW(inner.check_place());
  ::setfsuid(0);
  fs::permissions(folder_.path(), fs::perms::owner_all);
}

Outcome load_with(StoreConnection& connection, const SessionKey& key, const Call& call) {
  StoreOp op{Verb::load, {.key = key}, {}, {}};
  connection.run({&op, 1}, call);
  return op.outcome;
}

// A session that could not be looked at would seem to be missing, or its visitor be turned away.
// UBSan looks through a pipe at what it first sees a member function of called: so what is called
// without descriptors was called before, and the fixture is left alone.
TEST_F(FileLossTest, LoadsDoWithoutAnotherDescriptor) {
  create(1);
  const auto one = key(1), two = key(2);
  const auto call = at(0s);
  auto& store = *store_;
  auto& connection = *connection_;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{256, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<file::Descriptor> all;
  for (file::Descriptor fd(::dup(0)); fd; fd = file::Descriptor(::dup(0)))
    all.push_back(std::move(fd));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(load_with(connection, one, call), Outcome::done);
    EXPECT_EQ(load_with(connection, two, call), Outcome::missing);
  }
  std::vector<std::unique_ptr<StoreConnection>> others;
  for (int i = 0; i < 3; ++i) {  // as workers do that had nothing to do until now
    others.push_back(store.make_connection());
    others.back()->connect(call);
    EXPECT_EQ(load_with(*others.back(), one, call), Outcome::done);
  }
  all.clear();
  EXPECT_EQ(load(1), Outcome::done);
  EXPECT_EQ(create(2), Outcome::done);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace flame::session
