#include <limits>
#include <tuple>

#include "store_checker.hpp"

namespace flame::inline v0::session::test_support {
namespace {

void create_then_load(StoreChecker& c) {
  const auto nobodys = c.record(1);
  const auto owned = c.record(2, "ann");
  c.expect(c.apply(Verb::create, nobodys).outcome, Outcome::done, "create");
  c.expect(c.apply(Verb::create, owned).outcome, Outcome::done, "create with an owner");
  c.expect_stored(nobodys, "create");
  c.expect_stored(owned, "create with an owner");
  c.expect_missing(c.key(3), "nothing", c.now());
}

void create_never_overwrites(StoreChecker& c) {
  const auto first = c.record(1, "ann");
  auto second = c.record(2, "eve");
  second.key = first.key;
  c.apply(Verb::create, first);
  const auto [outcome, given] = c.apply(Verb::create, second);
  c.expect(outcome, Outcome::exists, "create of a key that is taken");
  c.expect(given, second, "the record of an operation that found its key taken");
  c.expect_stored(first, "create of a key that is taken");
  c.expect(c.apply(Verb::create, first).outcome, Outcome::exists, "the same create again");
}

void create_over_an_expired_record(StoreChecker& c) {
  const auto old = c.record(1, "ann");
  c.apply(Verb::create, old);
  auto fresh = c.record(2, "bob");
  fresh.key = old.key;
  fresh.expires_at = old.expires_at + 1h;
  const auto later = old.expires_at + 1ms;
  c.expect(c.apply(Verb::create, fresh, later).outcome, Outcome::done,
           "create over an expired record");
  c.expect_stored(fresh, "create over an expired record", later);
  c.expect(c.list("ann", 10, later).empty(),
           "an expired record's owner does not keep its successor");
  c.expect(c.list("bob", 10, later).size() == 1,
           "the owner of a create over an expired record has it");
}

// An event tells of the end, by the times and what the blob says of the login. A store that has
// removed the record by then leaves nothing; a part would be told as if it were the whole.
void load_leaves_what_expired(StoreChecker& c) {
  auto present = c.record(1, "ann");
  present.created_at -= 1min;
  c.apply(Verb::create, present);
  present.last_seen += 30min;
  present.expires_at += 30min;
  c.apply(Verb::touch, present);
  const auto all_of = [](const Record& r) {
    return std::tuple(r.token, r.owner, r.created_at, r.last_seen, r.expires_at, r.blob);
  };
  const auto none = all_of({});
  const auto [outcome, left] = c.load(present.key, present.expires_at);
  c.expect(outcome, Outcome::missing, "load when the record ends");
  c.expect(all_of(left) == none || all_of(left) == all_of(present),
           "load of an expired record leaves all of it, or nothing");
  c.expect(left.key == present.key, "load of an expired record leaves the key as it was");
  c.expect(all_of(c.load(c.key(2), c.now()).record) == none, "load of nothing leaves nothing");
}

// Outcomes at 1 ms before the end, at it and 1 ms after it; each on a record of its own.
void expiry_is_exact(StoreChecker& c) {
  std::uint64_t number = 0;
  const auto outcome_at = [&](Verb verb, std::chrono::milliseconds offset) {
    const auto present = c.record(++number);
    c.apply(Verb::create, present);
    auto written = present;
    written.expires_at += 1h;
    written.token = token(1000 + number);
    return c.apply(verb, written, present.expires_at + offset, present.token).outcome;
  };
  for (const auto& [verb, what] :
       {std::pair(Verb::load, "load"), std::pair(Verb::replace, "replace"),
        std::pair(Verb::touch, "touch")}) {
    const std::string text = what;
    c.expect(outcome_at(verb, -1ms), Outcome::done, text + " 1 ms before the record ends");
    c.expect(outcome_at(verb, 0ms), Outcome::missing, text + " when the record ends");
    c.expect(outcome_at(verb, 1ms), Outcome::missing, text + " 1 ms after the record ended");
  }
  c.expect(outcome_at(Verb::create, -1ms), Outcome::exists, "create 1 ms before the record ends");
  c.expect(outcome_at(Verb::create, 0ms), Outcome::done, "create when the record ends");
  c.expect(outcome_at(Verb::create, 1ms), Outcome::done, "create 1 ms after the record ended");
  c.expect(outcome_at(Verb::erase, 1ms), Outcome::done, "erase of an expired record");
}

void replace_writes_every_field(StoreChecker& c) {
  const auto old = c.record(1, "ann");
  c.apply(Verb::create, old);
  auto fresh = c.record(2, "bob");
  fresh.key = old.key;
  fresh.created_at += 1min;
  fresh.last_seen += 2min;
  fresh.expires_at += 3min;
  c.expect(c.apply(Verb::replace, fresh, c.now(), old.token).outcome, Outcome::done, "replace");
  c.expect_stored(fresh, "replace");
  auto again = fresh;
  again.token = token(99);
  again.blob.clear();
  c.expect(c.apply(Verb::replace, again, c.now(), fresh.token).outcome, Outcome::done,
           "replace with the token of the replace before");
  c.expect_stored(again, "replace by an empty blob");
}

// Also for tokens that are one number to who reads them as double, signed or 32 bits.
void replace_needs_the_token(StoreChecker& c) {
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  constexpr std::uint64_t pairs[][2] = {{1, 2},
                                        {(1ull << 53) + 1, 1ull << 53},
                                        {largest, largest - 1},
                                        {largest, largest >> 1},
                                        {1, (1ull << 32) + 1},
                                        {1ull << 63, 1}};
  std::uint64_t number = 0;
  for (const auto& [held, other] : pairs) {
    auto present = c.record(++number, "ann");
    present.token = token(held);
    c.apply(Verb::create, present);
    auto written = c.record(number, "eve");
    written.token = token(7);
    written.blob = "wrong";
    const auto [outcome, newest] = c.apply(Verb::replace, written, c.now(), token(other));
    c.expect(outcome, Outcome::conflict, "replace that expects another token");
    if (outcome == Outcome::conflict) {
      c.expect(newest, present, "the record that a conflict brings along");
    }
    c.expect_stored(present, "replace that expects another token");
    c.expect(c.apply(Verb::replace, written, c.now(), token(held)).outcome, Outcome::done,
             "replace that expects the token");
  }
}

void replace_never_creates(StoreChecker& c) {
  const auto absent = c.record(1);
  const auto [outcome, given] = c.apply(Verb::replace, absent, c.now(), absent.token);
  c.expect(outcome, Outcome::missing, "replace of nothing");
  c.expect(given, absent, "the record of an operation that found nothing");
  c.expect_missing(absent.key, "replace of nothing", c.now());

  const auto erased = c.record(2, "ann");
  c.apply(Verb::create, erased);
  c.apply(Verb::erase, erased);
  c.expect(c.apply(Verb::replace, erased, c.now(), erased.token).outcome, Outcome::missing,
           "replace after erase");
  c.expect_missing(erased.key, "replace after erase", c.now());

  const auto expired = c.record(3);
  c.apply(Verb::create, expired);
  auto written = expired;
  written.expires_at += 2h;
  c.expect(c.apply(Verb::replace, written, expired.expires_at, expired.token).outcome,
           Outcome::missing, "replace of an expired record");
  c.expect_missing(expired.key, "replace of an expired record", expired.expires_at);
}

// A touch between the load and the replace of a request must not be undone by it.
void replace_never_shortens(StoreChecker& c) {
  const auto present = c.record(1);
  c.apply(Verb::create, present);
  auto written = present;
  written.token = token(9);
  written.expires_at -= 30min;
  c.expect(c.apply(Verb::replace, written, c.now(), present.token).outcome, Outcome::done,
           "replace");
  written.expires_at = present.expires_at;
  c.expect_stored(written, "replace with an earlier end");
}

void touch_moves_the_end_alone(StoreChecker& c) {
  const auto present = c.record(1, "ann");
  c.apply(Verb::create, present);
  auto touched = present;
  touched.last_seen += 30min;
  touched.expires_at += 30min;
  c.expect(c.apply(Verb::touch, {.key = present.key,
                                 .last_seen = touched.last_seen,
                                 .expires_at = touched.expires_at})
               .outcome,
           Outcome::done, "touch");
  c.expect_stored(touched, "touch");
  c.expect_stored(touched, "touch, and the old end passed", present.expires_at + 1ms);
  c.expect_missing(present.key, "touch, and the new end came", touched.expires_at);
  auto written = touched;
  written.token = token(9);
  c.expect(c.apply(Verb::replace, written, c.now(), present.token).outcome, Outcome::done,
           "replace with the token from before a touch");
}

void touch_never_shortens(StoreChecker& c) {
  const auto present = c.record(1);
  c.apply(Verb::create, present);
  auto touched = present;
  touched.expires_at -= 30min;
  c.expect(c.apply(Verb::touch, touched).outcome, Outcome::done, "touch with an earlier end");
  c.expect_stored(present, "touch with an earlier end");
}

// A clock that was a day ahead must leave no session that outlives its timeouts.
void touch_sets_back_what_is_ahead(StoreChecker& c) {
  std::uint64_t number = 0;
  const auto after_touch = [&](std::chrono::milliseconds ahead, bool by_touch) {
    auto present = c.record(++number, by_touch ? "ann" : "");
    const auto right = present;
    if (by_touch) c.apply(Verb::create, present);
    present.last_seen += ahead;
    present.expires_at += 24h;
    c.apply(by_touch ? Verb::touch : Verb::create, present);
    c.expect_stored(present, "a last_seen ahead of store time");
    c.expect(c.apply(Verb::touch, right).outcome, Outcome::done, "touch with earlier times");
    c.expect_stored(ahead > 0ms ? right : present,
                    "touch where last_seen was ahead by " + std::to_string(ahead.count()) + " ms");
    c.expect(c.apply(Verb::replace, right, c.now(), present.token).outcome, Outcome::done,
             "replace with the token from before that touch");
  };
  for (const auto ahead : {0ms, 1ms, std::chrono::milliseconds(24h)}) {
    after_touch(ahead, true);
    after_touch(ahead, false);
  }
}

void replace_sets_back_what_is_ahead(StoreChecker& c) {
  std::uint64_t number = 0;
  for (const auto ahead : {0ms, 1ms, std::chrono::milliseconds(24h)}) {
    auto present = c.record(++number);
    auto written = present;
    written.token = token(1000 + number);
    present.last_seen += ahead;
    present.expires_at += 24h;
    c.apply(Verb::create, present);
    c.expect(c.apply(Verb::replace, written, c.now(), present.token).outcome, Outcome::done,
             "replace with earlier times");
    if (ahead == 0ms) written.expires_at = present.expires_at;
    c.expect_stored(
        written, "replace where last_seen was ahead by " + std::to_string(ahead.count()) + " ms");
    c.expect_missing(written.key, "that, and its end came", written.expires_at);
  }
}

void touch_never_revives(StoreChecker& c) {
  c.expect(c.apply(Verb::touch, c.record(1)).outcome, Outcome::missing, "touch of nothing");
  c.expect_missing(c.key(1), "touch of nothing", c.now());

  const auto erased = c.record(2);
  c.apply(Verb::create, erased);
  c.apply(Verb::erase, erased);
  c.expect(c.apply(Verb::touch, erased).outcome, Outcome::missing, "touch after erase");
  c.expect_missing(erased.key, "touch after erase", c.now());

  const auto expired = c.record(3);
  c.apply(Verb::create, expired);
  auto touched = expired;
  touched.expires_at += 2h;
  c.expect(c.apply(Verb::touch, touched, expired.expires_at).outcome, Outcome::missing,
           "touch of an expired record");
  c.expect_missing(expired.key, "touch of an expired record", expired.expires_at);
}

void erase_ends(StoreChecker& c) {
  const auto present = c.record(1, "ann");
  c.apply(Verb::create, present);
  c.expect(c.apply(Verb::erase, {.key = present.key}).outcome, Outcome::done, "erase");
  c.expect_missing(present.key, "erase", c.now());
  c.expect(c.list("ann", 10, c.now()).empty(), "an erased record is not listed");
  c.expect(c.apply(Verb::erase, {.key = present.key}).outcome, Outcome::done, "erase of nothing");
  c.expect(c.apply(Verb::create, present).outcome, Outcome::done, "create after erase");
  c.expect_stored(present, "create after erase");
}

}  // namespace

std::vector<StoreCheck> verb_checks() {
  return {{"CreateThenLoad", create_then_load},
          {"CreateNeverOverwrites", create_never_overwrites},
          {"CreateOverAnExpiredRecord", create_over_an_expired_record},
          {"ExpiryIsExact", expiry_is_exact},
          {"LoadLeavesWhatExpired", load_leaves_what_expired},
          {"ReplaceWritesEveryField", replace_writes_every_field},
          {"ReplaceNeedsTheToken", replace_needs_the_token},
          {"ReplaceNeverCreates", replace_never_creates},
          {"ReplaceNeverShortens", replace_never_shortens},
          {"TouchMovesTheEndAlone", touch_moves_the_end_alone},
          {"TouchNeverShortens", touch_never_shortens},
          {"TouchSetsBackWhatIsAhead", touch_sets_back_what_is_ahead},
          {"ReplaceSetsBackWhatIsAhead", replace_sets_back_what_is_ahead},
          {"TouchNeverRevives", touch_never_revives},
          {"EraseEnds", erase_ends}};
}

}  // namespace flame::inline v0::session::test_support
