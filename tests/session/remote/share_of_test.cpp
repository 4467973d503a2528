#include <gtest/gtest.h>

#include <flame/session/share_of.hpp>

namespace flame::session {
namespace {

using namespace std::chrono_literals;

TEST(ShareOf, IsAnEqualPartOfWhatIsLeft) {
  const auto before = std::chrono::steady_clock::now();
  const auto until = before + 1h;
  const auto share = share_of(until, 4);
  const auto after = std::chrono::steady_clock::now();
  EXPECT_GE(share, before + (until - before) / 4);
  EXPECT_LE(share, after + (until - before) / 4);
}

TEST(ShareOf, OfOneOrNoneIsAll) {
  const auto until = std::chrono::steady_clock::now() + 1h;
  EXPECT_EQ(share_of(until, 1), until);
  EXPECT_EQ(share_of(until, 0), until);
  EXPECT_EQ(share_of({}, 3), Deadline{}) << "without a deadline";
}

TEST(ShareOf, OfWhatHasPassedHasPassedToo) {
  const auto now = std::chrono::steady_clock::now();
  EXPECT_LE(share_of(now - 1h, 2), std::chrono::steady_clock::now());
}

}  // namespace
}  // namespace flame::session
