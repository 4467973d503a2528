#include "eighth_store.hpp"

#include <flame/session/manager.hpp>
#include <flame/session/test_support/conformance.hpp>

namespace flame::session {
namespace {

//! [conformance]
FLAME_SESSION_STORE_CONFORMANCE(Eighth, eighth::store)
//! [conformance]

// With all that a store that blocks is given: lanes, workers, the gate.
TEST(EighthStore, ServesAManager) {
  Manager manager({.store = eighth::store(), .on_event = [](const Event&) {}});
  ASSERT_TRUE(manager.open());
  auto session = manager.load({}, Need::write);
  ASSERT_TRUE(session);
  session->set_owner("alice");
  ASSERT_TRUE(manager.commit(*session));
  EXPECT_EQ(manager.list("alice")->size(), 1U);
  EXPECT_EQ(manager.end_everyone(), 1U);
  EXPECT_TRUE(manager.list("alice")->empty());
}

}  // namespace
}  // namespace flame::session
