#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

#include <flame/session/mongo.hpp>

#include "server.hpp"
#include "store_calls.hpp"

namespace flame::session::tests {

/// A collection that no other test has.
inline std::string new_collection() {
  static const auto run = std::random_device{}();
  static int number = 0;
  return "test" + std::to_string(run) + "_" + std::to_string(++number);
}

inline Call soon(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  using std::chrono::steady_clock;
  return {std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()),
          steady_clock::now() + patience};
}

inline Record record(std::uint64_t number, std::string owner = {}) {
  Record out;
  for (std::size_t i = 0; i < sizeof number; ++i)
    out.key.bytes[i] = static_cast<std::byte>(number >> (8 * i));
  out.token = WriteToken{number + 1};
  out.owner = std::move(owner);
  out.created_at = out.last_seen = soon().now;
  out.expires_at = out.created_at + std::chrono::hours(1);
  out.blob = "blob";
  return out;
}

inline StoreOp op(Verb verb, Record record, WriteToken expected = {}) {
  return {verb, std::move(record), expected, {}};
}

inline StoreOp apply(StoreConnection& connection, Verb verb, Record record,
                     WriteToken expected = {}) {
  StoreOp one = op(verb, std::move(record), expected);
  connection.run({&one, 1}, soon());
  return one;
}

}  // namespace flame::session::tests
