#include <algorithm>
#include <set>

#include "store_checker.hpp"

namespace flame::inline v0::session::test_support {
namespace {

std::multiset<SessionKey> keys(const std::vector<Record>& records) {
  std::multiset<SessionKey> all;
  for (const auto& record : records) all.insert(record.key);
  return all;
}

std::multiset<SessionKey> keys(std::uint64_t from, std::uint64_t to) {
  std::multiset<SessionKey> all;
  for (auto number = from; number < to; ++number) all.insert(StoreChecker::key(number));
  return all;
}

void create(StoreChecker& c, std::uint64_t from, std::uint64_t to, const std::string& owner) {
  for (auto number = from; number < to; ++number) c.apply(Verb::create, c.record(number, owner));
}

void lists_an_owners_sessions(StoreChecker& c) {
  create(c, 0, 25, "ann");
  create(c, 25, 28, "bob");
  create(c, 28, 30, "");
  auto expired = c.record(30, "ann");
  expired.expires_at = c.now() + 1min;
  c.apply(Verb::create, expired);

  for (const std::size_t limit : {1, 4, 25, 1000}) {
    const auto listed = c.list("ann", limit, c.now() + 1min);
    c.expect(keys(listed) == keys(0, 25), "list: all of an owner's unexpired sessions, each once");
    c.expect(keys(c.list("bob", limit, c.now())) == keys(25, 28), "list: no one else's sessions");
  }
  auto unexpired = keys(0, 25);
  unexpired.insert(expired.key);
  c.expect(keys(c.list("ann", 7, c.now())) == unexpired, "list: what isn't expired yet");
  c.expect(c.list("nobody", 4, c.now()).empty(), "list: nothing of an owner without sessions");
}

void lists_records_without_blobs_in_a_stable_order(StoreChecker& c) {
  create(c, 0, 10, "ann");
  const auto first = c.list("ann", 3, c.now());
  const auto again = c.list("ann", 4, c.now());
  c.expect(first.size() == again.size() &&
               std::ranges::equal(first, again, {}, &Record::key, &Record::key),
           "list: the same order each time");
  for (std::uint64_t number = 0; number < 10; ++number) {
    auto wanted = c.record(number, "ann");
    wanted.blob.clear();
    const auto got = std::ranges::find(first, wanted.key, &Record::key);
    if (got == first.end()) {
      c.fail("list: an owner's session is not there");
    } else {
      c.expect(*got, wanted, "a listed record");
    }
  }
}

// What is there from the first page to the last is listed once, whatever comes and goes meanwhile.
void pages_lose_nothing_while_others_come_and_go(StoreChecker& c) {
  create(c, 0, 40, "ann");
  std::vector<Record> listed;
  auto staying = keys(0, 40);
  const auto erase = [&](const SessionKey& key) {
    c.apply(Verb::erase, {.key = key});
    staying.erase(key);
  };
  OwnerPage page;
  std::uint64_t next = 0;
  do {
    page = c.connection().list("ann", page.next, 5, c.call(c.now()));
    std::ranges::copy(page.records, std::back_inserter(listed));
    create(c, 40 + next, 41 + next, "ann");
    erase(c.key(next++));
    // Also the one that a page ended with, where the next one is to go on.
    if (!page.records.empty()) erase(page.records.back().key);
  } while (!page.next.empty() && next < 40);
  c.expect(page.next.empty(), "list: the pages of an owner end");
  const auto all = keys(listed);
  for (const auto& key : staying) {
    c.expect(all.count(key) == 1, "list: each page goes on where the last one ended");
  }
}

void an_owner_changes(StoreChecker& c) {
  const auto anonymous = c.record(1);
  c.apply(Verb::create, anonymous);
  auto last = anonymous;
  const auto give_to = [&](const std::string& owner) {
    auto next = last;
    next.owner = owner;
    next.token = token(static_cast<std::uint64_t>(last.token) + 1);
    c.expect(c.apply(Verb::replace, next, c.now(), last.token).outcome, Outcome::done,
             "replace with another owner");
    last = next;
  };
  give_to("ann");
  c.expect(keys(c.list("ann", 10, c.now())) == keys(1, 2),
           "list: a session that became an owner's");
  give_to("bob");
  c.expect(c.list("ann", 10, c.now()).empty(), "list: not what became another's");
  c.expect(keys(c.list("bob", 10, c.now())) == keys(1, 2), "list: what became another's");
  give_to("");
  c.expect(c.list("bob", 10, c.now()).empty(), "list: not what became nobody's");
  give_to("ann");
  auto conflicting = last;
  conflicting.owner = "eve";
  c.apply(Verb::replace, conflicting, c.now(), token(77));
  c.expect(c.list("eve", 10, c.now()).empty(), "list: not what a conflict kept from its owner");
  c.expect(keys(c.list("ann", 10, c.now())) == keys(1, 2), "list: what a conflict left an owner");
}

// touch and erase carry the owner as it was last known.
void an_owner_may_be_stale(StoreChecker& c) {
  const std::string known[] = {"", "ann", "bob"};
  create(c, 10, 12, "bob");
  for (std::uint64_t number = 0; number < std::size(known); ++number) {
    auto listed = c.record(number, "ann");
    c.apply(Verb::create, listed);
    listed.last_seen += 1min;
    listed.expires_at += 1min;
    auto touched = listed;
    touched.owner = known[number];
    c.expect(c.apply(Verb::touch, touched).outcome, Outcome::done, "touch with a stale owner");
    c.expect_stored(listed, "touch with a stale owner");
    listed.blob.clear();
    const auto all = c.list("ann", 10, c.now());
    c.expect(all.size() == 1, "list: an owner's session that was touched with a stale owner");
    if (!all.empty()) c.expect(all.front(), listed, "a listed record, touched with a stale owner");
    c.expect(keys(c.list("bob", 10, c.now())) == keys(10, 12), "list: not what was only touched");
    c.expect(c.apply(Verb::erase, touched).outcome, Outcome::done, "erase with a stale owner");
    c.expect_missing(listed.key, "erase with a stale owner", c.now());
    c.expect(c.list("ann", 10, c.now()).empty(), "list: not what was erased with a stale owner");
    c.expect(keys(c.list("bob", 10, c.now())) == keys(10, 12), "list: what is left of another's");
  }
}

// Collations and escapes: two owners are one only if their bytes are.
void owners_are_bytes(StoreChecker& c) {
  std::vector<std::string> owners{"ann",
                                  "Ann",
                                  "ann ",
                                  " ann",
                                  "an",
                                  "annn",
                                  "\xc3\xa4",
                                  "a",
                                  "A\xcc\x88",
                                  "%",
                                  "_",
                                  "'",
                                  std::string(255, 'x'),
                                  std::string(255, '\xff')};
  for (int value = 0; value < 256; ++value) owners.emplace_back(1, static_cast<char>(value));
  std::ranges::sort(owners);
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  owners.push_back(std::string("ann\0", 4));
  for (std::uint64_t i = 0; i < owners.size(); ++i) {
    const auto record = c.record(i, owners[i]);
    c.expect(c.apply(Verb::create, record).outcome, Outcome::done, "create with any owner");
    c.expect_stored(record, "create with any owner");
  }
  for (std::uint64_t i = 0; i < owners.size(); ++i) {
    c.expect(keys(c.list(owners[i], 10, c.now())) == keys(i, i + 1),
             "list: owners of other bytes are other owners");
  }
}

}  // namespace

std::vector<StoreCheck> owner_checks() {
  return {{"ListsAnOwnersSessions", lists_an_owners_sessions},
          {"ListsRecordsWithoutBlobsInAStableOrder", lists_records_without_blobs_in_a_stable_order},
          {"PagesLoseNothingWhileOthersComeAndGo", pages_lose_nothing_while_others_come_and_go},
          {"AnOwnerChanges", an_owner_changes},
          {"AnOwnerMayBeStale", an_owner_may_be_stale},
          {"OwnersAreBytes", owners_are_bytes}};
}

}  // namespace flame::inline v0::session::test_support
