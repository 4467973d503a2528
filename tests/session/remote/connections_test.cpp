#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

#include <flame/session/connections.hpp>

#include "test_support/temporary_folder.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;

std::string refused(const ConnectionOptions& options) {
  try {
    check(options);
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::refused);
    return error.what();
  }
  return {};
}
std::string lost(const ConnectionOptions& options) {
  try {
    static_cast<void>(password_of(options, "otherwise"));
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::connection_lost);
    return error.what();
  }
  return {};
}

TEST(ConnectionOptions, AreTheTraitsOfTheirStore) {
  const auto traits = traits_of({.readers = 3, .writers = 5, .idle_close = 7s, .max_age = 9s});
  EXPECT_EQ(traits.reads.workers, 3U);
  EXPECT_EQ(traits.writes.workers, 5U);
  EXPECT_EQ(traits.background.workers, 1U);
  EXPECT_EQ(traits.idle_close, 7s);
  EXPECT_EQ(traits.max_age, 9s);
  EXPECT_EQ(traits.ping_after, 10s);
}

TEST(ConnectionOptions, AreChecked) {
  EXPECT_EQ(refused({}), "");
  EXPECT_EQ(refused({.readers = 64, .writers = 1, .idle_close = 0s, .max_age = 0s}), "");
  EXPECT_NE(refused({.readers = 0}), "");
  EXPECT_NE(refused({.readers = 65}), "");
  EXPECT_NE(refused({.writers = 0}), "");
  EXPECT_NE(refused({.idle_close = -1s}), "");
  EXPECT_NE(refused({.max_age = -1s}), "");
  EXPECT_NE(refused({.application_name = ""}), "");
  EXPECT_NE(refused({.application_name = "a b"}), "");
  EXPECT_NE(refused({.application_name = "ä"}), "");
  EXPECT_NE(refused({.application_name = std::string(64, 'a')}), "");
  EXPECT_NE(refused({.password = [] { return "x"; }, .password_file = "/x"}), "");
}

TEST(Password, IsReadAnewEachTime) {
  EXPECT_EQ(password_of({}, "in the URL"), "in the URL");
  int n = 0;
  const ConnectionOptions by_function{.password = [&] { return std::to_string(++n); }};
  EXPECT_EQ(password_of(by_function, "in the URL"), "1");
  EXPECT_EQ(password_of(by_function, "in the URL"), "2");
  const test_support::TemporaryFolder folder;
  const ConnectionOptions by_file{.password_file = folder.path() / "password"};
  const auto write = [&](const char* text) { std::ofstream(by_file.password_file) << text; };
  write("first\n");
  EXPECT_EQ(password_of(by_file, ""), "first");
  write("second \r\n");
  EXPECT_EQ(password_of(by_file, ""), "second ");
  write("third");
  EXPECT_EQ(password_of(by_file, ""), "third");
}

TEST(Password, ThatCannotBeHadFailsThisConnectAlone) {
  const test_support::TemporaryFolder folder;
  EXPECT_NE(lost({.password_file = folder.path() / "none"}).find("/none"), std::string::npos);
  EXPECT_NE(lost({.password_file = folder.path()}), "");
  EXPECT_EQ(lost({.password = []() -> std::string { throw std::runtime_error("secret"); }}),
            "the function in connections.password threw");
}

}  // namespace
}  // namespace flame::session
