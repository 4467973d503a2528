#pragma once

#include <gtest/gtest.h>
#include <netdb.h>

#include <atomic>
#include <string_view>
#include <thread>

#include <flame/session/store.hpp>

#include "store_calls.hpp"

namespace flame::session::tests {

inline constexpr const char* hung_name = "hung.invalid";

/// While one lives, the system's resolver hangs for that one name.
class HungLookup {
 public:
  HungLookup() { asked_ = false, hangs_ = true; }
  ~HungLookup() {
    hangs_ = false;
    hangs_.notify_all();
  }
  HungLookup(const HungLookup&) = delete;
  HungLookup& operator=(const HungLookup&) = delete;

  static void wait_until_asked() { asked_.wait(false); }
  /// What stands in for getaddrinfo() calls first.
  static void look_up(const char* name, const addrinfo* hints) {
    const bool numeric = hints && (hints->ai_flags & AI_NUMERICHOST) != 0;
    if (!name || std::string_view(name) != hung_name || numeric) return;
    asked_ = true;
    asked_.notify_all();
    hangs_.wait(true);
  }

 private:
  static inline std::atomic<bool> asked_{false}, hangs_{false};
};

inline void expect_abort_ends_a_hung_lookup(Store& store) {
  const HungLookup lookup;
  const auto connection = store.make_connection();
  std::jthread other([&] {
    HungLookup::wait_until_asked();
    connection->abort();
  });
  const auto thrown = thrown_by([&] { connection->connect({}); });
  EXPECT_EQ(thrown.kind, StoreError::Kind::connection_lost);
  EXPECT_NE(thrown.text.find("given up"), std::string::npos) << thrown.text;
}

}  // namespace flame::session::tests
