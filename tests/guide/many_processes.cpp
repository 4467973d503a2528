/// docs/guide/many-processes.md, with two Managers for two processes.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include <flame/session/manager.hpp>
#include <flame/session/open_store.hpp>

#include "new_folder.hpp"

namespace session = flame::session;

namespace {

session::Options options(const char* url) {
  //! [options]
  return {.store = session::open_store(url), .application = "shop"};
  //! [options]
}

class GuideProcesses : public testing::Test {
 protected:
  const NewFolder folder{};
  const std::string url = "file:" + folder.path();
  session::Manager one{options(url.c_str())}, other{options(url.c_str())};
};

std::string cookie_of(const session::ResponseFields& fields) {
  for (const auto& [name, value] : fields.fields)
    if (name == "Set-Cookie") return value.substr(0, value.find(';'));
  return {};
}

TEST_F(GuideProcesses, LoseNothingOfEachOthers) {
  ASSERT_TRUE(one.open());
  ASSERT_TRUE(other.open());
  auto first = one.load({}, session::Need::write).value();
  first.set("visits", 1);
  const auto cookie = cookie_of(one.commit(first).value());
  const std::array<std::string_view, 1> cookies{cookie};
  const session::RequestView request{.cookie_lines = cookies};

  //! [merge]
  auto a = one.load(request, session::Need::write).value();    // a request at one process,
  auto b = other.load(request, session::Need::write).value();  // and one at another
  a.set("name", "Ann");
  a.update("visits", 0, [](int n) { return n + 1; });
  b.set("theme", "dark");
  b.update("visits", 0, [](int n) { return n + 1; });
  one.commit(a).value();
  other.commit(b).value();
  const auto now = one.load(request, session::Need::read).value();
  EXPECT_EQ(now.get<std::string>("name"), "Ann");
  EXPECT_EQ(now.get<std::string>("theme"), "dark");
  EXPECT_EQ(now.get<int>("visits"), 3);
  //! [merge]
}

TEST_F(GuideProcesses, ALogoutHoldsForAll) {
  ASSERT_TRUE(one.open());
  ASSERT_TRUE(other.open());
  auto first = one.load({}, session::Need::write).value();
  first.set_owner("ann");
  const auto cookie = cookie_of(one.commit(first).value());
  const std::array<std::string_view, 1> cookies{cookie};
  const session::RequestView request{.cookie_lines = cookies};
  auto slow = other.load(request, session::Need::write).value();
  slow.set("seen", true);
  EXPECT_EQ(one.end_all("ann").value(), 1U);
  EXPECT_TRUE(other.commit(slow)) << "it does not fail";
  EXPECT_FALSE(other.load(request, session::Need::read).value().exists());
}

}  // namespace
