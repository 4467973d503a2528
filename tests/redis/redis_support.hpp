#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <string>

#include <flame/session/redis.hpp>

#include "server.hpp"

namespace flame::session::tests {

inline std::string new_prefix() {
  static const auto run = std::random_device{}();
  static int number = 0;
  return "test" + std::to_string(run) + "-" + std::to_string(++number);
}

}  // namespace flame::session::tests
