#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <flame/session/store.hpp>

#include "test_support/temporary_folder.hpp"

/// Sessions as a release wrote them: a folder with the file store's own (`store`), and what is in
/// it (`sessions.txt`). Git keeps no times of files, so that says them, too.
namespace flame::session::formats {

namespace fs = std::filesystem;

struct Kept {
  std::string name{};
  std::string id{};
  std::string owner{};
  TimePoint created{}, seen{}, end{};
  bool touched = false;    ///< only the times of the file tell of it
  std::size_t values = 0;  ///< it has the first ones of contents.hpp
};

struct Release {
  TimePoint written_at{};
  std::vector<Kept> sessions{};  ///< `superseded`: an ID that no longer opens one

  [[nodiscard]] const Kept& operator[](std::string_view name) const;
};

/// By the code of today; what was in the folder before is gone.
void write_release(const fs::path& folder);
[[nodiscard]] Release read_release(const fs::path& folder);
/// Its store as it was when it was written, also the times of files, where it may be changed.
void copy_store(const fs::path& folder, const Release& release, const fs::path& root);

/// A record, past the manager.
[[nodiscard]] Record stored(const fs::path& root, const SessionKey& key, TimePoint now);
[[nodiscard]] SessionKey key_of(const Kept& session);
[[nodiscard]] fs::path file_of(const fs::path& root, const SessionKey& key);

using test_support::TemporaryFolder;

}  // namespace flame::session::formats
