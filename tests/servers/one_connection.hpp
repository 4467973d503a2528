#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <flame/session/store.hpp>
#include <flame/session/test_support/seeded_random.hpp>

namespace flame::session::tests {

/// Of fixtures with one connection to a store: records by number, and calls at a time after
/// `start`.
class OneConnection {
 protected:
  static constexpr TimePoint start{std::chrono::seconds(1'800'000'000)};

  static Call at(std::chrono::milliseconds time,
                 std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    return {start + time, std::chrono::steady_clock::now() + patience};
  }
  static SessionKey key(std::uint64_t number) {
    SessionKey key;
    EXPECT_TRUE(test_support::SeededRandom(number).fill(key.bytes));
    return key;
  }
  static Record record(std::uint64_t number, std::string owner = {}) {
    return {key(number),
            WriteToken{number + 1},
            std::move(owner),
            start,
            start,
            start + std::chrono::seconds(1000),
            "blob " + std::to_string(number)};
  }
  StoreOp apply(Verb verb, const Record& r, std::chrono::milliseconds time = {},
                WriteToken expected = {}) {
    StoreOp op{verb, r, expected, {}};
    connection_->run({&op, 1}, at(time));
    return op;
  }
  Outcome create(std::uint64_t number, std::string owner = {}) {
    return apply(Verb::create, record(number, std::move(owner))).outcome;
  }
  Outcome load(std::uint64_t number) { return apply(Verb::load, {.key = key(number)}).outcome; }

  StorePtr store_{};
  std::unique_ptr<StoreConnection> connection_{};
};

}  // namespace flame::session::tests
