#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/faulty_store.hpp>
#include <flame/session/test_support/seeded_random.hpp>

namespace flame::session::tests {

using namespace std::chrono_literals;
using test_support::FakeClock, test_support::Fault, test_support::FaultyStore,
    test_support::SeededRandom;

/// One event, as it was told.
struct Told {
  std::string name, key, text;
};

/// The response to a request, as far as sessions matter.
struct Answer {
  Result<ResponseFields> result{};

  [[nodiscard]] std::vector<std::string> all(std::string_view name) const {
    std::vector<std::string> out;
    if (result)
      for (const auto& [field, value] : result->fields)
        if (field == name) out.push_back(value);
    return out;
  }
  /// The cookie as a browser would send it back: empty where none came or it was taken away.
  [[nodiscard]] std::string cookie() const {
    const auto set = all("Set-Cookie");
    if (set.empty()) return {};
    const auto text = set.front().substr(0, set.front().find(';'));
    return text.ends_with('=') ? std::string() : text;
  }
  [[nodiscard]] std::string id() const { return cookie().substr(cookie().find('=') + 1); }
};

/// A manager on a memory store that can fail, with a clock and a random source of the test's.
class ManagerTest : public testing::Test {
 protected:
  ManagerTest() {
    options.store = store;
    options.on_event = [this](const Event& event) {
      const std::scoped_lock lock(told_mutex_);
      told_.push_back({std::string(event.name), event.key ? to_string(*event.key) : "",
                       std::string(event.text)});
    };
  }

  Manager& manager() {
    if (!manager_) {
      manager_ = std::make_unique<Manager>(options, Environment{&clock, &random});
      const auto opened = manager_->open();
      EXPECT_TRUE(opened) << opened.error().text;
      store->reset_counts();
    }
    return *manager_;
  }
  /// From now on another one, by the options as they are now, on the same store.
  void restart() { manager_.reset(); }

  Result<Session> try_load(const std::string& cookie = {}, Need need = Need::write,
                           Flash* flash = nullptr) {
    const std::string_view line = cookie;
    RequestView request;
    if (!cookie.empty()) request.cookie_lines = {&line, 1};
    request.secure = true;
    request.method = "GET";
    request.peer = peer;
    return flash ? manager().load(request, need, *flash) : manager().load(request, need);
  }
  Session load(const std::string& cookie = {}, Need need = Need::write) {
    auto session = try_load(cookie, need);
    if (session) return std::move(*session);
    ADD_FAILURE() << session.error().text;
    return {};
  }
  Session load(const std::string& cookie, Need need, Flash& flash) {
    auto session = try_load(cookie, need, &flash);
    if (session) return std::move(*session);
    ADD_FAILURE() << session.error().text;
    return {};
  }
  Answer commit(Session& session) { return {manager().commit(session)}; }

  /// A whole request: load, edit, commit.
  template <class Edit>
  Answer request(const std::string& cookie, Edit edit) {
    auto session = load(cookie);
    edit(session);
    return commit(session);
  }
  Answer read(const std::string& cookie) {
    return request(cookie, [](Session&) {});
  }
  /// The cookie of a new session with n = 1.
  std::string visitor() {
    const auto answer = request({}, [](Session& s) { s.set("n", 1); });
    EXPECT_EQ(answer.id().size(), 43U);
    return answer.cookie();
  }
  /// The value of n that this cookie opens; -1 where it opens no session.
  int n_of(const std::string& cookie) {
    const auto session = load(cookie, Need::read);
    return session.exists() ? session.get_or("n", 0) : -1;
  }

  /// All events so far.
  std::vector<Told>& told() {
    if (manager_) manager_->wait_for_events();
    return told_;
  }
  [[nodiscard]] std::size_t count(std::string_view name) {
    std::size_t out = 0;
    const auto& all = told();
    const std::scoped_lock lock(told_mutex_);  // others may cause more meanwhile
    for (const auto& each : all) out += each.name == name;
    return out;
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    for (const auto& each : told()) out.push_back(each.name);
    return out;
  }

  /// The record behind a cookie, past the manager; empty blob: none.
  Record stored(const std::string& cookie) {
    StoreOp op;
    op.verb = Verb::load;
    op.record.key = key_of(cookie);
    open_connection(*inner, {})->run({&op, 1}, {now(), {}});
    return op.outcome == Outcome::done ? op.record : Record{};
  }
  void replace_stored(Record record, WriteToken expected) {
    StoreOp op{Verb::replace, std::move(record), expected, {}};
    open_connection(*inner, {})->run({&op, 1}, {now(), {}});
    EXPECT_EQ(op.outcome, Outcome::done);
  }
  static SessionKey key_of(const std::string& cookie) {
    SessionKey key;
    const auto id = cookie.substr(cookie.find('=') + 1, 16);
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < id.size(); ++i) {
      bits = bits << 6 | static_cast<std::uint32_t>(alphabet.find(id[i]));
      if (i % 4 != 3) continue;
      for (std::size_t b = 0; b < 3; ++b)
        key.bytes[i / 4 * 3 + b] = static_cast<std::byte>(bits >> (16 - 8 * b) & 255);
      bits = 0;
    }
    return key;
  }
  TimePoint now() const { return FakeClock::default_wall + passed; }
  void advance(std::chrono::milliseconds by) {
    passed += by;
    clock.advance(by);
  }

  FakeClock clock;
  SeededRandom random;
  StorePtr inner = memory::store();
  std::shared_ptr<FaultyStore> store = std::make_shared<FaultyStore>(inner);
  Options options;
  std::chrono::milliseconds passed{0};
  std::string peer{};  ///< the address that requests come from

 private:
  std::mutex told_mutex_{};
  std::vector<Told> told_{};  // by the manager's thread of events
  std::unique_ptr<Manager> manager_;
};

using Names = std::vector<std::string>;

}  // namespace flame::session::tests
