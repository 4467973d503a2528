#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <flame/session/manager.hpp>

#include "plan/plan.hpp"
#include "runner/fork.hpp"

namespace flame::inline v0::session {

struct Core;

/// Where a claimed message goes whose Session was dropped without a commit; the Manager's, and
/// outlives it. Any thread.
class FlashHome {
 public:
  using Message = std::shared_ptr<const detail::FlashMessage>;
  using GiveBack = std::function<void(const SessionKey&, const Message&)>;
  /// Null from when the Manager is gone: nobody is there to be told.
  void set(GiveBack give_back) {
    const std::scoped_lock lock(mutex_);
    give_back_ = std::move(give_back);
  }
  /// give_back must not throw.
  void take(const SessionKey& key, const Message& message) noexcept {
    const std::scoped_lock lock(mutex_);
    if (give_back_) give_back_(key, message);
  }

 private:
  ForkMutex mutex_{};
  GiveBack give_back_{};
};

/// What a Session carries from its load to its commit, which shares it: a handler may still read
/// it then.
struct Session::Impl {
  const Core* loaded_by = nullptr;  ///< null: by no Manager
  Presence presence = Presence::absent;
  bool secure = false;                    ///< the request came over TLS
  std::atomic<bool> is_committed{false};  ///< and so the commit is to care for the flash message
  Peer peer{};
  std::size_t max_bytes = Options{}.max_bytes;
  /// By no Manager: what any could allow.
  std::chrono::milliseconds longest_login = Options{}.longest_login;
  std::chrono::milliseconds absolute_timeout = std::chrono::milliseconds::max();
  RandomSource* random = Environment{}.random;
  Verifier presented{};
  Base base;  ///< live: the record as loaded
  Changes changes;
  FlashHome::Message flash{};  ///< claimed for this request
  std::shared_ptr<FlashHome> flash_home{};
  /// Two live sessions whose IDs one request brought: none is opened, and destroy ends both.
  struct Ended {
    SessionKey key{};
    std::string owner{};
  };
  std::vector<Ended> ends{};

  Impl() {}  // not defaulted: make_shared would zero all of it first
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (flash && flash_home && !is_committed) flash_home->take(base.record.key, flash);
  }

  /// What counts of it for reads; null: nothing, it is another owner's now.
  [[nodiscard]] const Document* loaded() const noexcept;
  void set_owner(std::string_view owner, std::unique_ptr<const Login> login);
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
    if (session.impl_) session.impl_->is_committed = true;
    return session.impl_;
  }
  static Flash view(FlashHome::Message message) noexcept { return Flash(std::move(message)); }
};
using SessionState = SessionAccess::Impl;

}  // namespace flame::inline v0::session
