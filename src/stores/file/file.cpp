#include <system_error>
#include <utility>

#include <flame/session/file.hpp>

#include "connection.hpp"

namespace flame::inline v0::session::file {
namespace {

class FileStore final : public Store {
 public:
  explicit FileStore(FileOptions options) : options_(std::move(options)) {
    std::error_code error;
    auto absolute = std::filesystem::absolute(options_.root_dir, error);
    // An empty path is one that connect() refuses.
    if (!error && !options_.root_dir.empty()) options_.root_dir = std::move(absolute);
  }

  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Connection>(options_, reserve_);
  }
  [[nodiscard]] StoreTraits traits() const noexcept override { return {.max_record = max_record}; }

 private:
  FileOptions options_;
  const std::shared_ptr<Reserve> reserve_ = std::make_shared<Reserve>();
};

}  // namespace

StorePtr store(FileOptions options) { return std::make_shared<FileStore>(std::move(options)); }

}  // namespace flame::inline v0::session::file
