// An event that finds no memory is lost, and counted; whoever caused it goes on.
#include "session/jobs/events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <flame/session/test_support/fake_clock.hpp>

#include "failing.hpp"

namespace flame::session {
namespace {

using test::Failing, test_support::FakeClock;

TEST(Events, WithoutMemoryAreCountedAndTheCountTold) {
  FakeClock clock;
  for (long lost = 0;; ++lost) {
    std::vector<std::string> told;
    Events events(
        [&](const Event& e) { told.push_back(std::string(e.name) + ": " + std::string(e.text)); },
        clock);
    const std::string text(100, 'x');
    bool failed = false;
    {
      const Failing failing(lost);
      events.emit(event::created, nullptr, text);
      failed = failing.failed();
    }
    events.emit(event::expired, nullptr, text);
    events.wait();
    ASSERT_EQ(told.size(), 2U);
    if (!failed) {
      EXPECT_GT(lost, 3) << "each allocation was one of those that failed";
      EXPECT_EQ(told, (std::vector<std::string>{"created: " + text, "expired: " + text}));
      return;
    }
    std::ranges::sort(told);
    EXPECT_EQ(told[0].find("events_lost: 1 events were not told"), 0U) << told[0];
    EXPECT_EQ(told[1], "expired: " + text);
  }
}

}  // namespace
}  // namespace flame::session
