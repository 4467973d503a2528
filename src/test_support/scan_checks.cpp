#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "store_checker.hpp"

namespace flame::inline v0::session::test_support {
namespace {

using Keys = std::set<SessionKey>;

constexpr std::uint64_t sessions = 300;

/// Those that an order may stumble over: the least and the greatest, neighbours, and first bytes
/// that are all one's.
std::vector<SessionKey> edges() {
  std::vector<SessionKey> all(6);
  all[1].bytes.back() = std::byte{1};
  all[2].bytes.front() = std::byte{0x80};
  all[3].bytes.fill(std::byte{0xff});
  all[4] = all[3];
  all[4].bytes.back() = std::byte{0xfe};
  all[5] = all[3];
  all[5].bytes.front() = std::byte{0};
  return all;
}

/// Sessions of somebody's and of nobody's.
Keys create(StoreChecker& c, std::vector<SessionKey> keys) {
  const Keys all(keys.begin(), keys.end());
  for (std::span<const SessionKey> rest(keys); !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), c.traits().writes.max_batch));
    rest = rest.subspan(some.size());
    std::vector<StoreOp> batch;
    for (const auto& key : some) {
      auto record = c.record(batch.size(), batch.size() % 3 == 0 ? "" : "ann");
      record.key = key;
      batch.push_back({Verb::create, std::move(record), {}, {}});
    }
    c.run(batch);
    for (const auto& op : batch) c.expect(op.outcome, Outcome::done, "create, for a scan");
  }
  return all;
}

Keys create_many(StoreChecker& c) {
  auto keys = edges();
  for (std::uint64_t number = 0; number < sessions; ++number) keys.push_back(c.key(number));
  return create(c, std::move(keys));
}

/// All pages; between two of them `meanwhile` is called with the one before.
template <class F>
Keys scan(StoreChecker& c, std::size_t limit, F meanwhile) {
  constexpr std::size_t enough = 100'000;
  Keys all;
  std::string from;
  for (std::size_t pages = 0; pages < enough; ++pages) {
    auto page = c.connection().scan(from, limit, c.call(c.now()));
    all.insert(page.keys.begin(), page.keys.end());
    if (page.next.empty()) return all;
    meanwhile(page);
    from = std::move(page.next);
  }
  c.fail("scan: the pages never end");
  return all;
}

Keys scan(StoreChecker& c, std::size_t limit) {
  return scan(c, limit, [](const KeyPage&) {});
}

void expect_all(StoreChecker& c, const Keys& found, const Keys& wanted, const char* what) {
  c.expect(std::ranges::includes(found, wanted), what);
}

void scans_all_sessions(StoreChecker& c) {
  const auto all = create_many(c);
  for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, all.size(), std::size_t{5000}})
    expect_all(c, scan(c, limit), all, "scan: every session comes, whoever's");
}

void scans_nothing_of_an_empty_store(StoreChecker& c) {
  for (const std::size_t limit : {1, 1000}) {
    const auto found = scan(c, limit);
    c.expect(found.empty(), "scan: an empty store has no keys");
  }
  create(c, {c.key(1)});
  for (const std::size_t limit : {1, 1000})
    c.expect(scan(c, limit) == Keys{c.key(1)}, "scan: the only session of a store");
}

// Also where the one that a page ended with goes, from which the next one is to go on.
void a_scan_loses_nothing_while_others_come_and_go(StoreChecker& c) {
  auto staying = create_many(c);
  std::uint64_t next = sessions;
  const auto found = scan(c, 7, [&](const KeyPage& page) {
    if (next == 2 * sessions) return;
    create(c, {c.key(next++)});
    if (page.keys.empty()) return;
    c.apply(Verb::erase, {.key = page.keys.back()});
    staying.erase(page.keys.back());
    const auto& first = *staying.begin();
    c.apply(Verb::erase, {.key = first});
    staying.erase(first);
  });
  expect_all(c, found, staying, "scan: what stays comes, whatever comes and goes meanwhile");
}

void a_scan_loses_nothing_beside_a_writer(StoreChecker& c) {
  const auto staying = create_many(c);
  std::atomic<bool> over{false};
  std::string failure;
  std::thread writer([&] {
    try {
      const auto connection = c.connect();
      for (std::uint64_t number = 0; !over; ++number) {
        StoreOp op{Verb::create, c.record(sessions + number % 200), {}, {}};
        if (number % 400 >= 200) op.verb = Verb::erase;
        run_one(*connection, op, c.call(c.now()));
      }
    } catch (const std::exception& error) {
      failure = error.what();
    }
  });
  try {
    for (int i = 0; i < 5; ++i)
      expect_all(c, scan(c, 50), staying, "scan: what stays comes, beside a writer");
  } catch (const std::exception& error) {
    c.fail(std::string("scan beside a writer threw: ") + error.what());
  }
  over = true;
  writer.join();
  c.expect(failure.empty(), "writing beside a scan: " + failure);
}

}  // namespace

std::vector<StoreCheck> scan_checks() {
  return {{"ScansAllSessions", scans_all_sessions},
          {"ScansNothingOfAnEmptyStore", scans_nothing_of_an_empty_store},
          {"AScanLosesNothingWhileOthersComeAndGo", a_scan_loses_nothing_while_others_come_and_go},
          {"AScanLosesNothingBesideAWriter", a_scan_loses_nothing_beside_a_writer}};
}

}  // namespace flame::inline v0::session::test_support
