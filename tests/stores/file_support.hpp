#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <flame/session/file.hpp>

#include "one_connection.hpp"
#include "test_support/temporary_folder.hpp"

namespace flame::session {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

using test_support::TemporaryFolder;

inline void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string error_of(const auto& call) {
  try {
    call();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::refused);
    return error.what();
  }
  return {};
}

inline bool is_lost(const auto& call) {
  try {
    call();
  } catch (const StoreError& error) {
    return error.kind() == StoreError::Kind::connection_lost;
  }
  return false;
}

/// A file store in a folder of its own, with one connection.
class FileTest : public ::testing::Test, protected tests::OneConnection {
 protected:
  ~FileTest() override { connection_.reset(); }  // before its folder goes
  FileTest() { reopen(); }
  void reopen(file::Durability durability = file::Durability::none) {
    store_ = file::store({.root_dir = root(), .durability = durability});
    connection_ = open_connection(*store_, at(0s));
  }

  [[nodiscard]] fs::path root() const { return folder_.path() / "sessions"; }
  Outcome replace(const Record& r, WriteToken expected) {
    return apply(Verb::replace, r, 0s, expected).outcome;
  }
  Outcome load(std::uint64_t number, std::chrono::milliseconds time = 0s) {
    return apply(Verb::load, {.key = key(number)}, time).outcome;
  }
  std::size_t sweep(std::chrono::milliseconds time) { return connection_->sweep(1000, at(time)); }

  static std::string hex(const SessionKey& key) {
    std::string text;
    for (const auto byte : key.bytes) {
      constexpr auto digits = "0123456789abcdef";
      text += digits[std::to_integer<int>(byte) >> 4];
      text += digits[std::to_integer<int>(byte) & 15];
    }
    return text;
  }
  [[nodiscard]] fs::path folder_of(std::uint64_t number) const {
    return root() / hex(key(number)).substr(0, 2);
  }
  [[nodiscard]] fs::path path_of(std::uint64_t number) const {
    return folder_of(number) / hex(key(number));
  }
  /// Of files, from the root; not of folders.
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(root())) {
      if (!entry.is_directory()) all.insert(fs::relative(entry.path(), root()));
    }
    return all;
  }
  [[nodiscard]] std::size_t count(std::string_view part) const {
    const auto all = files();
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [&](const std::string& name) { return name.find(part) != name.npos; }));
  }
  static void set_mtime(const fs::path& path, TimePoint time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    const timespec times[] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }

  TemporaryFolder folder_;
};

}  // namespace flame::session
