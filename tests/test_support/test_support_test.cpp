#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include <flame/session/memory.hpp>
#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/faulty_store.hpp>
#include <flame/session/test_support/seeded_random.hpp>

namespace flame::session::test_support {
namespace {

using namespace std::chrono_literals;

TEST(FakeClock, StandsStillUntilItIsMoved) {
  FakeClock clock;
  const auto wall = clock.wall();
  const auto steady = clock.steady();
  EXPECT_EQ(wall, FakeClock::default_wall);
  EXPECT_GT(steady.time_since_epoch(), 0s);
  clock.advance(1500ms);
  EXPECT_EQ(clock.wall() - wall, 1500ms);
  EXPECT_EQ(clock.steady() - steady, 1500ms);
}

TEST(FakeClock, MovesItsClocksAlone) {
  FakeClock clock(TimePoint{100s});
  const auto steady = clock.steady();
  clock.step_wall(-1h);
  EXPECT_EQ(clock.wall(), TimePoint{100s - 1h});
  clock.set_wall(TimePoint{7s});
  EXPECT_EQ(clock.wall(), TimePoint{7s});
  EXPECT_EQ(clock.steady(), steady);
  clock.advance_steady(2s);
  EXPECT_EQ(clock.steady() - steady, 2s);
  EXPECT_EQ(clock.wall(), TimePoint{7s});
}

TEST(FakeClock, SleepsAsAMachineDoes) {
  FakeClock clock;
  const auto wall = clock.wall();
  const auto steady = clock.steady();
  const auto elapsed = clock.elapsed();
  clock.sleep(8h);
  EXPECT_EQ(clock.steady(), steady);
  EXPECT_EQ(clock.elapsed() - elapsed, 8h);
  EXPECT_EQ(clock.wall() - wall, 8h);
  clock.advance(1s);
  EXPECT_EQ(clock.elapsed() - elapsed, 8h + 1s);
}

std::optional<std::vector<std::byte>> draw(SeededRandom& random, std::size_t n = 20) {
  std::vector<std::byte> bytes(n);
  return random.fill(bytes) ? std::optional(bytes) : std::nullopt;
}

TEST(SeededRandom, GivesTheSameForTheSameSeed) {
  SeededRandom a(5), b(5), other(6);
  const auto first = draw(a);
  EXPECT_EQ(first, draw(b));
  EXPECT_NE(first, draw(other));
  const auto second = draw(a);
  EXPECT_EQ(second, draw(b));
  EXPECT_NE(first, second);
}

TEST(SeededRandom, FailsAsOftenAsToldTo) {
  SeededRandom a(5), b(5);
  a.fail(2);
  EXPECT_EQ(draw(a), std::nullopt);
  EXPECT_EQ(draw(a), std::nullopt);
  EXPECT_EQ(draw(a), draw(b));
}

TEST(SeededRandom, RepeatsTheBytesBefore) {
  SeededRandom a(5), b(5);
  const auto first = draw(a);
  a.repeat(2);
  EXPECT_EQ(draw(a), first);
  EXPECT_EQ(draw(a), first);
  static_cast<void>(draw(b));
  EXPECT_EQ(draw(a), draw(b));
}

class FaultyStoreTest : public ::testing::Test {
 protected:
  static constexpr Call call{TimePoint{1s}, {}};

  static Record record(int number) {
    Record r;
    r.key.bytes[0] = static_cast<std::byte>(number);
    r.token = WriteToken{1};
    r.expires_at = TimePoint{10s};
    return r;
  }
  Outcome apply(Verb verb, int number) {
    StoreOp op{verb, record(number), WriteToken{1}, {}};
    try {
      connection_->run({&op, 1}, call);
    } catch (...) {
      EXPECT_EQ(op.outcome, Outcome::unanswered);
      throw;
    }
    return op.outcome;
  }
  std::optional<StoreError::Kind> error_of(const auto& call_it) {
    try {
      call_it();
    } catch (const StoreError& error) {
      return error.kind();
    }
    return std::nullopt;
  }
  std::optional<StoreError::Kind> error_of(Verb verb, int number) {
    return error_of([&] { apply(verb, number); });
  }

