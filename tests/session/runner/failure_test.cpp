#include "session/runner/failure.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include <flame/session/store.hpp>

namespace flame::session {
namespace {

template <class Exception>
Failure of(const Exception& exception) {
  try {
    throw exception;
  } catch (...) {
    return caught_failure();
  }
}

TEST(Failure, SaysWhatIsKnownOfWhatAStoreThrew) {
  const auto refused = of(StoreError(StoreError::Kind::refused, "no rights"));
  EXPECT_TRUE(refused.refused && !refused.maybe_applied && !refused.lost);
  EXPECT_EQ(refused.error.code, Errc::store_unavailable);
  EXPECT_EQ(refused.error.text, "no rights");

  const auto lost = of(StoreError(StoreError::Kind::connection_lost, "gone"));
  EXPECT_TRUE(!lost.refused && lost.maybe_applied && lost.lost && !lost.unconfirmed);
  EXPECT_EQ(lost.error.code, Errc::store_unavailable);

  const auto unconfirmed = of(StoreError(StoreError::Kind::unconfirmed, "may not last"));
  EXPECT_TRUE(unconfirmed.unconfirmed && unconfirmed.maybe_applied && !unconfirmed.lost);

  const auto no_memory = of(std::bad_alloc());
  EXPECT_TRUE(!no_memory.refused && no_memory.maybe_applied && no_memory.lost);
  EXPECT_TRUE(no_memory.unconfirmed) << "who knows what could not be said";
  EXPECT_EQ(no_memory.error.code, Errc::out_of_memory) << "the store is not down for that";
  EXPECT_EQ(no_memory.error.text, "out of memory");

  const auto bug = of(std::logic_error("secret"));
  EXPECT_TRUE(!bug.refused && bug.maybe_applied && bug.lost);
  EXPECT_EQ(bug.error.text.find("secret"), std::string::npos);
}

TEST(Failure, WhatIsAddedToATextIsSetApart) {
  Error error{Errc::deadline, "late"};
  add_to(error, "unknown");
  EXPECT_EQ(error.text, "late; unknown");
  error.text.clear();
  add_to(error, "unknown");
  EXPECT_EQ(error.text, "unknown");
}

}  // namespace
}  // namespace flame::session
