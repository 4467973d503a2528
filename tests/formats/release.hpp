#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include <flame/session/store.hpp>

/// Sessions as a release wrote them: a folder with the file store's own (`store`), and what is in
/// it
/// (`sessions.txt`). Git keeps no times of files, so that says them, too.
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

/// A folder in the system's temporary one, gone with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    auto path = (fs::temp_directory_path() / "flame-formats-XXXXXX").string();
    if (!::mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
    path_ = path;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_{};
};

}  // namespace flame::session::formats
