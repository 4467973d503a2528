#include <gtest/gtest.h>

#include "jobs/session_impl.hpp"

namespace flame::session {
namespace {

/// One is made for each request: glibc's malloc keeps blocks of up to 1032 bytes at hand for each
/// thread, and what is larger takes it some ten times as long.
TEST(SessionState, FitsWhatMallocKeepsAtHand) {
#ifdef _GLIBCXX_DEBUG
  GTEST_SKIP() << "containers are larger with their checks";
#endif
  constexpr std::size_t of_make_shared = 16;
  EXPECT_LE(sizeof(SessionState) + of_make_shared, 1032U);
}

}  // namespace
}  // namespace flame::session
