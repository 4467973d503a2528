#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/file.hpp>
#include <flame/session/manager.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/seeded_random.hpp>

namespace flame::session::formats {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// A manager on a file store, at a time of its own. IDs travel in a header field.
class Site {
 public:
  Site(const fs::path& root, TimePoint now, std::uint64_t seed)
      : store_(file::store({.root_dir = root})), clock_(now), random_(seed) {
    const auto opened = manager_.open();
    EXPECT_TRUE(opened) << opened.error().text;
  }

  Session load(std::string_view id, Need need = Need::write) {
    return loaded(manager_.load(view(id), need));
  }
  Session load(std::string_view id, Need need, Flash& flash) {
    return loaded(manager_.load(view(id), need, flash));
  }
  /// The ID that the response brings; empty where it brings none.
  std::string commit(Session& session) {
    const auto response = manager_.commit(session);
    EXPECT_TRUE(response) << response.error().text;
    if (!response) return {};
    for (const auto& [name, value] : response->fields)
      if (name == id_header) return value;
    return {};
  }
  /// A whole request; gives the ID that opens the session from then on.
  template <class Edit>
  std::string request(std::string_view id, Edit edit) {
    auto session = load(id);
    EXPECT_EQ(session.exists(), !id.empty());
    edit(session);
    const auto next = commit(session);
    return next.empty() ? std::string(id) : next;
  }

  void advance(std::chrono::milliseconds by) { clock_.advance(by); }
  [[nodiscard]] TimePoint now() const { return clock_.wall(); }
  /// How many events had this name, and these words in their text.
  [[nodiscard]] std::size_t told(std::string_view name, std::string_view words = {}) {
    manager_.wait_for_events();
    std::size_t count = 0;
    for (const auto& [its, text] : events_) count += its == name && text.find(words) != text.npos;
    return count;
  }

 private:
  static RequestView view(const std::string_view& id) {
    return {.id_headers = {&id, 1}, .secure = true, .method = "GET"};
  }
  static Session loaded(Result<Session> session) {
    if (session) return std::move(*session);
    ADD_FAILURE() << session.error().text;
    return {};
  }

  static constexpr const char* id_header = "Session-Id";

  Options options() {
    Options options;
    options.store = store_;
    options.id_header = id_header;
    options.application = "formats";
    options.on_event = [this](const Event& event) { events_.emplace_back(event.name, event.text); };
    return options;
  }

  StorePtr store_;
  test_support::FakeClock clock_;
  test_support::SeededRandom random_;
  std::vector<std::pair<std::string, std::string>> events_{};  // by the manager's thread of events
  Manager manager_{options(), {&clock_, &random_}};
};

}  // namespace flame::session::formats
