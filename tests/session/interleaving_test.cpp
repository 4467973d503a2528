#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "interleaving_world.hpp"

// Three requests in flight on one session, in every order there is where that is feasible, else in
// orders by seed. FLAME_SEED=n replays one seed, FLAME_SEEDS=n runs so many. Of all threes of
// requests a build with a sanitizer, which is slow, runs every fifth, unless FLAME_EVERY=1 says
// all.

namespace flame::session_tests {
namespace {

using session::test_support::AllChoices;
using session::test_support::Choices;

const std::vector<unsigned> kinds{nothing,
                                  set_own,
                                  update_n,
                                  regenerate,
                                  destroy,
                                  login,
                                  put_flash,
                                  take_flash,
                                  take_flash | fails,
                                  erase_last,
                                  take_flash | unlooked,
                                  destroy | put_flash};

/// What random scenarios do beside.
const std::vector<unsigned> more_kinds{end_all,           end_all | everyone, two_ids,
                                       two_ids | destroy, two_ids | set_own,  two_ids | take_flash,
                                       login | end_all};

/// Every schedule of a scenario. False after a failure.
bool run_all(const Scenario& scenario) {
  AllChoices all;
  while (all.next()) {
    const auto problem = run(scenario, all.choices());
    if (!problem) continue;
    ADD_FAILURE() << *problem << all.choices().describe();
    return false;
  }
  return true;
}

/// Calls f with every multiset of `count` kinds: requests that do the same may change places.
template <class F>
void each_combination(std::size_t count, F f) {
  std::vector<std::size_t> at(count, 0);
  for (;;) {
    std::vector<unsigned> requests;
    for (const std::size_t i : at) requests.push_back(kinds[i]);
    if (!f(requests)) return;
    std::size_t i = count;
    while (i > 0 && at[i - 1] + 1 == kinds.size()) --i;
    if (i == 0) return;
    const std::size_t next = at[i - 1] + 1;
    for (std::size_t j = i - 1; j < count; ++j) at[j] = next;
  }
}

std::size_t every() {
  if (const char* const n = std::getenv("FLAME_EVERY")) return std::strtoul(n, nullptr, 10);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 5;
#else
  return 1;
#endif
}

void run_all_combinations(std::size_t count, Scenario scenario) {
  std::size_t met = 0;
  each_combination(count, [&](const std::vector<unsigned>& requests) {
    if (count > 2 && met++ % every() != 0) return true;
    scenario.requests = requests;
    return run_all(scenario);
  });
}

TEST(Interleaving, AllTriplesOnMemory) {
  Scenario scenario;
  scenario.gated_managers = 0;
  run_all_combinations(3, scenario);
  scenario.touch_due = true;
  run_all_combinations(3, scenario);
}

TEST(Interleaving, AllTriplesWithNewerIdsOnMemory) {
  Scenario scenario;
  scenario.gated_managers = 0;
  scenario.newer_ids = true;
  run_all_combinations(3, scenario);
}

TEST(Interleaving, AllPairsThroughTheGate) {
  Scenario scenario;
  run_all_combinations(2, scenario);
  scenario.touch_due = true;
  run_all_combinations(2, scenario);
}

TEST(Interleaving, AllTriplesThroughTheGate) {
  Scenario scenario;
  scenario.reads_at_once = true;
  run_all_combinations(3, scenario);
}

TEST(Interleaving, LoginsAtTheLimitAndEndingsOfAllThroughTheGate) {
  for (const bool refuses : {false, true}) {
    Scenario scenario;
    scenario.reads_at_once = true;
    scenario.limit = {1, refuses};
    for (const unsigned other :
         std::initializer_list<unsigned>{login, destroy, set_own, host_ends, login | take_flash}) {
      scenario.requests = {login, other};
      run_all(scenario);
    }
  }
  Scenario scenario;
  scenario.newer_ids = true;
  scenario.reads_at_once = true;
  scenario.requests = {host_ends, login, login};
  run_all(scenario);
}

TEST(Interleaving, EndingsOfEveryonesThroughTheGate) {
  for (const unsigned other :
       std::initializer_list<unsigned>{login, destroy, set_own, take_flash, end_all | everyone}) {
    Scenario scenario;
    scenario.reads_at_once = true;
    scenario.requests = {host_ends | everyone, other};
    run_all(scenario);
    scenario.faults = 1;
    run_all(scenario);
  }
  Scenario scenario;
  scenario.newer_ids = true;
  scenario.reads_at_once = true;
  scenario.requests = {host_ends | everyone, login, set_own};
  run_all(scenario);
}

TEST(Interleaving, AllPairsThroughTheGateWithAFault) {
  Scenario scenario;
  scenario.reads_at_once = true;
  scenario.faults = 1;
  run_all_combinations(2, scenario);
}

/// Where everyone's end may come between what is one moment to the model: a message that outlives
/// its session is an erase and a create, and a login that begins a session, and counts it, may have
/// begun more whose replies were lost.
void keep_everyone_out_of_moments(Scenario& scenario) {
  constexpr unsigned farewell = destroy | put_flash;
  const bool has_one = std::ranges::any_of(
      scenario.requests, [](unsigned actions) { return (actions & farewell) == farewell; });
  if (!has_one && scenario.limit.sessions == 0) return;
  for (unsigned& actions : scenario.requests) actions &= ~static_cast<unsigned>(everyone);
}

/// A scenario of the seed's own making.
Scenario random_scenario(Choices& choices, bool faults) {
  Scenario scenario;
  const std::size_t requests = 2 + choices.pick(3);
  for (std::size_t i = 0; i < requests; ++i) {
    unsigned actions = kinds[choices.pick(kinds.size())];
    if (choices.once_in(3)) actions |= kinds[choices.pick(kinds.size())];
    if (choices.once_in(4)) actions |= more_kinds[choices.pick(more_kinds.size())];
    if (choices.once_in(10)) actions = static_cast<unsigned>(choices.pick(host_ends));
    if (choices.once_in(12)) actions = host_ends | (choices.once_in(2) ? everyone : 0U);
    scenario.requests.push_back(actions);
  }
  scenario.gated_managers = 1 + (choices.once_in(3) ? 1 : 0);
  scenario.flash_at_start = !choices.once_in(4);
  scenario.touch_due = choices.once_in(4);
  scenario.newer_ids = choices.once_in(2);
  if (choices.once_in(3)) scenario.limit = {1 + choices.pick(2), choices.once_in(2)};
  for (unsigned& actions : scenario.requests)
    if (scenario.limit.sessions > 0 && choices.once_in(2) && !(actions & host_ends))
      actions |= login;
  keep_everyone_out_of_moments(scenario);
  if (!faults) return scenario;
  scenario.faults = choices.pick(5);
  scenario.advances = choices.pick(4);
  return scenario;
}

void run_seed(std::uint64_t seed) {
  Choices choices(seed);
  const bool faults = seed % 2 == 1;
  const auto scenario = random_scenario(choices, faults);
  const auto problem = run(scenario, choices);
  if (problem) ADD_FAILURE() << *problem << choices.describe();
}

TEST(Interleaving, RandomRequestsOrdersAndFaultsBySeed) {
  using session::test_support::seed_to_replay;
  using session::test_support::seeds_to_run;
  if (const auto seed = seed_to_replay()) return run_seed(*seed);
  for (std::uint64_t seed = 0; seed < seeds_to_run(100'000) && !HasFailure(); ++seed)
    run_seed(seed);
}

}  // namespace
}  // namespace flame::session_tests
