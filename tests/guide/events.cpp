/// docs/guide/events.md.
#include <gtest/gtest.h>

#include <iostream>
#include <mutex>
#include <sstream>
#include <string>

#include <flame/flame.hpp>
#include <flame/session/manager.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

namespace session = flame::session;

namespace {

//! [on_event]
void log_event(const session::Event& event) {
  std::clog << "session " << event.name;
  if (event.key) std::clog << " " << session::to_string(*event.key);  // no secret
  std::clog << ": " << event.text << "\n";
}

session::Options options() { return {.on_event = log_event}; }
//! [on_event]

TEST(GuideEvents, AreLogged) {
  std::ostringstream log;
  auto* const before = std::clog.rdbuf(log.rdbuf());
  {
    session::Manager manager(options());
    ASSERT_TRUE(manager.open());
    auto s = manager.load({}, session::Need::write).value();
    s.set("n", 1);
    EXPECT_TRUE(manager.commit(s));
    manager.wait_for_events();
  }
  std::clog.rdbuf(before);
  EXPECT_TRUE(log.str().starts_with("session created ")) << log.str();
}

TEST(GuideEvents, AreCounted) {
  flame::Flame f;
  f.use(session::sessioner());
  //! [metrics]
  f.get("/metrics", session::metrics);  // not for visitors: it says how busy you are
  //! [metrics]
  flame::TestClient client(f);
  const auto text = client.get("/metrics").body();
  for (const auto name : session::event::all)
    EXPECT_NE(text.find("\"" + std::string(name) + "\""), std::string::npos) << name;
}

}  // namespace
