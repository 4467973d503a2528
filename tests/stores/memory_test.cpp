#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>

#include <flame/session/memory.hpp>
#include <flame/session/test_support/conformance.hpp>
#include <flame/session/test_support/seeded_random.hpp>

FLAME_SESSION_STORE_CONFORMANCE(Memory, [] { return flame::session::memory::store(); })

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using test_support::SeededRandom;

class MemoryTest : public ::testing::Test {
 protected:
  void open(memory::MemoryOptions options) {
    store_ = memory::store(options);
    connection_ = open_connection(*store_, at(0s));
  }

  static Call at(std::chrono::milliseconds time) { return {start + time, {}}; }
  static SessionKey key(std::uint64_t number) {
    SessionKey key;
    EXPECT_TRUE(SeededRandom(number).fill(key.bytes));
    return key;
  }
  // Last seen `number` seconds after the start, ends 1000 s after that.
  static Record record(std::uint64_t number, std::string owner = {}, std::size_t blob = 10) {
    const auto seen = start + std::chrono::seconds{number};
    return {key(number), WriteToken{1}, std::move(owner),      seen,
            seen,        seen + 1000s,  std::string(blob, 'x')};
  }

  Outcome apply(Verb verb, const Record& r, std::chrono::milliseconds time = 0s,
                WriteToken expected = WriteToken{1}) {
    StoreOp op{verb, r, expected, {}};
    connection_->run({&op, 1}, at(time));
    return op.outcome;
  }
  // With the capacities that its strings have: a copy would not keep them.
  Outcome apply_in_place(Verb verb, Record& r) {
    StoreOp op{verb, std::move(r), WriteToken{1}, {}};
    connection_->run({&op, 1}, at(0s));
    return op.outcome;
  }
  Outcome create(std::uint64_t number, std::string owner = {}, std::size_t blob = 10) {
    return apply(Verb::create, record(number, std::move(owner), blob));
  }
  bool present(std::uint64_t number, std::chrono::milliseconds time = 0s) {
    return apply(Verb::load, {.key = key(number)}, time) == Outcome::done;
  }
  std::set<std::uint64_t> present_of(std::uint64_t n, std::chrono::milliseconds time = 0s) {
    std::set<std::uint64_t> all;
    for (std::uint64_t number = 0; number < n; ++number) {
      if (present(number, time)) all.insert(number);
    }
    return all;
  }

