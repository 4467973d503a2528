#pragma once

#include <cstdint>

#include "folder.hpp"

namespace flame::inline v0::session::file {

/// A record beside the one that it will be: written under the lock of the folder, then put in its
/// place by one rename. Gone with this object, unless it was put there.
class Temporary {
 public:
  /// `number` is where the search for a free name starts. Throws StoreError(refused), and leaves
  /// nothing behind; also where the flush that Durability::power_cut asks for fails.
  Temporary(const Folder& folder, std::uint64_t& number, const Record& record, TimePoint last_seen,
            TimePoint expires_at, bool flush);
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary();

  /// False where the name is taken.
  [[nodiscard]] bool put_as_new(const Name& name);
  void put_in_place_of(const Name& name);

 private:
  void fill(const Record& record, TimePoint last_seen, TimePoint expires_at, bool flush);

  const Folder& folder_;
  Name name_;
  Descriptor file_;
  bool flushed_;
};

}  // namespace flame::inline v0::session::file
