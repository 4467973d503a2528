#include <set>
#include <sstream>

#include <flame/session/metrics.hpp>

#include "jobs/teller.hpp"
#include "runner/blocking_manager.hpp"
#include "runner/semaphore.hpp"

namespace flame::session {
namespace {

using namespace tests;

class Metrics : public BlockingManagerTest {
 protected:
  std::string text() { return prometheus_text(manager()); }
  bool has(const std::string& line) {
    std::istringstream lines(text());
    for (std::string each; std::getline(lines, each);)
      if (each == line) return true;
    return false;
  }
};

TEST_F(Metrics, CountEventsByName) {
  EXPECT_TRUE(has("flame_session_events_total{event=\"created\"} 0")) << "a series from the start";
  visitor();
  visitor();
  EXPECT_TRUE(has("flame_session_events_total{event=\"created\"} 2"));
  EXPECT_TRUE(has("flame_session_events_total{event=\"destroyed\"} 0"));
}

TEST_F(Metrics, CountWhatWentToTheStoreByLane) {
  const auto cookie = visitor();
  for (int i = 0; i < 3; ++i) n_of(cookie);
  EXPECT_TRUE(has("flame_session_store_operations_total{lane=\"reads\"} 3"));
  EXPECT_TRUE(has("flame_session_store_operations_total{lane=\"writes\"} 1"));
  EXPECT_TRUE(has("flame_session_store_exchanges_total{lane=\"reads\"} 3"));
}

TEST_F(Metrics, SayWhetherTheStoreAnswered) {
  const auto cookie = visitor();
  EXPECT_TRUE(has("flame_session_store_up 1"));
  blocking->down();
  EXPECT_FALSE(try_load(cookie));
  EXPECT_TRUE(has("flame_session_store_up 0"));
  EXPECT_TRUE(has("flame_session_events_total{event=\"store_down\"} 1"));
  blocking->down(false);
  clock.advance(10s);
  while (!try_load(cookie)) clock.advance(1s);
  EXPECT_TRUE(has("flame_session_store_up 1"));
}

TEST_F(Metrics, CountWhatWasLost) {
  Semaphore entered, go;
  bool first = true;
  options.on_event = [&](const Event&) {
    if (std::exchange(first, false)) entered.release(), go.acquire();
  };
  for (std::size_t i = 0; i < max_waiting_events + 3; ++i) {
    visitor();
    if (i == 0) entered.acquire();
  }
  go.release();
  manager().wait_for_events();
  const auto created = std::to_string(max_waiting_events + 3);
  EXPECT_TRUE(has("flame_session_events_total{event=\"created\"} " + created)) << text();
  EXPECT_TRUE(has("flame_session_events_total{event=\"events_lost\"} 2")) << text();
}

/// Text exposition format 0.0.4: each family once, with its help and type before its samples.
TEST_F(Metrics, AreWellFormed) {
  visitor();
  std::istringstream lines(text());
  std::set<std::string> families, samples;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << line;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
      EXPECT_EQ(line.ends_with(" counter"), family.ends_with("_total")) << line;
    } else {
      EXPECT_TRUE(line.starts_with(family)) << line;
      EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
  }
  EXPECT_TRUE(text().ends_with('\n'));
  EXPECT_EQ(families.size(), 12U);
}

TEST_F(Metrics, HoldNoKeyNoIdAndNoOwner) {
  const auto answer = request({}, [](Session& s) { s.set_owner("canary"); });
  for (const auto& secret : {answer.id(), answer.id().substr(0, 16), std::string("canary")})
    EXPECT_EQ(text().find(secret), std::string::npos);
}

}  // namespace
}  // namespace flame::session
