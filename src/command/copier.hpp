#pragma once

#include <span>
#include <string>
#include <vector>

#include "access.hpp"

namespace flame::inline v0::session::command {

/// What became of the sessions of a copy.
struct Copied {
  std::size_t copied = 0;         ///< at the target now, as they are at the source
  std::size_t already_there = 0;  ///< by an earlier copy
  std::size_t again = 0;          ///< the same, and older there: replaced
  std::size_t ended = 0;          ///< before their copy was over
  std::size_t expired = 0;
  std::size_t unreadable = 0;  ///< damaged, or of a later release
  std::size_t refused = 0;     ///< the target takes none like it: too large, say
  std::size_t left = 0;        ///< the target has another state of it, which stays

  [[nodiscard]] std::size_t living() const noexcept {  ///< at the source
    return copied + already_there + again + refused + left;
  }
  [[nodiscard]] std::size_t seen() const noexcept {
    return living() + ended + expired + unreadable;
  }
};

/// Copies all sessions from one store to another, a page at a time: records as they are, so that
/// the cookies stay good. Throws StoreError.
class Copier {
 public:
  Copier(Access& from, Access& to) : from_(from), to_(to) {}

  /// The next page. False: it was the last.
  bool step();
  [[nodiscard]] const Copied& copied() const noexcept { return copied_; }

 private:
  void copy(std::vector<Record> records);
  void compare(const std::vector<StoreOp>& taken, const std::vector<Record>& records);
  void replace(std::vector<StoreOp>& older);
  void look_again();

  Access& from_;
  Access& to_;
  std::string next_{};
  Copied copied_{};
  std::vector<Record> there_{};  // of this page: what the target has, without blobs
};

/// Whether any session lives there.
[[nodiscard]] bool has_sessions(Access& store);
/// A page of the target: adds those that live there, and that the source knows nothing of any more.
/// False: it was the last.
bool find_ended(Access& from, Access& to, std::string& next, std::vector<SessionKey>& ended);
/// `erased` counts as it goes.
void erase(Access& store, std::span<const SessionKey> keys, std::size_t& erased);

}  // namespace flame::inline v0::session::command
