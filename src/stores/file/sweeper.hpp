#pragma once

#include <atomic>
#include <chrono>
#include <vector>

#include "folder.hpp"
#include "owner_index.hpp"

namespace flame::inline v0::session::file {

/// A file that was to become a record is left over once nothing was done to it for so long.
inline constexpr std::chrono::minutes temporary_grace{10};

/// Removes what expired, folder after folder. It starts anywhere, so that processes spread out.
class Sweeper {
 public:
  Sweeper(const Root& root, OwnerIndex& owners, std::uint8_t start) noexcept
      : root_(root), owners_(owners), next_(start) {}

  /// Goes on where it ended: until `limit` records are gone, or it saw many names, or all folders.
  std::size_t sweep(std::size_t limit, const Call& call, RecordReader& reader,
                    const std::atomic<bool>& aborted);

 private:
  struct Found {
    std::vector<SessionKey> expired;
    std::vector<Name> left_over;
    std::size_t seen = 0;
    bool all = true;
  };
  [[nodiscard]] Found look(const Folder& folder, std::size_t limit, TimePoint now) const;
  std::size_t remove(Folder& folder, const Found& found, TimePoint now, RecordReader& reader);
  bool remove_if_expired(const Folder& folder, const SessionKey& key, TimePoint now,
                         RecordReader& reader);

  const Root& root_;
  OwnerIndex& owners_;
  std::uint8_t next_;
  FirstRefusal refusals_{};  // of one sweep
};

}  // namespace flame::inline v0::session::file
