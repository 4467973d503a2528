// Today's code on the sessions of each release, and on those that it writes itself.

#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "contents.hpp"
#include "release.hpp"
#include "session/record/base.hpp"
#include "site.hpp"

namespace flame::session::formats {
namespace {

/// The folders' names, and an empty one: written now.
std::vector<std::string> releases() {
  std::vector<std::string> names{""};
  std::error_code none_yet;
  for (const auto& each : fs::directory_iterator(FLAME_RELEASES, none_yet))
    names.push_back(each.path().filename());
  std::ranges::sort(names);
  return names;
}

class Releases : public testing::TestWithParam<std::string> {
 protected:
  Releases() {
    auto folder = fs::path(FLAME_RELEASES) / GetParam();
    if (GetParam().empty()) write_release(folder = temporary_.path() / "now");
    release_ = read_release(folder);
    copy_store(folder, release_, root_);
  }
  [[nodiscard]] Site site(std::chrono::milliseconds later = 0s) const {
    return at(release_.written_at + later);
  }
  [[nodiscard]] Site at(TimePoint time) const { return {root_, time, 2}; }
  template <class F>
  void for_each_session(F f) {
    for (const auto& each : release_.sessions) {
      SCOPED_TRACE(each.name);
      if (each.name != "superseded") f(each);
    }
  }

  TemporaryFolder temporary_;
  const fs::path root_ = temporary_.path() / "store";
  Release release_;
};

/// That it has the first values of contents.hpp, the keys `added`, and no others.
void expect_values(const Session& session, std::size_t values,
                   std::vector<std::string> added = {}) {
  auto keys = std::move(added);
  std::size_t seen = 0;
  each_value([&](std::string_view key, const auto& value) {
    if (seen == values) return;
    ++seen;
    keys.emplace_back(key);
    const auto got = session.get<std::remove_cvref_t<decltype(value)>>(key);
    ASSERT_TRUE(got) << key;
    EXPECT_EQ(encode(*got), encode(value)) << key;  // as bytes, NaN is like itself
  });
  EXPECT_EQ(seen, values) << "of contents.hpp values were taken away";
  std::ranges::sort(keys);
  EXPECT_EQ(session.keys(), keys);
}

TEST_P(Releases, EveryValueAndOwnerIsRead) {
  auto today = site();
  for_each_session([&](const Kept& kept) {
    const auto session = today.load(kept.id, Need::read);
    EXPECT_TRUE(session.exists());
    EXPECT_EQ(session.owner(), kept.owner);
    expect_values(session, kept.values);
  });
  EXPECT_EQ(today.told(event::decode_failed), 0U);
}

TEST_P(Releases, TheTimesOfTheirRecordsAreRead) {
  for_each_session([&](const Kept& kept) {
    const auto record = stored(root_, key_of(kept), release_.written_at);
    EXPECT_EQ(record.created_at, kept.created);
    EXPECT_EQ(record.last_seen, kept.seen);
    EXPECT_EQ(record.expires_at, kept.end);
  });
}

TEST_P(Releases, WhatIsWrittenOverThemIsRead) {
  std::vector<std::string> ids;
  {
    auto today = site();
    for_each_session([&](const Kept& kept) {
      ids.push_back(today.request(kept.id, [](Session& s) { s.set("added", 1), s.regenerate(); }));
      EXPECT_NE(ids.back(), kept.id);
    });
  }
  auto restarted = site();
  auto id = ids.begin();
  for_each_session([&](const Kept& kept) {
    const auto session = restarted.load(*id++, Need::read);
    EXPECT_TRUE(session.exists());
    EXPECT_EQ(session.owner(), kept.owner);
    EXPECT_EQ(session.get<int>("added"), 1);
    expect_values(session, kept.values, {"added"});
    EXPECT_FALSE(restarted.load(kept.id, Need::read).exists());
  });
  EXPECT_EQ(restarted.told(event::id_rejected, "superseded"), ids.size());
}

TEST_P(Releases, ALoginsTermsHold) {
  const auto& all = release_.sessions;
  const auto kept = std::ranges::find(all, "terms", &Kept::name);
  if (kept == all.end()) return;  // a release without them
  Base base;
  auto record = stored(root_, key_of(*kept), release_.written_at);
  ASSERT_EQ(open_record(record, {{1h, 1h}, 24h}, release_.written_at, base), RecordState::readable);
  EXPECT_EQ(base.header.terms.label, terms.label);
  EXPECT_EQ(base.header.terms.persistent, terms.persistent);
  EXPECT_EQ(base.header.terms.absolute, *terms.absolute);
  EXPECT_TRUE(site(2h - 1s).load(kept->id).exists());
  EXPECT_FALSE(site(2h).load(kept->id).exists());
}

TEST_P(Releases, TheFlashMessageIsTakenOnce) {
  auto today = site();
  const auto& id = release_["flash"].id;
  Flash flash, again;
  auto session = today.load(id, Need::flash, flash);
  const auto message = flash.get<Notice>();
  today.commit(session);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->success, notice.success);
  EXPECT_EQ(message->error, notice.error);
  today.load(id, Need::flash, again);
  EXPECT_FALSE(again);
}

TEST_P(Releases, ReplacedIdsAreKnownForTheirTime) {
  const auto old = [&](const Kept& each) { return each.name == "superseded"; };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(release_.sessions, old));
  ASSERT_GE(count, 2U);
  for (const auto later : {0ms, 59'999ms, 60'000ms}) {
    auto today = site(later);
    for (const auto& each : release_.sessions) {
      if (old(each)) {
        EXPECT_FALSE(today.load(each.id, Need::read).exists());
      }
    }
    EXPECT_EQ(today.told(event::id_rejected, "superseded"), later < 60s ? count : 0U);
    EXPECT_EQ(today.told(event::id_rejected), count);
  }
}

