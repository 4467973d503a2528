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
  /// Those after `from`, in order.
  std::vector<SessionKey> indexed(std::string_view from);
  void add_header(const SessionKey& key, Reply& reply, OwnerPage& page) const;

  Routing& routing_;
  Commands& commands_;
  std::string_view owner_;
  const Call& call_;
};

}  // namespace flame::inline v0::session::redis
