// Each allocation of a load and of a commit fails once, on a store that never blocks and through
// the gate: one request ends with an error, the record is the old one or the new one, and all that
// follow work (R16, F20).
#include <gtest/gtest.h>

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

using test::Failing, test_support::FakeClock, test_support::SteppedStore;

class Requests {
  template <class Op>
  auto run(Op& operation) {
    int answers = 0;
    operation.context = &answers;
    operation.executor = test_support::inline_executor();
    operation.done = [](Operation& self) noexcept { ++*static_cast<int*>(self.context); };
    if (manager_->start(operation)) ++answers;
    if (stepped_) stepped_->step_all();
    EXPECT_EQ(answers, 1) << "each operation is answered, and once";
    return std::move(*operation.result);
  }

 public:
  explicit Requests(bool gate) {
    Options options;
    auto memory = memory::store();
    if (gate)
      options.store = stepped_ = SteppedStore::make(std::move(memory), clock_);
    else
      options.store = std::move(memory);
    options.on_event = [](const Event&) {};
    manager_.emplace(std::move(options), Environment{.clock = &clock_});
    EXPECT_TRUE(manager_->open());
    auto first = load();
    first->set("text", std::string(100, 'a'));
    first->set_flash(std::string(100, 'f'));
    const auto fields = commit(*first);
    for (const auto& [name, value] : fields->fields)
      if (name == "Set-Cookie") cookie_ = value.substr(0, value.find(';'));
  }

  Result<Session> load(Need need = Need::read) {
    LoadOperation operation;
    const std::string_view line = cookie_;
    if (!cookie_.empty()) operation.request.cookie_lines = {&line, 1};
    operation.need = need;
    operation.request.method = "GET";
    return run(operation);
  }
  Result<ResponseFields> commit(Session& session) {
    CommitOperation operation;
    operation.session = &session;
    return run(operation);
  }
  void forget_cookie() { cookie_.clear(); }
  std::size_t owned_by(const std::string& owner) {
    ListOperation operation;
    operation.owner = owner;
    return run(operation).value().size();
  }
  std::string text() {
    auto session = load();
    return session ? session->get_or("text", std::string("none")) : session.error().text;
  }
  void stop() { manager_->stop(); }

 private:
  FakeClock clock_{};
  std::shared_ptr<SteppedStore> stepped_{};
  std::optional<Manager> manager_{};
  std::string cookie_{};
};

class OutOfMemory : public testing::TestWithParam<bool> {};

TEST_P(OutOfMemory, ALoadFailsAlone) {
  bool failed = true;
  for (long n = 0; failed; ++n) {
    Requests requests(GetParam());
    {
      const Failing failing(n);
      const auto session = requests.load(Need::flash);
      failed = failing.failed();
      if (!session) {
        EXPECT_TRUE(session.error().code == Errc::out_of_memory ||
                    session.error().code == Errc::overloaded ||
                    session.error().code == Errc::store_unavailable);
      }
    }
    EXPECT_EQ(requests.text(), std::string(100, 'a')) << "allocation " << n;
    requests.stop();
  }
}

TEST_P(OutOfMemory, ACommitIsWholeOrNot) {
  bool failed = true;
  for (long n = 0; failed; ++n) {
    Requests requests(GetParam());
    auto session = requests.load();
    session->set("text", std::string(100, 'b'));
    session->update("more", std::string(), [](const std::string&) { return std::string(50, 'm'); });
    bool saved = false;
    {
      const Failing failing(n);
      saved = requests.commit(*session).has_value();
      failed = failing.failed();
    }
    const auto text = requests.text();
    EXPECT_TRUE(text == std::string(100, 'b') || (!saved && text == std::string(100, 'a')))
        << "allocation " << n << " left: " << text;
    auto again = requests.load();
    ASSERT_TRUE(again);
    again->set("text", std::string("c"));
    EXPECT_TRUE(requests.commit(*again)) << "allocation " << n;
    EXPECT_EQ(requests.text(), "c");
    requests.stop();
  }
}

TEST_P(OutOfMemory, ADestroyIsWholeOrNot) {
  bool failed = true;
  for (long n = 0; failed; ++n) {
    Requests requests(GetParam());
    auto session = requests.load();
    session->destroy();
    bool ended = false;
    {
      const Failing failing(n);
      ended = requests.commit(*session).has_value();
      failed = failing.failed();
    }
    const auto text = requests.text();
    EXPECT_TRUE(text == "none" || (!ended && text == std::string(100, 'a'))) << "allocation " << n;
    requests.stop();
  }
}

TEST_P(OutOfMemory, ALoginThatFailedIsInNoList) {
  for (const bool renews : {false, true}) {
    bool failed = true;
    for (long n = 0; failed; ++n) {
      Requests requests(GetParam());
      if (!renews) requests.forget_cookie();
      auto session = requests.load();
      session->set_owner("ada");
      bool saved = false;
      {
        const Failing failing(n);
        saved = requests.commit(*session).has_value();
        failed = failing.failed();
      }
      EXPECT_EQ(requests.owned_by("ada"), saved ? 1U : 0U) << renews << ": allocation " << n;
      requests.stop();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Directly, OutOfMemory, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(ThroughTheGate, OutOfMemory, testing::Values(true));

}  // namespace
}  // namespace flame::session
