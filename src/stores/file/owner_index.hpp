#pragma once

#include <string_view>

#include "failure.hpp"
#include "folder.hpp"

namespace flame::inline v0::session::file {

/// Which sessions an owner has: an empty file for each. An entry is made before its record, and
/// goes after it, both under the lock of the record's folder: so no record lacks one, whatever
/// stops in between, and an entry without its record is of no harm and is cleaned up by list() and
/// sweep().
class OwnerIndex {
 public:
  explicit OwnerIndex(Root& root) noexcept : root_(root) {}

  /// The lock of the record's folder is held. Throws StoreError(refused).
  void add(std::string_view owner, const SessionKey& key);
  /// The same; what cannot be removed stays for list() and sweep().
  void remove(std::string_view owner, const SessionKey& key) noexcept;

  [[nodiscard]] OwnerPage list(std::string_view owner, std::string_view from, std::size_t limit,
                               const Call& call, RecordReader& reader);
  /// Removes the entries in one folder whose records are gone. Returns how many names it looked at.
  std::size_t clean(std::byte first, RecordReader& reader, FirstRefusal& refusals);

 private:
  [[nodiscard]] bool is_stale(const Entry& entry, RecordReader& reader) const;
  void remove_if_stale(const Folder& entries, const Entry& entry, RecordReader& reader);

  Root& root_;
};

}  // namespace flame::inline v0::session::file
