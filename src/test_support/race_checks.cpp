#include <algorithm>
#include <functional>
#include <thread>
#include <utility>

#include "meeting.hpp"
#include "store_checker.hpp"

namespace flame::inline v0::session::test_support {
namespace {

constexpr std::size_t racers = 4;
constexpr std::uint64_t rounds = 100;

// A connection that a thread of its own works with; what it throws is kept for the check.
class Racer {
 public:
  explicit Racer(const StoreChecker& c) : checker_(c), connection_(c.connect()) {}

  Answer apply(Verb verb, Record record, WriteToken expected = {}) noexcept {
    StoreOp op{verb, std::move(record), expected, {}};
    try {
      run_one(*connection_, op, checker_.call(checker_.now()));
    } catch (const std::exception& error) {
      thrown_ = error.what();
    }
    return {op.outcome, std::move(op.record)};
  }
  [[nodiscard]] const std::string& thrown() const noexcept { return thrown_; }

 private:
  const StoreChecker& checker_;
  std::unique_ptr<StoreConnection> connection_;
  std::string thrown_;
};

// Runs `step(racer, index, round)` on all threads at once, round by round, and `settle(round)`
// between.
void race(StoreChecker& c, const std::function<void(Racer&, std::size_t, std::uint64_t)>& step,
          const std::function<void(std::uint64_t)>& settle) {
  std::vector<Racer> all;
  for (std::size_t i = 0; i < racers; ++i) all.emplace_back(c);
  std::uint64_t settled = 0;
  Meeting start(racers);
  Meeting end(racers, [&] { settle(settled++); });
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < racers; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t round = 0; round < rounds; ++round) {
        start.arrive_and_wait();
        step(all[i], i, round);
        end.arrive_and_wait();
      }
    });
  }
  threads.clear();
  for (const auto& racer : all) {
    if (!racer.thrown().empty()) c.fail("a race threw: " + racer.thrown());
  }
}

WriteToken token_of(std::uint64_t round, std::size_t racer) {
  return token(1000 + round * racers + racer);
}

void one_replace_of_a_token_wins(StoreChecker& c) {
  auto newest = c.record(1);
  c.apply(Verb::create, newest);
  std::vector<Record> written(racers);
  std::vector<Answer> answers(racers);
  race(
      c,
      [&](Racer& racer, std::size_t i, std::uint64_t round) {
        written[i] = newest;
        written[i].token = token_of(round, i);
        written[i].blob = "racer " + std::to_string(i);
        answers[i] = racer.apply(Verb::replace, written[i], newest.token);
      },
      [&](std::uint64_t) {
        const auto won = std::ranges::count(answers, Outcome::done, &Answer::outcome);
        const auto lost = std::ranges::count(answers, Outcome::conflict, &Answer::outcome);
        c.expect(won == 1 && lost == racers - 1, "of racing replaces of one token, one is done");
        for (std::size_t i = 0; i < racers; ++i) {
          if (answers[i].outcome == Outcome::done) newest = written[i];
        }
        for (const auto& [outcome, record] : answers) {
          if (outcome == Outcome::conflict)
            c.expect(record, newest, "what a lost race brings along");
        }
      });
  c.expect_stored(newest, "the winner of racing replaces");
}

void one_create_of_a_key_wins(StoreChecker& c) {
  std::vector<Answer> answers(racers);
  race(
      c,
      [&](Racer& racer, std::size_t i, std::uint64_t round) {
        auto written = c.record(round);
        written.token = token_of(round, i);
        answers[i] = racer.apply(Verb::create, written);
      },
      [&](std::uint64_t) {
        const auto won = std::ranges::count(answers, Outcome::done, &Answer::outcome);
        const auto lost = std::ranges::count(answers, Outcome::exists, &Answer::outcome);
        c.expect(won == 1 && lost == racers - 1, "of racing creates of one key, one is done");
      });
}

// What one connection ended stays ended, whatever the others send beside it.
void what_is_erased_stays_erased(StoreChecker& c) {
  for (std::uint64_t round = 0; round < rounds; ++round) c.apply(Verb::create, c.record(round));
  race(
      c,
      [&](Racer& racer, std::size_t i, std::uint64_t round) {
        // Each has every part in turn: threads tend to rise in one order.
        const auto part = (i + round) % 4;
        const auto present = c.record(round, part == 3 ? "ann" : "");
        if (part == 0) racer.apply(Verb::erase, present);
        if (part == 1) racer.apply(Verb::touch, present);
        if (part >= 2) racer.apply(Verb::replace, present, present.token);
      },
      [](std::uint64_t) {});
  for (std::uint64_t round = 0; round < rounds; ++round) {
    c.expect_missing(c.key(round), "erase in a race", c.now());
  }
  c.expect(c.list("ann", 10, c.now()).empty(), "list: nothing that was erased in a race");
}

void connections_see_each_others_writes(StoreChecker& c) {
  Racer other(c);
  auto record = c.record(1, "ann");
  c.apply(Verb::create, record);
  const auto write = [&](std::uint64_t number, auto&& replace) {
    const auto expected = std::exchange(record.token, token(1000 + number));
    record.blob = std::to_string(number);
    c.expect(replace(expected).outcome, Outcome::done, "replace of another connection's write");
  };
  for (std::uint64_t number = 0; number < rounds; ++number) {
    const auto seen = other.apply(Verb::load, {.key = record.key});
    c.expect(seen.outcome, Outcome::done, "load by another connection");
    c.expect(seen.record, record, "load by another connection");
    write(2 * number, [&](auto expected) { return other.apply(Verb::replace, record, expected); });
    c.expect_stored(record, "replace by another connection");
    write(2 * number + 1,
          [&](auto expected) { return c.apply(Verb::replace, record, c.now(), expected); });
  }
  other.apply(Verb::erase, record);
  c.expect_missing(record.key, "erase by another connection", c.now());
  if (!other.thrown().empty()) c.fail("another connection threw: " + other.thrown());
}

}  // namespace

std::vector<StoreCheck> race_checks() {
  return {{"ConnectionsSeeEachOthersWrites", connections_see_each_others_writes},
          {"OneReplaceOfATokenWins", one_replace_of_a_token_wins},
          {"OneCreateOfAKeyWins", one_create_of_a_key_wins},
          {"WhatIsErasedStaysErased", what_is_erased_stays_erased}};
}

}  // namespace flame::inline v0::session::test_support
