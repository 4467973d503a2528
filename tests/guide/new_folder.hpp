#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

/// A folder of one test's own, below the system's temporary one, gone with this.
class NewFolder {
 public:
  NewFolder() : path_((std::filesystem::temp_directory_path() / "flame_guide_XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};
