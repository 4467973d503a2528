#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <flame/session/manager.hpp>

#include "plan/plan.hpp"

namespace flame::inline v0::session {

struct Core;

/// What a Session carries from its load to its commit, which shares it: a handler may still read
/// it then.
struct Session::Impl {
  const Core* loaded_by = nullptr;  ///< null: by no Manager
  Presence presence = Presence::absent;
  bool cookie_at_risk = false;  ///< a Secure cookie would go out over plain http from another host
  std::size_t max_bytes = Options{}.max_bytes;
  std::chrono::seconds longest_login = Options{}.longest_login;
  std::uint64_t address = 0;  ///< of the client, as CreationLimit knows it
  Verifier presented{};
  Base base{};  ///< live: the record as loaded
  Changes changes{};
  std::optional<std::string> flash{};  ///< claimed for this request

  /// The value of a key as the first `end` changes leave it. What updates make of it is kept.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key,
                                                     std::size_t end) const noexcept;
};

/// The library's way in.
struct SessionAccess {
  using Impl = Session::Impl;
  using State = Session::State;
  static Session make(std::shared_ptr<Impl> impl) noexcept {
    Session session;
    session.impl_ = std::move(impl);
    return session;
  }
  /// Null where nothing was ever loaded or changed.
  static const Impl* look(const Session& session) noexcept { return session.impl_.get(); }
  static State state(const Session& session) noexcept { return session.state_; }
  /// About how much memory it takes.
  static std::size_t bytes(const Session& session) noexcept {
    const Impl* const impl = session.impl_.get();
    return impl ? impl->base.record.blob.size() + impl->changes.bytes() : 0;
  }
  /// For its commit. Null where nothing was ever loaded or changed.
  static std::shared_ptr<Impl> commit(Session& session) noexcept {
    session.state_ = State::committed;
    return session.impl_;
  }
};
using SessionState = SessionAccess::Impl;

}  // namespace flame::inline v0::session
