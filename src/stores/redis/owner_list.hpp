#pragma once

#include "routing.hpp"
#include "work.hpp"

namespace flame::inline v0::session::redis {

/// Lists an owner's sessions by the index: no scan. The index may have more than the truth (of what
/// was erased, or became another's), never less: each session's own header decides.
class OwnerList {
 public:
  OwnerList(Routing& routing, Commands& commands, std::string_view owner, const Call& call)
      : routing_(routing), commands_(commands), owner_(owner), call_(call) {}

  /// In the order of keys.
  [[nodiscard]] OwnerPage page(std::string_view from, std::size_t limit);

 private:
  /// As many buckets as are asked at once, and how many entries of each; 0: all.
  struct Reach {
    std::size_t buckets, entries;
  };
  /// Those after `after` of the next buckets, in order: of whole ones, until there are `enough`.
  std::vector<SessionKey> read_on(const std::optional<SessionKey>& after, Reach reach,
                                  std::size_t enough);
  /// Looks at the sessions themselves, until the page is full; whether it has seen all.
  bool add_sessions(std::span<const SessionKey> keys, std::size_t limit, OwnerPage& page);
  void add_header(const SessionKey& key, Reply& reply, OwnerPage& page) const;

  Routing& routing_;
  Commands& commands_;
  std::string_view owner_;
  const Call& call_;
  std::size_t bucket_ = 0;  ///< the next one to read
};

}  // namespace flame::inline v0::session::redis
