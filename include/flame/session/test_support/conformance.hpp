#pragma once

#include <gtest/gtest.h>

#include <utility>

#include <flame/session/test_support/store_checks.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session::test_support {

class StoreConformance : public ::testing::Test {
 public:
  StoreConformance(StoreCheck check, MakeStore make) : check_(check), make_(std::move(make)) {}
  void TestBody() override {
    const auto store = make_();
    if (!store) GTEST_SKIP() << "not run: the store's backend is not to be had here";
    for (const auto& failure : failures(check_, [&] { return store; })) ADD_FAILURE() << failure;
  }

 private:
  StoreCheck check_;
  MakeStore make_;
};

inline bool register_conformance(const char* suite, const char* file, int line,
                                 const MakeStore& make) {
  for (const auto& check : store_checks()) {
    ::testing::RegisterTest(
        suite, check.name, nullptr, nullptr, file, line,
        [=]() -> ::testing::Test* { return new StoreConformance(check, make); });
  }
  return true;
}

}  // namespace flame::inline v0::session::test_support

/// Tests a store, one gtest test for each check: at namespace scope of a test's .cpp file,
///   FLAME_SESSION_STORE_CONFORMANCE(Memory, [] { return flame::session::memory::store(); })
#define FLAME_SESSION_STORE_CONFORMANCE(name, ...)                                        \
  [[maybe_unused]] static const bool flame_session_conformance_of_##name =                \
      ::flame::session::test_support::register_conformance(#name "Conformance", __FILE__, \
                                                           __LINE__, __VA_ARGS__);

#pragma GCC visibility pop
