#include "copier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/forwarding.hpp>
#include <flame/session/writes_of.hpp>

namespace flame::session::command {
namespace {

using namespace std::chrono_literals;

/// A memory store that a test can look into between two batches.
class Watched final : public Store {
 public:
  /// Before a batch, with its verb.
  std::function<void(Verb)> on_run{[](Verb) {}};

  std::unique_ptr<StoreConnection> make_connection() override {
    return std::make_unique<Connection>(*this, inner_->make_connection());
  }
  [[nodiscard]] StoreTraits traits() const noexcept override { return inner_->traits(); }

 private:
  class Connection final : public test_support::Forwarding {
   public:
    Connection(Watched& watched, std::unique_ptr<StoreConnection> inner)
        : Forwarding(std::move(inner)), watched_(watched) {}
    void run(std::span<StoreOp> batch, const Call& call) override {
      watched_.on_run(batch.front().verb);
      inner().run(batch, call);
    }

   private:
    Watched& watched_;
  };

  StorePtr inner_ = memory::store();
};

/// A service on a store.
class Site {
 public:
  explicit Site(StorePtr store)
      : manager_({.store = std::move(store),
                  .max_created_per_second = 0,
                  .on_event = [](const Event&) {}}) {
    EXPECT_TRUE(manager_.open());
  }

  /// The cookie of a new session with n = 1.
  std::string begin(const std::string& owner = {}) {
    auto session = load({});
    session.set("n", 1);
    if (!owner.empty()) session.set_owner(owner, {.label = "label of " + owner});
    const auto fields = manager_.commit(session).value().fields;
    const auto cookie =
        std::ranges::find(fields, "Set-Cookie", [](auto& field) { return field.first; })->second;
    return cookie.substr(0, cookie.find(';'));
  }
  void set(const std::string& cookie, int n) {
    auto session = load(cookie);
    session.set("n", n);
    ASSERT_TRUE(manager_.commit(session));
  }
  void end(const std::string& cookie) {
    auto session = load(cookie);
    session.destroy();
    ASSERT_TRUE(manager_.commit(session));
  }
  /// 0: no such session.
  int n(const std::string& cookie) { return load(cookie).get_or("n", 0); }
  SessionKey key(const std::string& cookie) { return *load(cookie).key(); }
  Manager& manager() { return manager_; }

 private:
  Session load(const std::string& cookie) {
    const std::string_view line = cookie;
    RequestView request;
    if (!cookie.empty()) request.cookie_lines = {&line, 1};
    request.secure = true;
    return manager_.load(request, Need::write).value();
  }

  Manager manager_;
};

class CommandCopier : public testing::Test {
 protected:
  Copied copy() {
    Copier copier(from_access, to_access);
    while (copier.step()) continue;
    return copier.copied();
  }
  std::vector<SessionKey> ended() {
    std::vector<SessionKey> all;
    std::string next;
    while (find_ended(from_access, to_access, next, all)) continue;
    return all;
  }
  Record record(Access& access, const SessionKey& key) {
    auto ops = access.load({key});
    EXPECT_EQ(ops.front().outcome, Outcome::done);
    return std::move(ops.front().record);
  }
  void create(Access& access, Record record) {
    std::vector<StoreOp> ops{{Verb::create, std::move(record), {}, {}}};
    access.run(ops);
    EXPECT_EQ(ops.front().outcome, Outcome::done);
  }

