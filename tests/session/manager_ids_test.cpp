#include <string>

#include "manager_fixture.hpp"
#include "values/documents.hpp"

namespace flame::session {
namespace {

using namespace tests;

class ManagerIds : public ManagerTest {
 protected:
  /// What this cookie says opens nothing, and a write under it makes a session with another ID.
  void expect_never_adopted(const std::string& cookie, const std::string& what) {
    auto session = load(cookie);
    EXPECT_FALSE(session.exists()) << what;
    EXPECT_TRUE(session.keys().empty()) << what;
    session.set("n", 77);
    const auto answer = commit(session);
    ASSERT_EQ(answer.id().size(), 43U) << what;
    EXPECT_NE(answer.id(), cookie.substr(cookie.find('=') + 1, 43)) << what;
    EXPECT_NE(answer.id().substr(0, 16), cookie.substr(cookie.find('=') + 1, 16)) << what;
    EXPECT_EQ(n_of(answer.cookie()), 77) << what;
  }
};

TEST_F(ManagerIds, AnIdThatThisStoreDidNotIssueIsNeverAdopted) {
  const auto cookie = visitor();
  const auto prefix = std::string("__Host-session=");
  const auto id = cookie.substr(prefix.size());
  expect_never_adopted(prefix + std::string(43, 'A'), "unknown");
  expect_never_adopted(prefix + "short", "malformed");
  expect_never_adopted(prefix + id.substr(0, 16), "the key alone");
  expect_never_adopted(prefix + id.substr(0, 16) + std::string(27, 'A'), "another secret");
  auto other_selector = id;
  other_selector[0] = other_selector[0] == 'A' ? 'B' : 'A';
  expect_never_adopted(prefix + other_selector, "another selector");
  const auto destroyed = visitor();
  request(destroyed, [](Session& s) { s.destroy(); });
  expect_never_adopted(destroyed, "destroyed");
  EXPECT_EQ(n_of(cookie), 1) << "the real one is as it was";
  advance(options.idle_timeout);
  expect_never_adopted(cookie, "expired");
}

TEST_F(ManagerIds, TheHashOpensNothing) {
  const auto cookie = visitor();
  const auto blob = stored(cookie).blob;
  // Any 20 bytes of what the store keeps, presented as the secret.
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (std::size_t from = 0; from + 20 <= blob.size(); ++from) {
    std::string secret;
    std::uint32_t bits = 0;
    int count_of_bits = 0;
    for (const unsigned char c : blob.substr(from, 20)) {
      bits = bits << 8 | c;
      for (count_of_bits += 8; count_of_bits >= 6; count_of_bits -= 6)
        secret += alphabet[bits >> (count_of_bits - 6) & 63];
    }
    secret += alphabet[bits << (6 - count_of_bits) & 63];
    ASSERT_EQ(secret.size(), 27U);
    EXPECT_FALSE(load(cookie.substr(0, cookie.find('=') + 17) + secret).exists());
  }
}

TEST_F(ManagerIds, ApplicationsOnOneStoreCannotMeet) {
  options.application = "shop";
  const auto cookie = visitor();
  restart();
  options.application = "forum";
  expect_never_adopted(cookie, "of another application");
  restart();
  options.application = "shop";
  EXPECT_EQ(n_of(cookie), 1);
}

TEST_F(ManagerIds, ACollisionDrawsAnotherId) {
  const auto first = visitor();
  random.repeat(2);
  const auto second = request({}, [](Session& s) { s.set("n", 2); }).cookie();
  EXPECT_NE(first, second);
  EXPECT_NE(key_of(first), key_of(second));
  EXPECT_EQ(n_of(first), 1);
  EXPECT_EQ(n_of(second), 2);
  EXPECT_GT(store->count(Verb::create), 2U) << "the repeated ID was tried";
}

TEST_F(ManagerIds, WithoutRandomBytesNoSession) {
  manager();
  random.fail();
  auto session = load();
  session.set("n", 1);
  const auto failed = commit(session);
  ASSERT_FALSE(failed.result);
  EXPECT_EQ(failed.result.error().code, Errc::random_failed);
  EXPECT_EQ(store->count(), 0U);
  const auto cookie = visitor();
  random.fail(100);
  auto renewing = load(cookie);
  renewing.regenerate();
  renewing.set("n", 2);
  const auto kept = commit(renewing);
  ASSERT_FALSE(kept.result);
  EXPECT_EQ(kept.result.error().code, Errc::random_failed);
  EXPECT_EQ(n_of(cookie), 1) << "undone whole";
}

TEST_F(ManagerIds, RejectionsAreToldWithTheKeyWhereThereIsOne) {
  const auto cookie = visitor();
  told().clear();
  read("__Host-session=malformed");
  ASSERT_EQ(names(), Names{"id_rejected"});
  EXPECT_EQ(told()[0].key, "");
  read("__Host-session=" + std::string(43, 'A'));
  EXPECT_EQ(told()[1].key, std::string(16, 'A'));
  read(cookie.substr(0, cookie.find('=') + 17) + std::string(27, 'A'));
  EXPECT_EQ(told()[2].key, to_string(key_of(cookie)));
  EXPECT_EQ(names(), (Names{"id_rejected", "id_rejected", "id_rejected"}));
}

TEST_F(ManagerIds, NoIdNoSecretNoValueInEventsErrorsOrTheStore) {
  std::vector<std::string> secrets{"canary-value", "canary-owner", "canary-flash", "canary-key"};
  std::string said;
  const auto hear = [&](const Answer& answer) {
    if (!answer.id().empty()) secrets.push_back(answer.id().substr(16));
    if (!answer.result) said += answer.result.error().text + "\n";
    return answer.cookie();
  };
  options.max_bytes = 200;
  auto cookie =
      hear(request({}, [](Session& s) { s.set("canary-key", std::string("canary-value")); }));
  cookie = hear(request(cookie, [](Session& s) {
    s.set_owner("canary-owner"), s.set_flash(std::string("canary-flash"));
  }));
  const auto old = cookie;
  cookie = hear(request(cookie, [](Session& s) { s.regenerate(); }));
  auto blobs = stored(cookie).blob;
  auto in_flight = load(cookie);
  in_flight.set("canary-key", 1);
  read(old);
  hear(request(old, [](Session& s) { s.set("canary-key", 2); }));
  read(cookie + "; " + old);
  read(cookie + "; " + hear(request({}, [](Session& s) { s.set("canary-key", 1); })));
  hear(request(cookie, [](Session& s) {
    s.update("canary-key", 0, [](int) -> int { throw std::runtime_error("canary-value"); });
  }));
  hear(request(cookie, [](Session& s) {
    for (char c = 'a'; c < 'e'; ++c) s.set(std::string("canary-key") + c, std::string(90, c));
  }));
  for (const auto verb : {Verb::replace, Verb::erase}) {
    for (std::size_t i = 0; i < (verb == Verb::erase ? 1U : 3U); ++i)
      store->next(verb, Fault::refuse, i);
    hear(request(cookie,
                 [&](Session& s) { verb == Verb::erase ? s.destroy() : s.set("canary-key", 1); }));
  }
  store->next(Verb::load, Fault::fail);
  static_cast<void>(try_load(cookie));
  for (const auto* text : {"x\r\nSet-Cookie: canary-value", "canary-value canary-value"}) try {
      Session().set(std::string(300, 'k') + text, 1);
    } catch (const ValueError& error) {
      said += error.what();
    }
  hear(request(cookie, [](Session& s) { s.destroy(); }));
  hear(commit(in_flight));
  ASSERT_GE(secrets.size(), 7U);
  for (const auto& each : told()) said += each.name + " " + each.key + " " + each.text + "\n";
  for (const auto* name : {"created", "renewed", "destroyed", "dropped", "id_rejected",
                           "dup_cookie", "store_down", "store_refused"})
    EXPECT_NE(said.find(name), std::string::npos) << "not exercised: " << name;
  for (const auto& secret : secrets) {
    EXPECT_EQ(said.find(secret), std::string::npos) << secret << " in\n" << said;
    if (!secret.starts_with("canary")) {
      EXPECT_EQ(blobs.find(secret), std::string::npos);
      EXPECT_EQ(blobs.find(secret.substr(0, 10)), std::string::npos);
    }
  }
}

TEST_F(ManagerIds, AnUnreadableRecordIsAbsentToldOnceAndLeftAlone) {
  const auto damage = [](Record& record) { record.blob[record.blob.size() / 2] ^= 4; };
  const auto newer = [](Record& record) { record.blob[3] = 3; };
  const auto foreign = [](Record& record) { record.blob = "{\"json\": true}"; };
  for (const std::function<void(Record&)>& spoil :
       std::vector<std::function<void(Record&)>>{damage, newer, foreign}) {
    const auto cookie = visitor();
    auto record = stored(cookie);
    const auto token = record.token;
    spoil(record);
    record.token = WriteToken{4711};
    replace_stored(record, token);
    told().clear();
    for (int i = 0; i < 3; ++i) expect_never_adopted(cookie, "unreadable");
    EXPECT_EQ(count(event::decode_failed), 1U) << "once, not at each request";
    EXPECT_EQ(told().front().key, to_string(record.key));
    request(cookie, [](Session& s) { s.destroy(); });
    const auto after = stored(cookie);
    EXPECT_EQ(after.blob, record.blob) << "left as it is";
    EXPECT_EQ(after.token, WriteToken{4711});
  }
}

TEST_F(ManagerIds, AStrangersSecretDoesNotGetAsFarAsTheValues) {
  const auto cookie = visitor();
  auto record = stored(cookie);
  Header header;
  std::string_view payload;
  ASSERT_EQ(open_envelope(record.blob, record.key, header, payload), Opened::done);
  record.blob = blob_of(header, record.key, "no map of values");
  replace_stored(record, record.token);
  told().clear();
  EXPECT_EQ(n_of(cookie.substr(0, cookie.size() - 27) + std::string(27, 'A')), -1);
  EXPECT_EQ(names(), std::vector<std::string>{"id_rejected"});
  EXPECT_EQ(n_of(cookie), -1);
  EXPECT_EQ(names().back(), "decode_failed");
}

TEST_F(ManagerIds, TheRecordOfAnotherKeyIsRefused) {
  const auto mine = visitor(), yours = visitor();
  auto moved = stored(yours);
  const auto own = stored(mine);
  moved.key = own.key;
  replace_stored(moved, own.token);
  EXPECT_EQ(n_of(mine), -1);
  EXPECT_EQ(n_of("__Host-session=" + mine.substr(15, 16) + yours.substr(31)), -1);
  EXPECT_EQ(count(event::decode_failed), 1U);
}

TEST_F(ManagerIds, BlobsCutOrFlippedAnywhereAreThatSessionAbsent) {
  const auto cookie = visitor();
  const auto good = stored(cookie);
  auto token = good.token;
  const auto store_blob = [&](std::string blob) {
    auto record = good;
    record.blob = std::move(blob);
    record.token = WriteToken{static_cast<std::uint64_t>(token) + 1};
    replace_stored(record, std::exchange(token, record.token));
  };
  for (std::size_t size = 0; size < good.blob.size(); ++size) {
    store_blob(good.blob.substr(0, size));
    ASSERT_EQ(n_of(cookie), -1) << size;
  }
  for (std::size_t bit = 0; bit < good.blob.size() * 8; ++bit) {
    auto blob = good.blob;
    blob[bit / 8] = static_cast<char>(blob[bit / 8] ^ 1 << bit % 8);
    store_blob(blob);
    ASSERT_EQ(n_of(cookie), -1) << bit;
  }
  store_blob(good.blob);
  EXPECT_EQ(n_of(cookie), 1);
}

}  // namespace
}  // namespace flame::session
