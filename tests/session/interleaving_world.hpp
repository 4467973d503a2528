#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <flame/session/test_support/schedule.hpp>

#include "interleaving_model.hpp"

namespace flame::session_tests {

/// What is run: requests by what their handlers do, on one session, in an order that Choices
/// decide.
struct Scenario {
  std::vector<unsigned> requests{};
  std::size_t gated_managers =
      1;  ///< each with its own stepped store on the same memory; 0: memory alone
  bool flash_at_start = true;
  bool touch_due = false;
  bool reads_at_once = false;
  bool newer_ids = false;  ///< a request may come with any ID that was handed out by then
  Limit limit{};
  std::size_t faults = 0;
  std::size_t advances = 0;
};

[[nodiscard]] std::string describe(const Scenario& scenario);

/// Runs it, lets all late statements come or never come, and asks the model whether all that was
/// seen can be explained. Empty where it can; else what is wrong, and the steps taken.
[[nodiscard]] std::optional<std::string> run(const Scenario& scenario,
                                             session::test_support::Choices& choices);

}  // namespace flame::session_tests
