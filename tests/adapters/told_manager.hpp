#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/manager.hpp>

#include "controlled_store.hpp"

namespace demo {

/// A Manager on a store of the test's, and the events that it told.
struct ToldManager {
  std::shared_ptr<ControlledStore> store = std::make_shared<ControlledStore>();
  std::mutex mutex{};
  std::vector<std::string> told{};
  flame::session::Manager manager{
      {.store = store, .on_event = [this](const flame::session::Event& event) {
         const std::scoped_lock lock(mutex);
         told.emplace_back(event.name);
       }}};

  ToldManager() { EXPECT_TRUE(manager.open()); }

  [[nodiscard]] bool was_told(std::string_view name) {
    manager.wait_for_events();
    const std::scoped_lock lock(mutex);
    return std::ranges::find(told, name) != told.end();
  }
};

}  // namespace demo
