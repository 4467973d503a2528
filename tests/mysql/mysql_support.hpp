#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <flame/session/mysql.hpp>
#include <flame/session/test_support/seeded_random.hpp>

#include "server.hpp"

namespace flame::session::mysql {

using namespace std::chrono_literals;

inline std::string new_table_name() {
  static std::atomic<int> made{0};
  return "test_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
}

/// Null where there is no such server.
inline StorePtr store_in_new_table(const std::string& server) {
  const auto url = tests::server_url(server);
  if (!url) return nullptr;
  return store({.dsn = *url, .table = new_table_name(), .init_table = true});
}

}  // namespace flame::session::mysql
