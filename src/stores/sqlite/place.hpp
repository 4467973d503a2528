#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "failure.hpp"

namespace flame::inline v0::session::sqlite {

/// Which file lies at a path; all 0: none. With the time at which it was made, where the file
/// system keeps that: inodes are used again.
struct FileId {
  std::uint64_t device = 0, inode = 0, born_at = 0;
  bool operator==(const FileId&) const = default;
  [[nodiscard]] bool there() const noexcept { return *this != FileId{}; }
};

/// A database is three files. SQLite finds two of them by the name of the first, so one that was
/// put beside the wrong database would be read into it.
struct Files {
  FileId database{}, wal{}, shm{};
  bool operator==(const Files&) const = default;
};

/// What connections that are open on the same files share.
struct Opened {
  std::string path{}, wal{}, shm{};  ///< without links
  Files files{};
  pid_t process = 0;
};

/// Where a store's database is, and whether it still is. All of it throws StoreError.
class Place {
 public:
  explicit Place(std::filesystem::path path) : path_(std::move(path)) {}

  /// Before a connection opens it: what is to be opened. Makes an empty file where that is wanted
  /// and none is there.
  [[nodiscard]] Opened find(bool make);
  /// Once all three are open: to be kept for as long as they are.
  [[nodiscard]] std::shared_ptr<const Opened> join(const Opened& found);
  /// Throws that kind where the files are not those any more.
  void check(const Opened& opened, StoreError::Kind kind) const;

 private:
  void make_file() const;
  void check_pair(const Opened& found) const;
  [[noreturn]] void refuse(std::string_view what) const;

  const std::filesystem::path path_;
  std::mutex mutex_;
  std::weak_ptr<const Opened> opened_{};
  Files last_{};  // that were open
};

}  // namespace flame::inline v0::session::sqlite
