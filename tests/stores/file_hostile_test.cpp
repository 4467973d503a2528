// What lies in the folder of a file store and is not its own, or no longer whole.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>

#include "file_support.hpp"

namespace flame::session {
namespace {

// Puts something where record 1 belongs, with its folder there.
struct Intruder {
  const char* name;
  std::function<void(const fs::path& path, const fs::path& outside)> put;
};

const Intruder intruders[] = {
    {"a link to a file", [](auto& path, auto& outside) { fs::create_symlink(outside, path); }},
    {"a link to nothing", [](auto& path, auto&) { fs::create_symlink("nowhere", path); }},
    {"a link to a folder",
     [](auto& path, auto& outside) { fs::create_symlink(outside.parent_path(), path); }},
    {"a FIFO", [](auto& path, auto&) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }},
    {"a folder", [](auto& path, auto&) { fs::create_directory(path); }},
    {"a socket",
     [](auto& path, auto&) {
       const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
       sockaddr_un address{};
       address.sun_family = AF_UNIX;
       // A path of 108 characters at most.
       const auto short_path = fs::temp_directory_path() / "flame-socket";
       short_path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
       ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
       ::close(fd);
       fs::rename(short_path, path);
     }},
};

TEST_F(FileTest, WhatIsNoFileIsNeverTouched) {
  const auto outside = folder_.path() / "outside";
  create(1, "ann");
  const auto real = read_file(path_of(1));
  for (const auto& [name, put] : intruders) {
    SCOPED_TRACE(name);
    write_file(outside, real);
    fs::remove(path_of(1));
    put(path_of(1), outside);
    const auto type = fs::symlink_status(path_of(1)).type();

    EXPECT_EQ(load(1), Outcome::missing);
    EXPECT_EQ(create(1), Outcome::exists);
    EXPECT_EQ(replace(record(1), record(1).token), Outcome::missing);
    EXPECT_EQ(apply(Verb::touch, record(1)).outcome, Outcome::missing);
    EXPECT_EQ(apply(Verb::erase, record(1)).outcome, Outcome::done);
    EXPECT_EQ(sweep(10'000s), 0U);
    EXPECT_TRUE(connection_->list("ann", "", 10, at(0s)).records.empty());

    EXPECT_EQ(fs::symlink_status(path_of(1)).type(), type);
    EXPECT_EQ(read_file(outside), real);
    fs::remove(path_of(1));
  }
}

// Where a fan-out folder, or that of the owners, is none: nothing goes through it.
TEST_F(FileTest, AFolderThatIsALinkIsNotFollowed) {
  create(1, "ann");
  const auto outside = folder_.path() / "outside";
  for (const auto& inner : {folder_of(1), root() / "owners"}) {
    SCOPED_TRACE(inner);
    fs::rename(inner, outside);
    fs::create_directory_symlink(outside, inner);
    if (inner == folder_of(1)) {
      EXPECT_EQ(load(1), Outcome::missing);
      EXPECT_EQ(replace(record(1), record(1).token), Outcome::missing);
      EXPECT_EQ(apply(Verb::erase, record(1)).outcome, Outcome::done);
      EXPECT_NE(error_of([&] { create(1); }).find("take it away"), std::string::npos);
    } else {
      EXPECT_NE(error_of([&] { create(2, "ann"); }).find("take it away"), std::string::npos);
      EXPECT_EQ(load(2), Outcome::missing);
    }
    EXPECT_TRUE(connection_->list("ann", "", 10, at(0s)).records.empty());
    if (inner == folder_of(1)) {
      EXPECT_EQ(sweep(10'000s), 0U);
    }
    fs::remove(inner);
    fs::rename(outside, inner);
    EXPECT_EQ(load(1), Outcome::done);
    create(1, "ann");
  }
  EXPECT_EQ(connection_->list("ann", "", 10, at(0s)).records.size(), 1U);
}

TEST_F(FileTest, AFileInAFoldersPlaceIsRefused) {
  write_file(folder_of(1), "");
  write_file(root() / "owners", "");
  EXPECT_EQ(load(1), Outcome::missing);
  EXPECT_EQ(sweep(10'000s), 0U);
  EXPECT_TRUE(connection_->list("ann", "", 10, at(0s)).records.empty());
  EXPECT_NE(error_of([&] { create(1); }).find("take it away"), std::string::npos);
  EXPECT_NE(error_of([&] { create(2, "ann"); }).find("take it away"), std::string::npos);
  EXPECT_EQ(create(2), Outcome::done);
}

TEST_F(FileTest, ADamagedRecordIsUnreadableAndInTheWay) {
  create(1, "ann");
  const auto good = read_file(path_of(1));
  const auto expect_damaged = [&](const std::string& bytes) {
    write_file(path_of(1), bytes);
    EXPECT_EQ(load(1), Outcome::unreadable);
    EXPECT_EQ(create(1, "ann"), Outcome::exists);
    EXPECT_EQ(read_file(path_of(1)), bytes) << "it was overwritten";
  };
  for (std::size_t at = 0; at < good.size(); ++at) {
    SCOPED_TRACE(at);
    auto flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    expect_damaged(flipped);
    expect_damaged(good.substr(0, at));
  }
  expect_damaged(good + "x");
  expect_damaged(std::string(5000, '\0'));
  expect_damaged(good + std::string(3 << 20, 'x'));

  write_file(path_of(1), good);
  EXPECT_EQ(load(1), Outcome::done);
  write_file(path_of(1), "");
  EXPECT_EQ(apply(Verb::erase, record(1)).outcome, Outcome::done);
  EXPECT_FALSE(fs::exists(path_of(1)));
}

TEST_F(FileTest, ARecordInAnothersPlaceIsUnreadable) {
  create(1);
  fs::create_directories(folder_of(2));
  fs::copy_file(path_of(1), path_of(2));
  EXPECT_EQ(load(2), Outcome::unreadable);
}

TEST_F(FileTest, ARecordOfALaterVersionIsLeftAlone) {
  create(1);
  auto later = read_file(path_of(1));
  later[8] = 2;
  write_file(path_of(1), later);
  set_mtime(path_of(1), start);
  EXPECT_EQ(load(1), Outcome::unreadable);
  EXPECT_EQ(create(1), Outcome::exists);
  EXPECT_EQ(replace(record(1), record(1).token), Outcome::missing);
  const auto before = fs::last_write_time(path_of(1));
  EXPECT_EQ(apply(Verb::touch, record(1)).outcome, Outcome::missing);
  EXPECT_EQ(fs::last_write_time(path_of(1)), before);
  EXPECT_EQ(sweep(10'000s), 0U);
  EXPECT_EQ(read_file(path_of(1)), later);
}

TEST_F(FileTest, AFileOfAnotherUserIsNone) {
  create(1, "ann");
  if (::chown(path_of(1).c_str(), 12345, 12345) != 0) GTEST_SKIP() << "needs root, for chown";
  EXPECT_EQ(load(1), Outcome::missing);
  EXPECT_EQ(create(1), Outcome::exists);
  EXPECT_EQ(apply(Verb::erase, record(1)).outcome, Outcome::done);
  EXPECT_EQ(sweep(10'000s), 0U);
  EXPECT_TRUE(fs::exists(path_of(1)));
  ASSERT_EQ(::chown(folder_of(1).c_str(), 12345, 12345), 0);
  EXPECT_NE(error_of([&] { create(1); }).find("take it away"), std::string::npos);
}

}  // namespace
}  // namespace flame::session
