#include "stores/file/stuck_folders.hpp"

#include <gtest/gtest.h>

namespace flame::session::file {
namespace {

using namespace std::chrono_literals;

constexpr Deadline now{1000h};
constexpr auto longest = now + 1s;

TEST(StuckFolders, AreWaitedForAtLengthUntilThatIsInVain) {
  StuckFolders folders;
  EXPECT_EQ(folders.patience(std::byte{7}, now, longest), longest);
  folders.stayed_locked(std::byte{7}, now);
  EXPECT_EQ(folders.patience(std::byte{7}, now + 1ms, longest), now + 1ms) << "not at all";
  const auto later = now + StuckFolders::between_waits;
  EXPECT_EQ(folders.patience(std::byte{7}, later, longest), later + StuckFolders::short_wait);
  EXPECT_EQ(folders.patience(std::byte{8}, now, longest), longest) << "each of its own";
}

TEST(StuckFolders, AreForgottenOnceTheLockIsOurs) {
  StuckFolders folders;
  folders.stayed_locked(std::byte{255}, now);
  folders.was_locked_by_us(std::byte{255});
  EXPECT_EQ(folders.patience(std::byte{255}, now, longest), longest);
}

TEST(StuckFolders, AreNeverWaitedForLongerThanAsked) {
  StuckFolders folders;
  folders.stayed_locked(std::byte{0}, now - 1h);
  EXPECT_EQ(folders.patience(std::byte{0}, now, now + 1ms), now + 1ms);
  EXPECT_EQ(folders.patience(std::byte{0}, now, now - 1ms), now - 1ms);
}

}  // namespace
}  // namespace flame::session::file
