// What a commit through the gate allocates beyond one at a store that never blocks: nothing.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/inline_executor.hpp>
#include <flame/session/test_support/stepped_store.hpp>

#include "failing.hpp"

namespace flame::session {
namespace {

using test::allocations, test_support::FakeClock, test_support::SteppedStore;

class Visitors {
  template <class Op>
  auto run(Op& operation) {
    operation.done = [](Operation&) noexcept {};
    operation.executor = test_support::inline_executor();
    if (!manager_->start(operation)) stepped_->step_all();
    manager_->wait_for_events();  // so that each is the only one that waits: their memory is kept
    return std::move(*operation.result);
  }

 public:
  explicit Visitors(bool gate) {
    auto memory = memory::store();
    if (gate) stepped_ = SteppedStore::make(memory, clock_);
    options_.store = gate ? StorePtr(stepped_) : memory;
    options_.on_event = [](const Event&) {};
    options_.max_created_per_second = 0;  // its clock stands still
    manager_.emplace(options_, Environment{.clock = &clock_});
    EXPECT_TRUE(manager_->open());
  }

  std::string begin() {
    auto session = load({});
    session.set("n", 1);
    const auto answer = commit(session);
    for (const auto& [name, value] : answer->fields)
      if (name == "Set-Cookie") return value.substr(0, value.find(';'));
    return {};
  }
  Session load(const std::string& cookie) {
    LoadOperation operation;
    const std::string_view line = cookie;
    if (!cookie.empty()) operation.request.cookie_lines = {&line, 1};
    return std::move(*run(operation));
  }
  Result<ResponseFields> commit(Session& session) {
    CommitOperation operation;
    operation.session = &session;
    return run(operation);
  }
  /// A commit of which nothing is sent, at each of its tries.
  void commit_in_vain(Session& session) {
    CommitOperation operation;
    operation.session = &session;
    operation.done = [](Operation&) noexcept {};
    operation.executor = test_support::inline_executor();
    EXPECT_FALSE(manager_->start(operation));
    while (stepped_->pending() > 0) stepped_->fail(0);
    manager_->wait_for_events();
    EXPECT_FALSE(*operation.result);
  }
  /// How many allocations a commit makes, once others like it were there.
  long allocations_of_a_commit() {
    const auto cookie = begin();
    long made = 0;
    for (int i = 0; i < 3; ++i) {
      auto session = load(cookie);
      session.set("n", i);
      const auto before = allocations().made;
      EXPECT_TRUE(commit(session));
      made = allocations().made - before;
    }
    return made;
  }

 private:
  FakeClock clock_{};
  Options options_{};
  std::shared_ptr<SteppedStore> stepped_{};
  std::optional<Manager> manager_{};
};

TEST(Allocations, ACommitThroughTheGateMakesNoMoreThanADirectOne) {
  constexpr long of_the_stepped_store = 1;  // it keeps a copy of what is written
  EXPECT_EQ(Visitors(true).allocations_of_a_commit(),
            Visitors(false).allocations_of_a_commit() + of_the_stepped_store);
}

long live() noexcept { return allocations().made - allocations().freed; }

TEST(Allocations, NothingStaysOfAWriteThatFailed) {
  Visitors visitors(true);
  const auto cookie = visitors.begin();
  const auto in_vain = [&] {
    auto session = visitors.load(cookie);
    session.set("n", std::string(1000, 'x'));
    visitors.commit_in_vain(session);
  };
  auto first = visitors.load(cookie);
  first.set("n", 2);
  EXPECT_TRUE(visitors.commit(first));    // its place in the gate is kept from here on
  for (int i = 0; i < 2; ++i) in_vain();  // so are those of its events
  const auto before = live();
  in_vain();
  EXPECT_EQ(live(), before);
}

TEST(Allocations, NothingStaysOfSessionsThatWereWrittenAndEnded) {
  Visitors visitors(true);
  const auto a_session = [&] {
    const auto cookie = visitors.begin();
    auto changing = visitors.load(cookie);
    changing.set("n", std::string(1000, 'x'));
    EXPECT_TRUE(visitors.commit(changing));
    auto ending = visitors.load(cookie);
    ending.destroy();
    EXPECT_TRUE(visitors.commit(ending));
  };
  for (int i = 0; i < 500; ++i) a_session();  // each place in the gate was used
  const auto before = live();
  for (int i = 0; i < 500; ++i) a_session();
  EXPECT_EQ(live(), before);
}

}  // namespace
}  // namespace flame::session
