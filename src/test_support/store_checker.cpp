#include "store_checker.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <flame/session/test_support/fake_clock.hpp>
#include <flame/session/test_support/seeded_random.hpp>

namespace flame::inline v0::session::test_support {
namespace {

constexpr auto patience = 10s;  // for a store that hangs
constexpr std::size_t enough_pages = 1000;

Deadline soon() noexcept { return std::chrono::steady_clock::now() + patience; }

std::string_view name(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::unanswered:
      return "unanswered";
    case Outcome::done:
      return "done";
    case Outcome::missing:
      return "missing";
    case Outcome::exists:
      return "exists";
    case Outcome::conflict:
      return "conflict";
    case Outcome::refused:
      return "refused";
    case Outcome::unreadable:
      return "unreadable";
    case Outcome::later:
      return "later";
    case Outcome::unknown:
      return "unknown";
  }
  return "an unknown outcome";
}

std::string differences(const Record& got, const Record& wanted) {
  std::string all;
  const auto compare = [&](bool same, std::string_view field) {
    if (!same) all.append(all.empty() ? "" : ", ").append(field);
  };
  compare(got.key == wanted.key, "key");
  compare(got.token == wanted.token, "token");
  compare(got.owner == wanted.owner, "owner");
  compare(got.created_at == wanted.created_at, "created_at");
  compare(got.last_seen == wanted.last_seen, "last_seen");
  compare(got.expires_at == wanted.expires_at, "expires_at");
  compare(got.blob == wanted.blob, "blob");
  return all;
}

}  // namespace

StoreChecker::StoreChecker(const MakeStore& make) : store_(make()) {
  connection_ = connect();
  const Call first{FakeClock::default_wall, soon()};
  now_ = connection_->clock(first).value_or(first.now);
}

std::unique_ptr<StoreConnection> StoreChecker::connect() const {
  return open_connection(*store_, {FakeClock::default_wall, soon()});
}

Call StoreChecker::call(TimePoint at) const noexcept { return {at, soon()}; }

SessionKey StoreChecker::key(std::uint64_t number) noexcept {
  SessionKey key;
  static_cast<void>(SeededRandom(number).fill(key.bytes));
  return key;
}

Record StoreChecker::record(std::uint64_t number, std::string owner) const {
  return {key(number),
          token(number + 1),
          std::move(owner),
          now_,
          now_,
          now_ + 1h,
          "blob " + std::to_string(number)};
}

Answer StoreChecker::apply(Verb verb, const Record& record, TimePoint at, WriteToken expected) {
  StoreOp op{verb, record, expected, {}};
  run_one(*connection_, op, call(at));
  const bool wrote = (verb == Verb::create || verb == Verb::replace) && op.outcome == Outcome::done;
  if (wrote && op.record.token == record.token && !op.record.blob.empty())
    expect(op.record, record, "what is left of a record that was written");
  return {op.outcome, std::move(op.record)};
}

void StoreChecker::run(std::vector<StoreOp>& batch) {
  std::ranges::sort(batch, {}, [](const StoreOp& op) { return std::pair(op.verb, op.record.key); });
  connection_->run(batch, call(now_));
}

std::vector<Record> StoreChecker::list(std::string_view owner, std::size_t limit, TimePoint at) {
  std::vector<Record> all;
  std::string from;
  for (std::size_t pages = 0; pages < enough_pages; ++pages) {
    auto page = connection_->list(owner, from, limit, call(at));
    expect(page.records.size() <= limit, "list: a page has no more records than its limit");
    std::ranges::move(page.records, std::back_inserter(all));
    if (page.next.empty()) return all;
    from = std::move(page.next);
  }
  fail("list: the pages of an owner never end");
  return all;
}

void StoreChecker::expect(bool right, std::string_view what) {
  if (!right) fail("does not hold: " + std::string(what));
}

void StoreChecker::expect(Outcome got, Outcome wanted, std::string_view what) {
  if (got == wanted) return;
  fail(
      std::string(what).append(": ").append(name(got)).append(", should be ").append(name(wanted)));
}

void StoreChecker::expect(const Record& got, const Record& wanted, std::string_view what) {
  const auto different = differences(got, wanted);
  if (different.empty()) return;
  fail(std::string(what) + ": another " + different + "; blob of " +
       std::to_string(got.blob.size()) + " bytes, should be " + std::to_string(wanted.blob.size()));
}

void StoreChecker::expect_stored(const Record& wanted, std::string_view what, TimePoint at) {
  const auto [outcome, got] = load(wanted.key, at);
  expect(outcome, Outcome::done, std::string(what) + ", then load");
  if (outcome == Outcome::done) expect(got, wanted, std::string(what) + ", then load");
}

void StoreChecker::expect_missing(const SessionKey& key, std::string_view what, TimePoint at) {
  expect(load(key, at).outcome, Outcome::missing, std::string(what) + ", then load");
}

void run_one(StoreConnection& connection, StoreOp& op, const Call& call) {
  connection.run({&op, 1}, call);
  while (op.outcome == Outcome::later && std::chrono::steady_clock::now() < call.deadline) {
    std::this_thread::sleep_for(1ms);
    op.outcome = Outcome::unanswered;
    connection.run({&op, 1}, call);
  }
}

std::vector<StoreCheck> store_checks() {
  std::vector<StoreCheck> all;
  for (const auto& checks :
       {verb_checks(), batch_checks(), owner_checks(), scan_checks(), race_checks()}) {
    all.insert(all.end(), checks.begin(), checks.end());
  }
  return all;
}

std::vector<std::string> failures(const StoreCheck& check, const MakeStore& make) try {
  StoreChecker checker(make);
  try {
    check.run(checker);
  } catch (const std::exception& error) {
    checker.fail(std::string("threw: ") + error.what());
  }
  return std::move(checker).take_failures();
} catch (const std::exception& error) {
  return {std::string("could not be opened: ") + error.what()};
}

}  // namespace flame::inline v0::session::test_support