TEST_P(Releases, EachEndsAtItsTime) {
  for_each_session([&](const Kept& kept) {
    EXPECT_TRUE(at(kept.end - 1ms).load(kept.id, Need::read).exists());
    auto ended = at(kept.end);
    EXPECT_FALSE(ended.load(kept.id, Need::read).exists());
    EXPECT_EQ(ended.told(event::expired), 1U);
  });
}

/// Under the application's name, which a record of format 1 gets with its next request.
TEST_P(Releases, TheOwnersSessionsAreListed) {
  for_each_session([&](const Kept& kept) { site().request(kept.id, [](Session&) {}); });
  const Call call{release_.written_at, std::chrono::steady_clock::now() + 10s};
  const auto connection = open_connection(*file::store({.root_dir = root_}), {});
  std::vector<SessionKey> listed, anns;
  for (const auto& each : connection->list(std::string("formats\0ann", 11), "", 100, call).records)
    listed.push_back(each.key);
  for_each_session([&](const Kept& kept) {
    if (kept.owner == "ann") anns.push_back(key_of(kept));
  });
  std::ranges::sort(anns);
  EXPECT_GE(anns.size(), 2U);
  EXPECT_EQ(listed, anns);
}

TEST_P(Releases, TheSweepRemovesAllOnceTheyEnded) {
  const auto connection = open_connection(*file::store({.root_dir = root_}), {});
  const auto swept = [&](TimePoint time) {
    return connection->sweep(100, {time, std::chrono::steady_clock::now() + 10s});
  };
  const auto last = std::ranges::max(release_.sessions, {}, &Kept::end).end;
  EXPECT_EQ(swept(release_.written_at), 0U);
  std::size_t count = 0;
  for_each_session([&](const Kept&) { ++count; });
  EXPECT_EQ(swept(last), count);
  for (const auto& each : fs::recursive_directory_iterator(root_))
    EXPECT_TRUE(each.is_directory()) << each.path();
}

INSTANTIATE_TEST_SUITE_P(Formats, Releases, testing::ValuesIn(releases()), [](const auto& each) {
  auto name = each.param.empty() ? "now" : "release_" + each.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST(Release, OfTodayIsKept) {
  const auto folder = fs::path(FLAME_RELEASES) / FLAME_RELEASE;
  if (std::getenv("FLAME_WRITE_RELEASE")) write_release(folder);
  EXPECT_TRUE(fs::exists(folder)) << "FLAME_WRITE_RELEASE=1 with this test makes it: commit it";
}

}  // namespace
}  // namespace flame::session::formats