  static constexpr TimePoint start{1'800'000'000s};
  StorePtr store_;
  std::unique_ptr<StoreConnection> connection_;
};

using Numbers = std::set<std::uint64_t>;

TEST_F(MemoryTest, NeverBlocks) { EXPECT_FALSE(memory::store()->traits().blocking); }

TEST_F(MemoryTest, RefusesOptionsThatAreZero) {
  const auto error_of = [](memory::MemoryOptions options) -> std::string {
    try {
      static_cast<void>(open_connection(*memory::store(options), {}));
    } catch (const StoreError& error) {
      EXPECT_EQ(error.kind(), StoreError::Kind::refused);
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(error_of({}), "");
  EXPECT_EQ(error_of({.max_sessions = 0}),
            "memory store: max_sessions is 0, so it could hold nothing: give at least 1");
  EXPECT_EQ(error_of({.max_bytes = 0}),
            "memory store: max_bytes is 0, so it could hold nothing: give at least 1");
}

TEST_F(MemoryTest, RecordsLiveAsLongAsAConnection) {
  open({});
  create(1);
  const auto second = open_connection(*store_, at(0s));
  store_.reset();
  connection_ = nullptr;
  StoreOp op{Verb::load, {.key = key(1)}, {}, {}};
  second->run({&op, 1}, at(0s));
  EXPECT_EQ(op.outcome, Outcome::done);
}

TEST_F(MemoryTest, FullOfSessionsEvictsWhoWasIdleLongest) {
  open({.max_sessions = 5});
  for (const std::uint64_t number : {3, 1, 4, 0, 2}) EXPECT_EQ(create(number), Outcome::done);
  EXPECT_EQ(create(5), Outcome::done);
  EXPECT_EQ(create(6), Outcome::done);
  EXPECT_EQ(present_of(9), (Numbers{2, 3, 4, 5, 6}));
}

TEST_F(MemoryTest, TouchAndReplaceAreUse) {
  open({.max_sessions = 4});
  for (std::uint64_t number = 0; number < 4; ++number) create(number);
  auto touched = record(10);
  touched.key = key(0);
  auto replaced = record(11);
  replaced.key = key(1);
  EXPECT_EQ(apply(Verb::touch, touched), Outcome::done);
  EXPECT_EQ(apply(Verb::replace, replaced), Outcome::done);
  create(20);
  create(21);
  EXPECT_EQ(present_of(30), (Numbers{0, 1, 20, 21}));
}

TEST_F(MemoryTest, ExpiredOnesGoBeforeLiveOnes) {
  open({.max_sessions = 3});
  auto expired = record(9, "ann");  // also when someone owns it, and was seen last
  expired.expires_at = start + 10s;
  EXPECT_EQ(apply(Verb::create, expired), Outcome::done);
  create(0);
  create(1);
  EXPECT_EQ(apply(Verb::create, record(2), 10s), Outcome::done);
  EXPECT_EQ(present_of(10, 10s), (Numbers{0, 1, 2}));
  EXPECT_FALSE(present(9));
}

TEST_F(MemoryTest, TheOwnedAreNeverEvicted) {
  open({.max_sessions = 4});
  create(0, "ann");
  create(1);
  create(2, "bob");
  create(3);
  EXPECT_EQ(create(4, "cid"), Outcome::done);
  EXPECT_EQ(create(5, "dan"), Outcome::done);
  EXPECT_EQ(present_of(9), (Numbers{0, 2, 4, 5}));
  EXPECT_EQ(create(6), Outcome::refused);
  EXPECT_EQ(create(7, "eve"), Outcome::refused);
  EXPECT_EQ(present_of(9), (Numbers{0, 2, 4, 5}));
  EXPECT_EQ(apply(Verb::erase, record(0)), Outcome::done);
  EXPECT_EQ(create(6), Outcome::done);
  EXPECT_EQ(create(7, "eve"), Outcome::done);
  EXPECT_EQ(present_of(9), (Numbers{2, 4, 5, 7}));
}

TEST_F(MemoryTest, AnOwnerProtectsFromTheReplaceThatGivesIt) {
  open({.max_sessions = 1});
  create(0);
  EXPECT_EQ(apply(Verb::replace, record(0, "ann")), Outcome::done);
  EXPECT_EQ(create(1), Outcome::refused);
  EXPECT_EQ(apply(Verb::replace, record(0)), Outcome::done);
  EXPECT_EQ(create(1), Outcome::done);
  EXPECT_EQ(present_of(2), (Numbers{1}));
}

TEST_F(MemoryTest, ACreateThatCannotBeEvictsNoOne) {
  open({.max_sessions = 2, .max_bytes = 5000});
  create(0);
  create(1, "ann");
  EXPECT_EQ(create(1), Outcome::exists);
  EXPECT_EQ(create(2, {}, 5000), Outcome::refused);
  EXPECT_EQ(present_of(3), (Numbers{0, 1}));
}

TEST_F(MemoryTest, BytesAreBounded) {
  open({.max_bytes = 10'000});
  for (std::uint64_t number = 0; number < 100; ++number) {
    EXPECT_EQ(create(number, {}, 1000), Outcome::done);
  }
  // Each takes its blob and less than 300 bytes beside it.
  const auto stored = present_of(100);
  EXPECT_GE(stored.size(), 7u);
  EXPECT_LE(stored.size(), 9u);
  EXPECT_EQ(*stored.rbegin() - *stored.begin(), stored.size() - 1);
  // A large one takes the place of several.
  EXPECT_EQ(create(200, {}, 9000), Outcome::done);
  EXPECT_EQ(present_of(100), Numbers{});
}

TEST_F(MemoryTest, AReplaceThatGrowsEvictsOthersButNeverItself) {
  open({.max_bytes = 5000});
  create(0, {}, 1000);
  create(1, {}, 1000);
  create(2, {}, 1000);
  EXPECT_EQ(apply(Verb::replace, record(0, {}, 2500)), Outcome::done);
  EXPECT_EQ(present_of(3), (Numbers{0, 2}));
  EXPECT_EQ(apply(Verb::replace, record(0, {}, 4500)), Outcome::done);
  EXPECT_EQ(present_of(3), (Numbers{0}));
  auto larger = record(0, {}, 5000);
  larger.token = WriteToken{2};
  EXPECT_EQ(apply(Verb::replace, larger), Outcome::refused);
  EXPECT_EQ(apply(Verb::replace, record(0)), Outcome::done);  // the old one stays, with its token
}

TEST_F(MemoryTest, AReplaceIsRefusedWhereOnlyTheOwnedCouldGo) {
  open({.max_bytes = 5000});
  create(0, {}, 1000);
  create(1, "ann", 1000);
  create(2, "bob", 1000);
  EXPECT_EQ(apply(Verb::replace, record(0, {}, 4000)), Outcome::refused);
  EXPECT_EQ(present_of(3), (Numbers{0, 1, 2}));
}

TEST_F(MemoryTest, GivesBackWhatWasCounted) {
  open({.max_sessions = 3, .max_bytes = 5000});
  for (std::uint64_t round = 0; round < 100; ++round) {
    EXPECT_EQ(create(0, "ann", 1000), Outcome::done);
    EXPECT_EQ(create(0, "ann", 1000), Outcome::exists);
    EXPECT_EQ(apply(Verb::replace, record(0, "bob, with a name of some length", 3500)),
              Outcome::done);
    EXPECT_EQ(apply(Verb::replace, record(0, {}, 100)), Outcome::done);
    EXPECT_EQ(apply(Verb::replace, record(0, "cid", 3800)), Outcome::done);
    auto roomy = record(0, "cid", 100);
    roomy.owner.reserve(3000);
    EXPECT_EQ(apply_in_place(Verb::replace, roomy), Outcome::done);
    EXPECT_EQ(create(1, "ann", 2000), Outcome::refused);
    EXPECT_EQ(apply(Verb::erase, record(0)), Outcome::done);
  }
  EXPECT_EQ(create(1, "ann", 4000), Outcome::done);
  EXPECT_EQ(create(2, "ann", 1000), Outcome::refused);
}

TEST_F(MemoryTest, KeepsNoUnusedCapacity) {
  open({.max_bytes = 5000});
  auto roomy = record(0, "ann");
  roomy.blob.reserve(20'000);
  EXPECT_EQ(apply_in_place(Verb::create, roomy), Outcome::done);
  roomy = record(0, "ann");
  roomy.blob.reserve(20'000);
  EXPECT_EQ(apply_in_place(Verb::replace, roomy), Outcome::done);
}

TEST_F(MemoryTest, ASweepIsASmallStep) {
  open({});
  for (std::uint64_t number = 0; number < 300; ++number) create(number, number % 3 ? "" : "ann");
  EXPECT_EQ(connection_->sweep(1000, at(999s)), 0u);
  EXPECT_EQ(connection_->sweep(10, at(5000s)), 10u);
  std::vector<std::size_t> steps;
  do steps.push_back(connection_->sweep(1000, at(5000s)));
  while (steps.back() > 0);
  EXPECT_EQ(steps, (std::vector<std::size_t>{64, 64, 64, 64, 34, 0}));
  EXPECT_EQ(present_of(300), Numbers{});
}

TEST_F(MemoryTest, ATouchedRecordHoldsNoOtherUp) {
  open({});
  for (std::uint64_t number = 0; number < 300; ++number) create(number);
  for (std::uint64_t number = 0; number < 150; ++number) {
    auto touched = record(number);
    touched.expires_at = start + 9000s;
    EXPECT_EQ(apply(Verb::touch, touched), Outcome::done);
  }
  std::size_t swept = 0;
  for (std::size_t n = 1; n > 0; swept += n) n = connection_->sweep(64, at(5000s));
  EXPECT_EQ(swept, 150u);
}

TEST_F(MemoryTest, CreatesAloneKeepItFromGrowing) {
  open({});
  constexpr std::uint64_t round = 3000;
  for (std::uint64_t number = 0; number < round; ++number) create(number);
  for (auto number = round; number < 2 * round; ++number) {
    apply(Verb::create, record(number), 3999s);
  }
  // What expired was mostly freed by then: a sweep finds next to nothing.
  std::size_t left = 0;
  for (std::size_t n = 1; n > 0; left += n) n = connection_->sweep(64, at(3999s));
  EXPECT_LT(left, round / 20);
  EXPECT_EQ(present_of(2 * round, 3999s).size(), round);
}

TEST_F(MemoryTest, ListRefusesAPageThatIsNone) {
  open({});
  EXPECT_THROW(static_cast<void>(connection_->list("ann", "x", 5, at(0s))), StoreError);
}

TEST_F(MemoryTest, PagesAreInOrderOfKeys) {
  open({});
  for (std::uint64_t number = 0; number < 500; ++number) create(number, "ann");
  std::vector<SessionKey> keys;
  OwnerPage page;
  do {
    page = connection_->list("ann", page.next, 33, at(0s));
    for (const auto& each : page.records) keys.push_back(each.key);
  } while (!page.next.empty());
  EXPECT_EQ(keys.size(), 500u);
  EXPECT_TRUE(std::ranges::is_sorted(keys));
}

// The bounds hold, and nothing is lost or counted twice, whatever threads do at once.
TEST_F(MemoryTest, ThreadsKeepItWhole) {
  constexpr std::size_t bound = 100;
  open({.max_sessions = bound, .max_bytes = 60'000});
  for (std::uint64_t number = 0; number < 10; ++number) create(100'000 + number, "ann");
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        SeededRandom random(thread + 1);
        for (int i = 0; i < 5000; ++i) {
          std::array<std::byte, 3> draw{};
          static_cast<void>(random.fill(draw));
          const auto [verb, number, size] = draw;
          auto r = record(std::to_integer<std::uint64_t>(number), {},
                          std::to_integer<std::size_t>(size) * 4);
          const auto time = std::chrono::milliseconds{i * 200};
          r.last_seen = start + time;
          apply(static_cast<Verb>(std::to_integer<int>(verb) % 5), r, time);
          if (i % 64 == 0) connection_->sweep(8, at(time));
          if (i % 128 == 0) static_cast<void>(connection_->list("ann", {}, 5, at(time)));
        }
      });
    }
  }
  auto page = connection_->list("ann", {}, 100, at(0s));
  EXPECT_EQ(page.records.size(), 10u);
  for (std::uint64_t number = 0; number < 256; ++number) apply(Verb::erase, record(number));
  for (const auto& owned : page.records) apply(Verb::erase, owned);
  EXPECT_EQ(connection_->sweep(64, {TimePoint::max(), {}}), 0u);
  // Empty, and counted so: exactly as many fit as in a new one.
  for (std::uint64_t number = 0; number < bound; ++number) {
    EXPECT_EQ(create(1000 + number, "ann"), Outcome::done);
  }
  EXPECT_EQ(create(5000, "ann"), Outcome::refused);
}

}  // namespace
}  // namespace flame::session
