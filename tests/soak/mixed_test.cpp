// Ten million requests of a thousand visitors, all operations mixed, a tenth of them abandoned:
// nobody sees another's session, and memory stays flat.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/manager.hpp>

namespace flame::session {
namespace {

constexpr std::size_t visitors = 1000;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// FLAME_SOAK_REQUESTS, or ten million; a sanitizer makes each cost ten times as much.
std::size_t requests() {
  const char* given = std::getenv("FLAME_SOAK_REQUESTS");
  return given ? std::strtoull(given, nullptr, 10) : sanitized ? 1'000'000 : 10'000'000;
}

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// A browser with a number, which it stores in each session that it begins, and expects to find
/// there.
class Visitor {
 public:
  void request(Manager& manager, int number, std::minstd_rand& random) {
    const std::string cookie = this->cookie();
    const std::string_view line = cookie;
    RequestView view;
    if (!cookie.empty()) view.cookie_lines = {&line, 1};
    view.method = "GET";
    Flash flash;
    auto session = manager.load(view, Need::read | Need::write, flash);
    ASSERT_TRUE(session) << session.error().text;
    if (session->exists()) {
      ASSERT_EQ(session->get<int>("number"), number) << "a session of somebody else";
    }
    if (const auto message = flash.get<int>()) {
      ASSERT_EQ(*message, number);
    }
    edit(*session, number, random);
    const bool abandoned = random() % 10 == 0;
    const auto fields = abandoned ? manager.abandon(*session) : manager.commit(*session);
    ASSERT_TRUE(fields) << fields.error().text;
    for (const auto& [name, value] : fields->fields)
      if (name == "Set-Cookie") keep(value);
  }

 private:
  std::string cookie() {
    const std::scoped_lock lock(mutex_);
    return cookie_;
  }
  void keep(const std::string& set_cookie) {
    const std::scoped_lock lock(mutex_);
    const bool removal = set_cookie.find("Max-Age=0") != std::string::npos;
    cookie_ = removal ? "" : set_cookie.substr(0, set_cookie.find(';'));
  }
  static void edit(Session& session, int number, std::minstd_rand& random) {
    if (!session.exists()) session.set("number", number);
    const auto key = "key" + std::to_string(random() % 8);
    switch (random() % 16) {
      case 0:
        return session.regenerate();
      case 1:
        return session.destroy();
      case 2:
        session.set("number", number);  // a login that lost its base starts a session of its own
        return session.set_owner("user" + std::to_string(number));
      case 3:
      case 4:
        return session.set_flash(number);
      case 5:
        session.clear();
        return session.set("number", number);
      case 6:
        return static_cast<void>(session.erase(key));
      case 7:
      case 8:
        return session.update<int>("count", 0, [](int n) { return n + 1; });
      case 9:
      case 10:
        return session.set(key, std::string(random() % 200, 'x'));
      default:
        return;
    }
  }

  std::mutex mutex_{};
  std::string cookie_{};
};

TEST(Soak, AllOperationsMixed) {
  Options options;
  options.max_created_per_second = 0;  // a thousand visitors come at once
  options.on_event = [](const Event&) {};
  Manager manager(options);
  ASSERT_TRUE(manager.open());
  std::vector<Visitor> all(visitors);
  const auto run = [&](std::size_t count) {
    std::array<std::thread, 2> threads;
    for (std::size_t t = 0; t < threads.size(); ++t)
      threads[t] = std::thread([&, t] {
        std::minstd_rand random(static_cast<unsigned>(t + 1));
        for (std::size_t i = 0; i < count / threads.size() && !testing::Test::HasFailure(); ++i) {
          const auto number = random() % visitors;
          all[number].request(manager, static_cast<int>(number), random);
        }
      });
    for (auto& thread : threads) thread.join();
  };
  run(requests() / 10);
  const auto settled = resident_bytes();
  run(requests() - requests() / 10);
  const auto at_end = resident_bytes();
  RecordProperty("resident_after_a_tenth", std::to_string(settled));
  RecordProperty("resident_at_end", std::to_string(at_end));
  if (!sanitized) {
    EXPECT_LT(at_end, settled + settled / 10) << "it was " << settled << " bytes after a tenth";
  }
}

}  // namespace
}  // namespace flame::session
