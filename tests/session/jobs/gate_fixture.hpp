#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/inline_executor.hpp>
#include <flame/session/test_support/seeded_random.hpp>
#include <flame/session/test_support/stepped_store.hpp>

namespace flame::session_tests {

using namespace flame::session;
using namespace flame::session::test_support;
using namespace std::chrono_literals;

/// A manager and a store that blocks, stepped by hand.
class GateTest : public testing::Test {
 protected:
  explicit GateTest(std::size_t sessions_per_owner = 0) : sessions_per_owner_(sessions_per_owner) {
    EXPECT_TRUE(manager_.open().has_value());
    auto& created = commit({}, [](Session& session) {
      session.set("begun", true);
      session.set_flash(std::string("hello"));
    });
    store_->step_all();
    id_ = created.new_id();
    EXPECT_EQ(id_.size(), 43u);
  }
  ~GateTest() override { store_->step_all(); }

  /// A load and a commit, of which each is under way until it is answered.
  struct Request {
    std::string cookie{};
    LoadOperation load{};
    CommitOperation commit{};
    Session session{};
    int answers = 0;
    bool answered = false;

    void expect(Operation& operation) {
      operation.context = this;
      operation.executor = inline_executor();
      operation.done = [](Operation& self) noexcept {
        static_cast<Request*>(self.context)->answer();
      };
      answered = false;
    }
    void answer() {
      answered = true;
      ++answers;
    }
    [[nodiscard]] std::string new_id() const {
      for (const auto& [name, value] : commit.result->value().fields)
        if (name == "Set-Cookie")
          return value.substr(value.find('=') + 1, value.find(';') - value.find('=') - 1);
      return "none";
    }
    [[nodiscard]] std::string error() const { return commit.result->error().text; }
  };

  /// Loads at once, and leaves what the store has to do for a claim to the test.
  Request& load(const std::string& id, Need need = Need::write,
                std::chrono::milliseconds deadline = 0ms) {
    auto& request = requests_.emplace_back();
    request.cookie = "__Host-session=" + id;
    const std::string_view line = request.cookie;
    if (!id.empty()) request.load.request.cookie_lines = {&line, 1};
    request.load.request.method = "GET";
    request.load.need = need;
    if (deadline.count() > 0) request.load.deadline = clock_.steady() + deadline;
    request.expect(request.load);
    if (manager_.start(request.load))
      request.answer();
    else
      store_->step(store_->pending() - 1);
    return request;
  }
  void begin_commit(Request& request, const std::function<void(Session&)>& handler,
                    std::chrono::milliseconds deadline = 0ms) {
    request.session = std::move(request.load.result->value());
    handler(request.session);
    request.commit.session = &request.session;
    if (deadline.count() > 0) request.commit.deadline = clock_.steady() + deadline;
    request.expect(request.commit);
    if (manager_.start(request.commit)) request.answer();
  }
  Request& commit(const std::string& id, const std::function<void(Session&)>& handler,
                  std::chrono::milliseconds deadline = 0ms) {
    auto& request = load(id);
    begin_commit(request, handler, deadline);
    return request;
  }
  /// What an ID opens now, by another way.
  Session look(const std::string& id) {
    Manager direct(Options{.store = memory_}, Environment{&clock_, &random_});
    EXPECT_TRUE(direct.open().has_value());
    const std::string cookie = "__Host-session=" + id;
    const std::string_view line = cookie;
    RequestView view;
    view.cookie_lines = {&line, 1};
    view.method = "GET";
    return std::move(*direct.load(view, Need::read));
  }
  std::vector<std::string> pending() const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < store_->pending(); ++i) {
      const auto text = store_->describe(i);
      out.push_back(text.substr(0, text.rfind(' ')));
    }
    return out;
  }
  std::size_t count(std::string_view name) {
    manager_.wait_for_events();
    return static_cast<std::size_t>(std::count(events_.begin(), events_.end(), name));
  }

  using Texts = std::vector<std::string>;
  const std::size_t sessions_per_owner_;
  FakeClock clock_{};
  SeededRandom random_{};
  StorePtr memory_ = memory::store();
  std::shared_ptr<SteppedStore> store_ = SteppedStore::make(memory_, clock_);
  std::vector<std::string> events_{};
  std::list<Request> requests_{};
  Manager manager_{
      Options{.store = store_,
              .deadline = 2s,
              .max_sessions_per_owner = sessions_per_owner_,
              .on_event = [this](const Event& event) { events_.emplace_back(event.name); }},
      Environment{&clock_, &random_}};
  std::string id_{};
};

}  // namespace flame::session_tests
