// What a first connection says of a root_dir that cannot be one, and what to do then.

#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "file_support.hpp"

namespace flame::session {
namespace {

class RootTest : public ::testing::Test {
 protected:
  std::string refusal(const fs::path& root) {
    const auto store = file::store({.root_dir = root});
    const auto text = error_of([&] { static_cast<void>(open_connection(*store, {})); });
    if (!text.empty()) {
      EXPECT_NE(text.find("root_dir"), text.npos) << text;
      EXPECT_EQ(text.find('\n'), text.npos) << text;
    }
    return text;
  }
  void expect_refusal(const fs::path& root, std::string_view remedy) {
    const auto text = refusal(root);
    EXPECT_NE(text.find(remedy), text.npos) << text;
  }
  TemporaryFolder folder_;
  const fs::path root_ = folder_.path() / "sessions";
};

TEST_F(RootTest, MakesItsFolder) {
  EXPECT_EQ(refusal(root_), "");
  EXPECT_EQ(fs::status(root_).permissions(), fs::perms::owner_all);
  EXPECT_EQ(refusal(root_), "");
  EXPECT_EQ(refusal(root_ / ""), "") << "a slash at the end";
}

TEST_F(RootTest, MakingAStoreTouchesNothing) {
  const auto store = file::store({.root_dir = root_});
  EXPECT_FALSE(fs::exists(root_));
}

TEST_F(RootTest, RefusesWhatIsNoFolderOfItsOwn) {
  expect_refusal({}, "give the folder");
  expect_refusal(root_ / "deep" / "er", "make the folder that it lies in");
  write_file(root_, "x");
  expect_refusal(root_, "is not a folder");
  fs::remove(root_);
  fs::create_directory(folder_.path() / "real");
  fs::create_directory_symlink("real", root_);
  expect_refusal(root_, "is a link");
  expect_refusal(root_ / "", "is a link");
  EXPECT_TRUE(fs::is_empty(folder_.path() / "real"));
  fs::remove(root_);
  fs::create_symlink("nowhere", root_);
  expect_refusal(root_, "is a link");
}

TEST_F(RootTest, RefusesWhatOthersCanWrite) {
  fs::create_directory(root_);
  for (const auto mode : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(root_, fs::perms::owner_all | mode);
    expect_refusal(root_, "chmod go-w");
  }
  fs::permissions(root_, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_exec);
  EXPECT_EQ(refusal(root_), "");
}

TEST_F(RootTest, RefusesAnothersFolder) {
  fs::create_directory(root_);
  if (::chown(root_.c_str(), 12345, 12345) != 0) GTEST_SKIP() << "needs root, for chown";
  expect_refusal(root_, "belongs to another user");
}

TEST_F(RootTest, RefusesWhatCannotBeAPath) {
  write_file(root_, "x");
  expect_refusal(root_ / "deeper", "give another root_dir");
  expect_refusal(folder_.path() / std::string(300, 'x'), "give another root_dir");
}

TEST_F(RootTest, TriesASaveAndLeavesNoFile) {
  EXPECT_EQ(refusal(root_), "");
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    EXPECT_TRUE(entry.is_directory()) << entry.path();
}

TEST_F(RootTest, IsTriedByManyAtOnceWhileItIsInUse) {
  const auto store = file::store({.root_dir = root_});
  std::atomic<int> failed = 0;
  const auto open_often = [&] {
    for (int i = 0; i < 200; ++i) {
      try {
        static_cast<void>(open_connection(*store, {}));
      } catch (const StoreError&) {
        ++failed;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(open_often);
  const auto connection = open_connection(*store, {});
  for (std::uint64_t i = 0; i < 500; ++i) {
    Record record{.token = WriteToken{1}, .owner = "ann", .expires_at = TimePoint{2'000'000'000s}};
    record.key.bytes.back() = static_cast<std::byte>(i);  // where it is tried
    StoreOp ops[] = {{Verb::create, record, {}, {}}, {Verb::erase, record, {}, {}}};
    connection->run(ops, {});
    for (const auto& op : ops)
      EXPECT_TRUE(op.outcome == Outcome::done || op.outcome == Outcome::later);
    EXPECT_EQ(connection->sweep(10, {}), 0U);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    EXPECT_EQ(entry.path().filename().string().find("tmp-"), std::string::npos) << entry.path();
}

TEST_F(RootTest, IsTriedWhereNobodyHangs) {
  EXPECT_EQ(refusal(root_), "");
  const int folder = ::open((root_ / "00").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(folder, LOCK_EX), 0) << "nothing is tried there";
  EXPECT_EQ(refusal(root_), "");
  ::close(folder);
}

/// What that returns for a user without the rights that root always has.
std::string as_a_user(const std::function<std::string()>& said) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const auto child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(12345, 12345, 12345) != 0) ::_exit(1);
    const auto text = said();
    ::_exit(::write(ends[1], text.data(), text.size()) < 0);
  }
  ::close(ends[1]);
  char text[1000];
  const auto size = ::read(ends[0], text, sizeof(text));
  ::close(ends[0]);
  int status = 1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

/// What a first connection there says to such a user.
std::string said_to_a_user(const fs::path& root, file::Durability durability) {
  return as_a_user([&]() -> std::string {
    try {
      static_cast<void>(
          open_connection(*file::store({.root_dir = root, .durability = durability}), {}));
    } catch (const StoreError& error) {
      return error.what();
    }
    return "nothing";
  });
}

TEST_F(RootTest, RefusesWhatItHasNoRightsTo) {
  using fs::perms;
  fs::create_directory(root_);
  for (const auto& each : {folder_.path(), root_}) {
    if (::geteuid() == 0) {
      ASSERT_EQ(::chown(each.c_str(), 12345, 12345), 0);
    }
  }
  const auto unreached = as_a_user([&]() -> std::string {
    return ::access(folder_.path().c_str(), X_OK) == 0 ? "" : std::strerror(errno);
  });
  if (!unreached.empty())
    GTEST_SKIP() << "needs a temporary folder that every user can reach; to user 12345 "
                 << folder_.path() << " is: " << unreached << "; set TMPDIR to another";
  struct Case {
    fs::path root;
    perms of_folder, of_root;
    const char* said;
  };
  constexpr auto all = perms::owner_all, write = perms::owner_write, read = perms::owner_read,
                 go = perms::owner_exec;
  const Case cases[] = {
      {root_, all, all, "nothing"},
      {root_, read | go, all, "nothing"},
      {root_, all, read | go, "cannot be written: Permission denied: the folder and all in it"},
      {root_, all, perms::none, "cannot be opened: Permission denied: the folder and all in it"},
      {folder_.path() / "other", read | go, all, "make it, and chown it"},
      {root_, write | go, all, "chmod a+rx it"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.said);
    fs::permissions(root_, each.of_root);
    fs::permissions(folder_.path(), each.of_folder);
    const auto text = said_to_a_user(each.root, file::Durability::power_cut);
    EXPECT_NE(text.find(each.said), text.npos) << text;
    fs::permissions(folder_.path(), all);
  }
  fs::permissions(root_, all);
}

TEST_F(RootTest, ARelativePathIsThatOfTheTimeOfStore) {
  const auto before = fs::current_path();
  fs::current_path(folder_.path());
  const auto store = file::store({.root_dir = "sessions"});
  fs::current_path("/");
  static_cast<void>(open_connection(*store, {}));
  fs::current_path(before);
  EXPECT_TRUE(fs::is_directory(root_));
}

}  // namespace
}  // namespace flame::session