  std::shared_ptr<Watched> from_store = std::make_shared<Watched>();
  std::shared_ptr<Watched> to_store = std::make_shared<Watched>();
  Access from_access{from_store}, to_access{to_store};
  Site from{from_store}, to{to_store};
};

TEST_F(CommandCopier, CopiesWhatLives) {
  std::vector<std::string> cookies;
  for (int i = 0; i < 1200; ++i) cookies.push_back(from.begin(i % 2 ? "alice" : ""));
  auto damaged = record(from_access, from.key(cookies[0]));
  damaged.key.bytes.fill(std::byte{1});
  create(from_access, damaged);  // its checksum is of another key
  auto expired = damaged;
  expired.key.bytes.fill(std::byte{2});
  expired.expires_at = from_access.now() - 1s;
  create(from_access, expired);

  EXPECT_FALSE(has_sessions(to_access));
  const auto copied = copy();
  EXPECT_EQ(copied.copied, 1200U);
  EXPECT_EQ(copied.unreadable, 1U);
  EXPECT_EQ(copied.expired, 1U);
  EXPECT_EQ(copied.seen(), 1202U);
  EXPECT_TRUE(has_sessions(to_access));
  for (const auto& each : cookies) EXPECT_EQ(to.n(each), 1);
  EXPECT_EQ(to.manager().list("alice")->size(), 600U);
  EXPECT_EQ(to.manager().list("alice")->front().label, "label of alice");
  const auto key = from.key(cookies[1]);
  const auto source = record(from_access, key), target = record(to_access, key);
  EXPECT_EQ(source.token, target.token);
  EXPECT_EQ(source.created_at, target.created_at);
  EXPECT_EQ(source.expires_at, target.expires_at);
  EXPECT_EQ(source.blob, target.blob);
  EXPECT_EQ(ended(), std::vector<SessionKey>());
}

TEST_F(CommandCopier, WhatHasExpiredIsNoSession) {
  auto expired = record(from_access, from.key(from.begin()));
  expired.expires_at = to_access.now() - 1s;
  create(to_access, expired);
  EXPECT_FALSE(has_sessions(to_access));
}

TEST_F(CommandCopier, ASecondCopyBringsWhatIsNew) {
  const auto same = from.begin(), changed = from.begin(), there = from.begin(), both = from.begin(),
             gone = from.begin();
  EXPECT_EQ(copy().copied, 5U);
  const auto late = from.begin();
  from.set(changed, 2), from.set(both, 2);
  to.set(there, 3), to.set(both, 3);
  from.end(gone);
  const auto begun_there = to.begin();
  const auto copied = copy();
  EXPECT_EQ(copied.already_there, 1U);
  EXPECT_EQ(copied.again, 1U);
  EXPECT_EQ(copied.copied, 1U);
  EXPECT_EQ(copied.left, 2U);
  EXPECT_EQ(to.n(same), 1);
  EXPECT_EQ(to.n(changed), 2);
  EXPECT_EQ(to.n(late), 1);
  EXPECT_EQ(to.n(there), 3);
  EXPECT_EQ(to.n(both), 3);
  auto wanted = std::vector{to.key(gone), to.key(begun_there)};
  auto found = ended();
  std::ranges::sort(wanted), std::ranges::sort(found);
  EXPECT_EQ(found, wanted);
  std::size_t erased = 0;
  erase(to_access, found, erased);
  EXPECT_EQ(erased, 2U);
  EXPECT_EQ(to.n(gone), 0);
}

TEST_F(CommandCopier, OnlyWritesThatTheSourceKnowsAreReplaced) {
  const auto cookie = from.begin();
  EXPECT_EQ(copy().copied, 1U);
  const auto key = from.key(cookie);
  const auto first = record(from_access, key).token;
  for (int n = 2; n < 9; ++n) from.set(cookie, n);
  auto writes = writes_of(record(from_access, key));
  EXPECT_EQ(writes.size(), 8U);
  EXPECT_EQ(writes.back(), first);
  from.set(cookie, 9);  // so many that the first is not known any more
  EXPECT_EQ(copy().again, 1U);
  EXPECT_EQ(to.n(cookie), 9);
  from.set(cookie, 10), to.set(cookie, 11);
  EXPECT_EQ(copy().left, 1U);
  EXPECT_EQ(to.n(cookie), 11) << "it went on from what was copied";
}

TEST_F(CommandCopier, WhatWasWrittenThereForLongIsNotRolledBack) {
  const auto cookie = from.begin();
  EXPECT_EQ(copy().copied, 1U);
  for (int n = 2; n < 12; ++n) to.set(cookie, n);
  auto touched = record(to_access, to.key(cookie));
  touched.last_seen += 1s;
  std::vector<StoreOp> touch{{Verb::touch, touched, {}, {}}};
  to_access.run(touch);
  EXPECT_EQ(copy().left, 1U);
  EXPECT_EQ(to.n(cookie), 11);
}

TEST_F(CommandCopier, WhatDoesNotLiveAtTheSourceIsToldApart) {
  from.begin();
  auto expired = record(from_access, from.key(from.begin()));
  expired.key.bytes.fill(std::byte{2});
  expired.expires_at = from_access.now() - 1s;
  create(from_access, expired);
  const auto copied = copy();
  EXPECT_EQ(copied.seen(), 3U);
  EXPECT_EQ(copied.living(), 2U);
}

TEST_F(CommandCopier, OneThatTheTargetRefusesHoldsUpNoOther) {
  const auto cookies = std::array{from.begin(), from.begin(), from.begin()};
  bool refused_before = false;
  to_store->on_run = [&](Verb verb) {
    if (verb != Verb::create || std::exchange(refused_before, true)) return;
    throw StoreError(StoreError::Kind::refused, "the batch");
  };
  EXPECT_EQ(copy().copied, 3U);
  for (const auto& each : cookies) EXPECT_EQ(to.n(each), 1);
}

TEST_F(CommandCopier, WhatEndsWhileItIsCopiedEndsThere) {
  const auto cookie = from.begin(), other = from.begin();
  const auto key = from.key(cookie);
  to_store->on_run = [&](Verb verb) {
    std::size_t erased = 0;
    if (verb == Verb::create) erase(from_access, std::array{key}, erased);
  };
  const auto copied = copy();
  to_store->on_run = [](Verb) {};
  EXPECT_EQ(copied.ended, 1U);
  EXPECT_EQ(to.n(cookie), 0);
  EXPECT_EQ(to.n(other), 1);
}

TEST_F(CommandCopier, WhatIsWrittenWhileItIsCopiedIsCopiedAgain) {
  const auto cookie = from.begin();
  to_store->on_run = [&](Verb verb) {
    if (verb == Verb::create) from.set(cookie, 2);
  };
  EXPECT_EQ(copy().copied, 1U);
  to_store->on_run = [](Verb) {};
  EXPECT_EQ(to.n(cookie), 2);
}

TEST_F(CommandCopier, MovesTheEndOfWhatIsThere) {
  const auto key = from.key(from.begin());
  EXPECT_EQ(copy().copied, 1U);
  auto touched = record(from_access, key);
  touched.expires_at += 1min;
  std::vector<StoreOp> touch{{Verb::touch, touched, {}, {}}};
  from_access.run(touch);
  EXPECT_EQ(copy().already_there, 1U);
  EXPECT_EQ(record(to_access, key).expires_at, touched.expires_at);
}

TEST_F(CommandCopier, WhatWasNeverWrittenByTheLibraryHasNoWrites) {
  EXPECT_TRUE(writes_of({}).empty());
  EXPECT_TRUE(writes_of({.blob = "nothing of ours"}).empty());
}

}  // namespace
}  // namespace flame::session::command
