#include <algorithm>

#include "store_checker.hpp"

namespace flame::inline v0::session::test_support {
namespace {

std::string every_byte() {
  std::string all;
  for (int value = 0; value < 256; ++value) all += static_cast<char>(value);
  return all;
}

// What each operation of a batch is expected to answer, by verb and key.
struct Expectation {
  StoreOp op;
  Outcome outcome;
};

void run_and_compare(StoreChecker& c, const std::vector<Expectation>& expectations,
                     std::string_view what) {
  std::vector<StoreOp> batch;
  for (const auto& expectation : expectations) batch.push_back(expectation.op);
  c.run(batch);
  for (const auto& expected : expectations) {
    const auto got = std::ranges::find_if(batch, [&](const StoreOp& each) {
      return each.verb == expected.op.verb && each.record.key == expected.op.record.key;
    });
    if (got == batch.end()) {
      c.fail(std::string(what) + ": an operation came back with another verb or key");
    } else {
      c.expect(got->outcome, expected.outcome, what);
    }
  }
}

void mixed_batch(StoreChecker& c) {
  for (std::uint64_t number = 1; number <= 8; ++number) c.apply(Verb::create, c.record(number));
  const auto write = [&](std::uint64_t number) {
    auto written = c.record(number);
    written.token = token(100 + number);
    written.blob = "written";
    return written;
  };
  run_and_compare(c,
                  {{{Verb::load, {.key = c.key(1)}, {}, {}}, Outcome::done},
                   {{Verb::load, {.key = c.key(11)}, {}, {}}, Outcome::missing},
                   {{Verb::create, c.record(12), {}, {}}, Outcome::done},
                   {{Verb::create, write(2), {}, {}}, Outcome::exists},
                   {{Verb::replace, write(3), c.record(3).token, {}}, Outcome::done},
                   {{Verb::replace, write(4), token(77), {}}, Outcome::conflict},
                   {{Verb::replace, write(13), token(14), {}}, Outcome::missing},
                   {{Verb::touch, c.record(5), {}, {}}, Outcome::done},
                   {{Verb::touch, c.record(14), {}, {}}, Outcome::missing},
                   {{Verb::erase, {.key = c.key(6)}, {}, {}}, Outcome::done},
                   {{Verb::erase, {.key = c.key(15)}, {}, {}}, Outcome::done}},
                  "one of a batch of all verbs");
  for (const std::uint64_t number : {1, 2, 4, 5, 7, 8, 12}) {
    c.expect_stored(c.record(number), "a batch of all verbs");
  }
  c.expect_stored(write(3), "a batch of all verbs");
  for (const std::uint64_t number : {6, 11, 13, 14, 15}) {
    c.expect_missing(c.key(number), "a batch of all verbs", c.now());
  }
}

// As many operations of one verb as the store takes at once; each third is one that cannot be done.
void full_batches(StoreChecker& c) {
  const std::uint64_t n = c.traits().writes.max_batch;
  const auto fails = [](std::uint64_t number) { return number % 3 == 1; };
  const auto all = [&](auto&& expectation) {
    std::vector<Expectation> expectations;
    for (std::uint64_t number = 0; number < n; ++number)
      expectations.push_back(expectation(number));
    return expectations;
  };
  const auto written = [&](std::uint64_t number) {
    auto record = c.record(number, number % 2 == 0 ? "ann" : "");
    record.token = token(5000 + number);
    record.blob = "new " + std::to_string(number);
    return record;
  };
  for (std::uint64_t number = 1; number < n; number += 3) c.apply(Verb::create, c.record(number));

  run_and_compare(
      c, all([&](std::uint64_t i) -> Expectation {
        return {{Verb::create, c.record(i), {}, {}}, fails(i) ? Outcome::exists : Outcome::done};
      }),
      "one of a full batch of creates");
  for (std::uint64_t i = 0; i < n; ++i) c.expect_stored(c.record(i), "a full batch of creates");

  run_and_compare(c, all([&](std::uint64_t i) -> Expectation {
                    return {{Verb::replace, written(i), token(fails(i) ? 9000 : i + 1), {}},
                            fails(i) ? Outcome::conflict : Outcome::done};
                  }),
                  "one of a full batch of replaces");
  const auto stored = [&](std::uint64_t i) { return fails(i) ? c.record(i) : written(i); };
  for (std::uint64_t i = 0; i < n; ++i) c.expect_stored(stored(i), "a full batch of replaces");

  run_and_compare(
      c, all([&](std::uint64_t i) -> Expectation {
        return {{Verb::erase, {.key = c.key(fails(i) ? i : i + n)}, {}, {}}, Outcome::done};
      }),
      "one of a full batch of erases");
  run_and_compare(
      c, all([&](std::uint64_t i) -> Expectation {
        auto touched = stored(i);
        touched.expires_at += 1h;
        return {{Verb::touch, touched, {}, {}}, fails(i) ? Outcome::missing : Outcome::done};
      }),
      "one of a full batch of touches");
  for (std::uint64_t i = 0; i < n; ++i) {
    auto record = stored(i);
    record.expires_at += 1h;
    if (fails(i)) {
      c.expect_missing(record.key, "a full batch of erases", c.now());
    } else {
      c.expect_stored(record, "a full batch of touches");
    }
  }
}

void a_conflict_in_a_batch_brings_its_own_record(StoreChecker& c) {
  std::vector<StoreOp> batch;
  for (std::uint64_t number = 0; number < 8; ++number) {
    c.apply(Verb::create, c.record(number, "ann"));
    batch.push_back(
        {Verb::replace, c.record(number), token(number % 2 == 0 ? 77 : number + 1), {}});
  }
  c.run(batch);
  for (const auto& op : batch) {
    if (op.outcome != Outcome::conflict) continue;
    const auto newest = c.load(op.record.key, c.now()).record;
    c.expect(op.record, newest, "the record that a conflict in a batch brings along");
    c.expect(op.record.owner == "ann", "a conflict in a batch leaves its record alone");
  }
}

void any_bytes(StoreChecker& c) {
  const auto all = every_byte();
  std::uint64_t number = 0;
  const std::string blobs[] = {"",          all,        std::string(3, '\0'),
                               "'; --\\\"", "\xff\xfe", "text\n\r\t "};
  for (const auto& blob : blobs) {
    auto record = c.record(++number);
    record.blob = blob;
    c.expect(c.apply(Verb::create, record).outcome, Outcome::done, "create with any bytes");
    c.expect_stored(record, "create with any bytes");
    auto written = record;
    written.token = token(500);
    written.blob = all + blob;
    c.expect(c.apply(Verb::replace, written, c.now(), record.token).outcome, Outcome::done,
             "replace with any bytes");
    c.expect_stored(written, "replace with any bytes");
  }
  for (const int value : {0x00, 0x01, 0x27, 0x7f, 0x80, 0xff}) {
    auto record = c.record(++number);
    record.key.bytes.fill(static_cast<std::byte>(value));
    c.expect(c.apply(Verb::create, record).outcome, Outcome::done, "create with any key");
    c.expect_stored(record, "create with any key");
  }
}

void large_blobs(StoreChecker& c) {
  const auto largest = c.traits().max_record;
  const auto pattern = [](std::size_t size) {
    std::string blob(size, '\0');
    for (std::size_t i = 0; i < size; ++i) blob[i] = static_cast<char>(i * 31 + i / 256);
    return blob;
  };
  auto record = c.record(1);
  record.blob = pattern(largest);
  c.expect(c.apply(Verb::create, record).outcome, Outcome::done, "create of max_record bytes");
  c.expect_stored(record, "create of max_record bytes");
  for (const auto size : {largest / 2, largest}) {
    auto written = record;
    written.token = token(size);
    written.blob = pattern(size);
    std::ranges::reverse(written.blob);
    c.expect(c.apply(Verb::replace, written, c.now(), record.token).outcome, Outcome::done,
             "replace by a large blob");
    c.expect_stored(written, "replace by a large blob");
    record = written;
  }
}

/// Where the backend removes them by its own clock, nothing has expired by that yet.
void sweep_removes_expired_ones_alone(StoreChecker& c) {
  const bool by_us = !c.traits().expires_by_itself;
  constexpr std::uint64_t expired = 10, live = 5;
  for (std::uint64_t number = 0; number < expired + live; ++number) {
    auto record = c.record(number, number % 2 == 0 ? "ann" : "");
    if (number < expired) record.expires_at = c.now() + 1min;
    c.apply(Verb::create, record);
  }
  c.expect(c.connection().sweep(100, c.call(c.now() + 1min - 1ms)) == 0,
           "sweep removes nothing before it expires");
  const auto later = c.now() + 1min;
  std::size_t swept = 0;
  for (int calls = 0; by_us && calls < 1000 && swept < expired; ++calls) {
    const auto n = c.connection().sweep(3, c.call(later));
    c.expect(n <= 3, "sweep removes no more than its limit");
    swept += n;
  }
  if (by_us) c.expect(swept == expired, "sweep removes all that expired, and says so");
  c.expect(c.connection().sweep(100, c.call(later)) == 0, "sweep ends");
  for (std::uint64_t number = 0; number < expired; ++number) {
    const auto at = by_us ? c.now() : later;
    c.expect_missing(c.key(number), "sweep, seen from before its time", at);
  }
  for (auto number = expired; number < expired + live; ++number) {
    c.expect_stored(c.record(number, number % 2 == 0 ? "ann" : ""), "sweep", later);
  }
}

}  // namespace

std::vector<StoreCheck> batch_checks() {
  return {{"MixedBatch", mixed_batch},
          {"FullBatches", full_batches},
          {"AConflictInABatchBringsItsOwnRecord", a_conflict_in_a_batch_brings_its_own_record},
          {"AnyBytes", any_bytes},
          {"LargeBlobs", large_blobs},
          {"SweepRemovesExpiredOnesAlone", sweep_removes_expired_ones_alone}};
}

}  // namespace flame::inline v0::session::test_support
