#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <flame/session/manager.hpp>

#include "plan/plan.hpp"

namespace flame::inline v0::session {

/// What a Session carries from its load to its commit.
struct Session::Impl {
  bool loaded = false;  ///< by a Manager: it may be committed once
  Presence presence = Presence::absent;
  bool cookie_at_risk = false;  ///< a Secure cookie would go out over plain http from another host
  std::size_t max_bytes = Options{}.max_bytes;
  std::uint64_t address = 0;  ///< of the client, as CreationLimit knows it
  Verifier presented{};
  Base base{};  ///< live: the record as loaded
  Changes changes{};
  std::optional<std::string> flash{};  ///< claimed for this request
};

/// The library's way in.
struct SessionAccess {
  using Impl = Session::Impl;
  static Session make(std::unique_ptr<Impl> impl) noexcept {
    Session session;
    session.impl_ = std::move(impl);
    return session;
  }
  /// About how much memory it takes.
  static std::size_t bytes(const Session& session) noexcept {
    const Impl* const impl = session.impl_.get();
    return impl ? impl->base.record.blob.size() + impl->changes.bytes() : 0;
  }
  /// Leaves the Session empty. Null where nothing was ever loaded or changed.
  static std::unique_ptr<Impl> take(Session& session) noexcept {
    if (session.impl_ && session.impl_->loaded) session.spent_ = true;
    return std::move(session.impl_);
  }
  /// Whether what it has by now is no part of the session that was loaded.
  static bool is_spent(const Session& session) noexcept { return session.spent_; }
};
using SessionState = SessionAccess::Impl;

}  // namespace flame::inline v0::session
