#pragma once

#include <sys/stat.h>

#include <memory>
#include <set>
#include <string>

#include <flame/session/file.hpp>

#include "descriptor.hpp"
#include "names.hpp"
#include "reserve.hpp"

namespace flame::inline v0::session::file {

/// Where a folder of the store should be, something else is.
[[noreturn]] void refuse_foreign(const Name& path);

/// The folder of a store, opened. Every path goes from its descriptor, through real folders only:
/// no link is followed, wherever it lies below.
class Root {
 public:
  explicit Root(const FileOptions& options,
                std::shared_ptr<Reserve> reserve = std::make_shared<Reserve>());
  /// Makes it where it is missing. Before all else. Throws StoreError(refused) where it is not as
  /// FileOptions asks.
  void open();
  /// Throws StoreError(refused) where nothing can be written there. Reading goes on without it.
  void check_writable() const;
  /// Throws StoreError(connection_lost) where it is no longer where it was: moved away, removed, or
  /// made anew.
  void check_place() const;

  /// Without a descriptor where that fails, and then errno says why.
  [[nodiscard]] Descriptor open(const Name& path, int flags) const noexcept;
  /// The same, for reading: with the reserve.
  [[nodiscard]] Descriptor open_to_read(const Name& path, int flags) const noexcept;
  /// After that; `read` is what it gave.
  void give_back(Descriptor read) const noexcept { reserve_->refill(std::move(read)); }
  /// Also where it is there; at Durability::power_cut its name is flushed. Throws StoreError.
  void make_folder(const Name& path);
  /// Whether a folder that is there is known to survive what it should.
  [[nodiscard]] bool is_durable(const Name& path) const {
    return !survives_power_cut_ || durable_.contains(path.view());
  }

  /// What is left of the disk is for sessions with an owner. False also where nobody knows.
  [[nodiscard]] bool is_nearly_full() const noexcept;

  [[nodiscard]] bool survives_power_cut() const noexcept { return survives_power_cut_; }

 private:
  void flush_name() const;
  [[nodiscard]] Descriptor open_by_steps(const Name& path, int flags) const noexcept;

  const std::shared_ptr<Reserve> reserve_;
  std::string path_;
  Descriptor folder_;
  struct stat info_ {};
  bool survives_power_cut_;
  bool has_openat2_ = false;
  std::set<std::string, std::less<>> durable_;  // folders whose own names were flushed by this one
};

}  // namespace flame::inline v0::session::file
