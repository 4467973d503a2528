#pragma once

#include <memory>

#include "manager_fixture.hpp"
#include "runner_support.hpp"

namespace flame::session::tests {

/// A manager on a store that blocks where a test says so.
class BlockingManagerTest : public ManagerTest {
 protected:
  BlockingManagerTest() {
    options.store = blocking;
    options.deadline = 100ms;
  }
  ~BlockingManagerTest() override {
    blocking->release_all();  // also where a test failed half way
    restart();
  }

  std::shared_ptr<BlockingStore> blocking = std::make_shared<BlockingStore>(store);
};

}  // namespace flame::session::tests
