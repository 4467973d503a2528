// The first operation at a store that blocks starts the threads that serve it: where there is no
// memory for them it ends with an error, and the next one starts them.
#include <gtest/gtest.h>

#include <flame/session/manager.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/inline_executor.hpp>

#include "failing.hpp"

namespace flame::session {
namespace {

using test::Failing;

class Blocking final : public Store {
 public:
  std::unique_ptr<StoreConnection> make_connection() override { return inner_->make_connection(); }
  [[nodiscard]] StoreTraits traits() const noexcept override { return {}; }

 private:
  const StorePtr inner_ = memory::store();
};

TEST(Threads, WithoutMemoryAreStartedByTheNextOperation) {
  for (long n = 0;; ++n) {
    Options options;
    options.store = std::make_shared<Blocking>();
    options.on_event = [](const Event&) {};
    Manager manager(std::move(options));
    ASSERT_TRUE(manager.open());
    bool failed = false;
    {
      const Failing failing(n);
      try {
        auto session = manager.load({}, Need::write);
        if (session) session->set("n", 1);
        if (session) static_cast<void>(manager.commit(*session));
      } catch (const std::bad_alloc&) {  // set(), or a string on the way
      }
      failed = failing.failed();
    }
    auto session = manager.load({}, Need::write);
    ASSERT_TRUE(session);
    session->set("n", 1);
    EXPECT_TRUE(manager.commit(*session)) << "after allocation " << n << " failed";
    if (!failed) {
      EXPECT_GT(n, 20) << "the threads were started beside it";
      return;
    }
  }
}

}  // namespace
}  // namespace flame::session