  FaultyStore store_{memory::store()};
  std::unique_ptr<StoreConnection> connection_ = open_connection(store_, {});
  static constexpr auto lost = StoreError::Kind::connection_lost;
  static constexpr auto refused = StoreError::Kind::refused;
};

TEST_F(FaultyStoreTest, IsTheStoreItWraps) {
  EXPECT_FALSE(store_.traits().blocking);
  EXPECT_NO_THROW(static_cast<void>(connection_->prepare(call)));
  EXPECT_EQ(apply(Verb::create, 1), Outcome::done);
  EXPECT_EQ(apply(Verb::create, 1), Outcome::exists);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::done);
  EXPECT_EQ(apply(Verb::load, 2), Outcome::missing);
}

TEST_F(FaultyStoreTest, FailsBeforeApplying) {
  store_.next(Verb::create, Fault::fail);
  EXPECT_EQ(error_of(Verb::create, 1), lost);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::missing);
  store_.next(Verb::create, Fault::refuse);
  EXPECT_EQ(error_of(Verb::create, 1), refused);
  EXPECT_EQ(apply(Verb::create, 1), Outcome::done);
}

TEST_F(FaultyStoreTest, LosesTheReplyOfWhatItApplied) {
  store_.next(Verb::create, Fault::lose_reply);
  EXPECT_EQ(error_of(Verb::create, 1), lost);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::done);
}

TEST_F(FaultyStoreTest, AnswersWhatItIsTold) {
  store_.next(Verb::create, Outcome::refused);
  EXPECT_EQ(apply(Verb::create, 1), Outcome::refused);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::missing);
}

TEST_F(FaultyStoreTest, MeetsTheOperationThatWasNamed) {
  store_.next(Verb::load, Fault::fail, 2);
  store_.next(Verb::touch, Outcome::refused);
  apply(Verb::create, 1);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::done);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::done);
  EXPECT_EQ(error_of(Verb::load, 1), lost);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::done);
  EXPECT_EQ(apply(Verb::touch, 1), Outcome::refused);
  EXPECT_EQ(apply(Verb::touch, 1), Outcome::done);
}

TEST_F(FaultyStoreTest, MeetsOneOfABatch) {
  store_.next(Verb::create, Fault::fail, 1);
  std::vector<StoreOp> batch;
  for (int number = 1; number <= 3; ++number) {
    batch.push_back({Verb::create, record(number), {}, {}});
  }
  EXPECT_EQ(error_of([&] { connection_->run(batch, call); }), lost);
  EXPECT_EQ(batch[0].outcome, Outcome::done);
  EXPECT_EQ(batch[1].outcome, Outcome::unanswered);
  EXPECT_EQ(batch[2].outcome, Outcome::unanswered);
  EXPECT_EQ(apply(Verb::load, 1), Outcome::done);
  EXPECT_EQ(apply(Verb::load, 2), Outcome::missing);
  EXPECT_EQ(store_.count(Verb::create), 2u);
}

TEST_F(FaultyStoreTest, IsDownUntilItIsUp) {
  store_.next(Verb::load, Outcome::refused);
  store_.down();
  EXPECT_EQ(error_of(Verb::load, 1), lost);
  EXPECT_EQ(error_of([&] { static_cast<void>(connection_->prepare(call)); }), lost);
  EXPECT_EQ(error_of([&] { connection_->ping(call); }), lost);
  EXPECT_EQ(error_of([&] { connection_->sweep(1, call); }), lost);
  EXPECT_EQ(error_of([&] { static_cast<void>(connection_->list("a", {}, 1, call)); }), lost);
  store_.down(false);
  EXPECT_NO_THROW(static_cast<void>(connection_->prepare(call)));
  EXPECT_EQ(apply(Verb::load, 1), Outcome::refused);  // the fault waited
  EXPECT_EQ(apply(Verb::load, 1), Outcome::missing);
}

TEST_F(FaultyStoreTest, RefusesToPrepare) {
  store_.refuse_prepare("the line");
  try {
    static_cast<void>(connection_->prepare(call));
    FAIL() << "prepared";
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), refused);
    EXPECT_STREQ(error.what(), "the line");
  }
  store_.refuse_prepare({});
  EXPECT_NO_THROW(static_cast<void>(connection_->prepare(call)));
}

TEST_F(FaultyStoreTest, CountsOperations) {
  EXPECT_EQ(store_.count(), 0u);
  apply(Verb::create, 1);
  apply(Verb::load, 1);
  store_.next(Verb::load, Fault::fail);
  EXPECT_EQ(error_of(Verb::load, 1), lost);
  store_.down();
  EXPECT_EQ(error_of(Verb::load, 1), lost);
  EXPECT_EQ(store_.count(Verb::create), 1u);
  EXPECT_EQ(store_.count(Verb::load), 3u);
  EXPECT_EQ(store_.count(Verb::erase), 0u);
  EXPECT_EQ(store_.count(), 4u);
  store_.reset_counts();
  EXPECT_EQ(store_.count(), 0u);
}

}  // namespace
}  // namespace flame::session::test_support
