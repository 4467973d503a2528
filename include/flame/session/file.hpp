#pragma once

#include <filesystem>

#include <flame/session/durability.hpp>
#include <flame/session/store.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::file {

using session::Durability;

struct FileOptions {
  /// This user's own, writable by nobody else, on a local disk; made where only its last name is
  /// missing. A relative path counts from the working directory at the time of store().
  std::filesystem::path root_dir{};
  Durability durability = Durability::process_crash;
};

/// Sessions as files, one each; any number of processes of one machine and user may share the
/// folder. The layout, and what each level does: src/stores/file/README.md.
[[nodiscard]] StorePtr store(FileOptions options);

}  // namespace flame::inline v0::session::file

#pragma GCC visibility pop
