// What the file store cleans up, and what it leaves; the owner index on disk.

#include <set>

#include "file_support.hpp"

namespace flame::session {
namespace {

constexpr auto old_time = TimePoint{std::chrono::seconds{1'000'000'000}};

class FileSweepTest : public FileTest {
 protected:
  std::size_t listed(const std::string& owner) {
    return connection_->list(owner, "", 1000, at(0s)).records.size();
  }
  // The one file below owners/.
  fs::path entry() const {
    for (const auto& each : fs::recursive_directory_iterator(root() / "owners"))
      if (!each.is_directory()) return each.path();
    return {};
  }
};

TEST_F(FileSweepTest, RemovesWhatExpiredWithItsEntry) {
  create(1, "ann");
  create(2);
  EXPECT_EQ(sweep(999s), 0U);
  EXPECT_EQ(sweep(1000s), 2U);
  EXPECT_EQ(files(), std::set<std::string>{});
}

TEST_F(FileSweepTest, LeavesWhatATouchKept) {
  create(1);
  auto touched = record(1);
  touched.expires_at += 500s;
  apply(Verb::touch, touched);
  EXPECT_EQ(sweep(1499s), 0U);
  EXPECT_EQ(sweep(1500s), 1U);
}

TEST_F(FileSweepTest, RemovesWhatIsDamagedOnceItsTimePassed) {
  create(1);
  write_file(path_of(1), "damaged");
  set_mtime(path_of(1), start + 1000s);
  EXPECT_EQ(sweep(999s), 0U);
  EXPECT_TRUE(fs::exists(path_of(1)));
  EXPECT_EQ(sweep(1000s), 1U);
}

TEST_F(FileSweepTest, RemovesTemporaryFilesAfterAGrace) {
  create(1);
  const auto fresh = folder_of(1) / "tmp-0123456789abcdef";
  const auto stale = folder_of(1) / "tmp-0123456789abcde0";
  write_file(fresh, "x");
  write_file(stale, "x");
  set_mtime(fresh, std::chrono::time_point_cast<TimePoint::duration>(
                       std::chrono::system_clock::now() - 9min));
  set_mtime(stale, std::chrono::time_point_cast<TimePoint::duration>(
                       std::chrono::system_clock::now() - 11min));
  EXPECT_EQ(sweep(0s), 0U) << "temporary files are no records";
  EXPECT_TRUE(fs::exists(fresh));
  EXPECT_FALSE(fs::exists(stale));
}

TEST_F(FileSweepTest, RemovesNoTemporaryNameThatIsNoFileOfIts) {
  create(1);
  const auto outside = folder_.path() / "outside";
  write_file(outside, "x");
  const auto folder = folder_of(1) / "tmp-0123456789abcdef";
  const auto link = folder_of(1) / "tmp-0123456789abcde0";
  fs::create_directory(folder);
  fs::create_symlink(outside, link);
  set_mtime(folder, old_time);
  set_mtime(link, old_time);
  EXPECT_EQ(sweep(0s), 0U);
  EXPECT_TRUE(fs::is_directory(folder));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_TRUE(fs::exists(outside));
}

TEST_F(FileSweepTest, RemovesNothingOfAnotherName) {
  create(1);
  const auto name = hex(key(1));
  std::string upper = name;
  std::ranges::transform(upper, upper.begin(), [](char c) { return std::toupper(c); });
  const std::string foreign[] = {"README", "tmp-", "tmp-0123456789abcdeg", "tmp-0123456789abcdef0",
                                 "xtmp-0123456789abcdef", name + "0", name.substr(1), upper,
                                 name.substr(0, 23) + "g", "-rf", "\xff\xfe", name + ".bak",
                                 // A key of another folder.
                                 (name[0] == '0' ? "1" : "0") + name.substr(1)};
  std::set<fs::path> paths;
  for (const auto& folder : {folder_of(1), root(), root() / "owners"}) {
    fs::create_directories(folder);
    for (const auto& each : foreign) {
      if (!fs::exists(folder / each)) paths.insert(folder / each);
    }
  }
  for (const auto& path : paths) {
    write_file(path, "x");
    set_mtime(path, old_time);
  }
  EXPECT_EQ(sweep(10'000s), 1U);
  for (const auto& path : paths) EXPECT_TRUE(fs::exists(path)) << path;
}

TEST_F(FileSweepTest, KeepsToItsLimit) {
  for (std::uint64_t number = 0; number < 300; ++number) create(number);
  std::size_t swept = 0;
  for (int calls = 0; calls < 300 && swept < 300; ++calls) {
    const auto n = connection_->sweep(7, at(1000s));
    EXPECT_LE(n, 7U);
    swept += n;
  }
  EXPECT_EQ(swept, 300U);
  EXPECT_EQ(files(), std::set<std::string>{});
}

// More candidates than the limit that cannot go: what comes after them goes all the same.
TEST_F(FileSweepTest, IsNotHeldUpByWhatCannotGo) {
  for (std::uint64_t number = 0; number < 30; ++number) {
    auto r = record(number);
    if (number < 29) r.expires_at += 1h;
    r.key.bytes[0] = std::byte{7};
    apply(Verb::create, r);
    const auto path = root() / "07" / hex(r.key);
    if (number < 29) set_mtime(path, start);
  }
  auto other = record(31);
  other.key.bytes[0] = std::byte{8};
  apply(Verb::create, other);
  std::size_t swept = 0;
  for (int calls = 0; calls < 10; ++calls) swept += connection_->sweep(5, at(1000s));
  EXPECT_GE(swept, 1U);
  EXPECT_FALSE(fs::exists(root() / "08" / hex(other.key)));
}

TEST_F(FileSweepTest, AnEntryWithoutItsRecordIsNotListedAndGoes) {
  create(1, "ann");
  fs::remove(path_of(1));
  ASSERT_NE(entry(), fs::path());
  EXPECT_EQ(listed("ann"), 0U);
  EXPECT_EQ(entry(), fs::path());

  create(1, "ann");
  fs::remove(path_of(1));
  EXPECT_EQ(sweep(0s), 0U);
  EXPECT_EQ(entry(), fs::path());
}

TEST_F(FileSweepTest, AnEntryOfAnotherOwnersRecordGoes) {
  create(1, "ann");
  const auto left_over = entry();
  auto changed = record(1, "bob");
  EXPECT_EQ(replace(changed, changed.token), Outcome::done);
  EXPECT_FALSE(fs::exists(left_over));
  for (const bool by_sweep : {false, true}) {
    write_file(left_over, "");
    EXPECT_EQ(by_sweep ? sweep(0s) : listed("ann"), 0U);
    EXPECT_FALSE(fs::exists(left_over));
    EXPECT_EQ(listed("bob"), 1U);
  }
}

// It cannot be told whose it is: so it is kept until it can.
TEST_F(FileSweepTest, AnEntryOfADamagedRecordStays) {
  create(1, "ann");
  const auto good = read_file(path_of(1));
  write_file(path_of(1), "damaged");
  set_mtime(path_of(1), start + 1000s);
  EXPECT_EQ(listed("ann"), 0U);
  EXPECT_EQ(sweep(0s), 0U);
  write_file(path_of(1), good);
  EXPECT_EQ(listed("ann"), 1U);
}

TEST_F(FileSweepTest, ALinkAmongTheEntriesIsLeftAlone) {
  create(1, "ann");
  const auto path = entry();
  const auto outside = folder_.path() / "outside";
  write_file(outside, "x");
  fs::remove(path);
  fs::create_symlink(outside, path);
  fs::remove(path_of(1));
  EXPECT_EQ(listed("ann"), 0U);
  EXPECT_EQ(sweep(10'000s), 0U);
  EXPECT_TRUE(fs::is_symlink(path));
  EXPECT_TRUE(fs::exists(outside));
}

}  // namespace
}  // namespace flame::session
