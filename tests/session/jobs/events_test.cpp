#include "session/jobs/events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/test_support/fake_clock.hpp>

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using test_support::FakeClock;

/// What is written to stderr meanwhile.
template <class Act>
std::string printed(Events& events, Act act) {
  testing::internal::CaptureStderr();
  act();
  events.wait();
  return testing::internal::GetCapturedStderr();
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(EventLines, NameKeyAndTextOnOneLine) {
  FakeClock clock;
  Events events(nullptr, clock);
  const SessionKey key{};
  EXPECT_EQ(printed(events, [&] { events.emit(event::created, &key, "a new session"); }),
            "flame-session: created AAAAAAAAAAAAAAAA: a new session\n");
  EXPECT_EQ(printed(events, [&] { events.emit(event::store_down, nullptr, "no route"); }),
            "flame-session: store_down: no route\n");
}

TEST(EventLines, NoneIsForged) {
  FakeClock clock;
  Events events(nullptr, clock);
  const auto text = printed(events, [&] {
    events.emit(event::store_down, nullptr, "a\nflame-session: created: b\r\x1b[2J\x7f");
  });
  EXPECT_EQ(text, "flame-session: store_down: a?flame-session: created: b??[2J?\n");
}

TEST(EventLines, AreBoundedPerNameAndSecondAndCounted) {
  FakeClock clock;
  Events events(nullptr, clock);
  const auto flood = [&] {
    for (int i = 0; i < 1000; ++i) events.emit(event::id_rejected, nullptr, "x");
  };
  EXPECT_EQ(lines_of(printed(events, flood)), max_event_lines);
  EXPECT_EQ(lines_of(printed(events, [&] { events.emit(event::created, nullptr, "x"); })), 1U)
      << "each name has lines of its own";
  clock.advance(999ms);
  EXPECT_EQ(printed(events, flood), "");
  clock.advance(1ms);
  EXPECT_EQ(printed(events, [&] { events.emit(event::id_rejected, nullptr, "x"); }),
            "flame-session: id_rejected: and 1990 more that were not printed\n"
            "flame-session: id_rejected: x\n");
}

TEST(Events, ChangesOfTheStoreAreToldOnceAlsoByManyThreads) {
  FakeClock clock;
  std::atomic<int> downs{0}, ups{0};
  Events events([&](const Event& e) { ++(e.name == event::store_down ? downs : ups); }, clock);
  const auto by_many = [](auto act) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(act);
  };
  events.store_answered();
  for (int round = 1; round <= 20; ++round) {
    by_many([&] { events.store_down("x"); });
    events.wait();
    EXPECT_EQ(downs, round);
    by_many([&] { events.store_answered(); });
    events.wait();
    EXPECT_EQ(ups, round);
  }
}

TEST(Events, AStoreThatIsDownHasAFewReasonsEachToldOnce) {
  FakeClock clock;
  std::vector<std::string> told;
  Events events([&](const Event& e) { told.emplace_back(e.text); }, clock);
  const auto fail = [&](const std::vector<std::string>& reasons) {
    told.clear();
    for (int round = 0; round < 3; ++round)
      for (const auto& reason : reasons) events.store_down(reason);
    events.wait();
    return told;
  };
  using Told = std::vector<std::string>;
  EXPECT_EQ(fail({"lost", "password", "lost"}), (Told{"lost", "password"}));
  EXPECT_EQ(fail({"3", "4", "5", "6"}), (Told{"3", "4"})) << "texts may be without end";
  for (const auto& [name, count] : events.counts().read())
    EXPECT_EQ(count, name == event::store_down ? 1U : 0U) << "it went down once";
  events.store_answered();
  events.wait();
  EXPECT_EQ(fail({"lost"}), Told{"lost"});
}

TEST(Events, ACookieAtRiskIsToldWithWhatIsKnownAndWhatToDo) {
  FakeClock clock;
  Events events(nullptr, clock);
  const auto text = printed(events, [&] { events.cookie_at_risk(); });
  EXPECT_EQ(text.find("flame-session: cookie_at_risk: a session was created"), 0U) << text;
  for (const char* part : {"what this process sees as plain http", "behind a TLS proxy this is as",
                           "serve over https", "cookie.plain_http"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(Events, UnreadableRecordsAreToldOnceEachOfTheLastFew) {
  FakeClock clock;
  int told = 0;
  Events events([&](const Event&) { ++told; }, clock);
  const auto key = [](int n) {
    SessionKey out;
    out.bytes[0] = static_cast<std::byte>(n);
    out.bytes[1] = std::byte{1};
    return out;
  };
  for (int round = 0; round < 3; ++round)
    for (int n = 0; n < 64; ++n) events.unreadable(key(n), "x");
  events.wait();
  EXPECT_EQ(told, 64);
}

}  // namespace
}  // namespace flame::session
