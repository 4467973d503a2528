#include <openssl/sha.h>

#include <set>

#include <flame/session/test_support/seeded_random.hpp>

#include "redis_support.hpp"
#include "stores/redis/keys.hpp"
#include "stores/redis/scripts.hpp"
#include "stores/redis/value.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using redis::Keys;

TEST(RedisKeys, HaveTheSlotsOfTheSpecification) {
  EXPECT_EQ(redis::slot_of_tag("123456789"), 0x31c3);
  EXPECT_EQ(redis::slot_of_tag("foo"), 12182);
  EXPECT_EQ(redis::slot_of_tag(""), 0);
}

// They are a part of what is stored: another table would find none of it.
TEST(RedisKeys, HaveTheTagsOfTheLayout) {
  std::set<std::string_view> tags;
  std::string all;
  for (int bucket = 0; bucket < 256; ++bucket) {
    const auto tag = redis::tag_of(static_cast<std::uint8_t>(bucket));
    EXPECT_EQ(redis::slot_of_tag(tag) / 64, bucket);
    EXPECT_TRUE(tags.insert(tag).second);
    all.append(tag).append(" ");
  }
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  ::SHA1(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  EXPECT_EQ(std::vector<int>(digest.begin(), digest.begin() + 4),
            (std::vector<int>{114, 146, 229, 10}))
      << all;
}

TEST(RedisKeys, AreNamedByTheirBucket) {
  SessionKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<std::byte>(i * 23);
  Keys keys("shop");
  EXPECT_EQ(keys.session(key), "shop:s:{" + std::string(redis::tag_of(0)) + "}:" + to_string(key));
  key.bytes.fill(std::byte{0xff});
  EXPECT_EQ(keys.session(key),
            "shop:s:{" + std::string(redis::tag_of(255)) + "}:" + to_string(key));
  const std::string owner("a\0{}\xff", 5);
  EXPECT_EQ(keys.owner(255, owner), "shop:o:{" + std::string(redis::tag_of(255)) + "}:" + owner);
  EXPECT_EQ(keys.layout(), "shop:layout");
}

Record record() {
  return {.token = WriteToken{0x0102030405060708},
          .owner = "ann",
          .created_at = TimePoint{1s},
          .last_seen = TimePoint{2s},
          .expires_at = TimePoint{99'999'999'999'999ms},
          .blob = "blob"};
}

std::string value_of(const Record& record) {
  std::string out;
  redis::append_value(record, out);
  return out;
}

TEST(RedisValue, HasTheHeaderOfTheLayout) {
  EXPECT_EQ(value_of(record()),
            "1\x08\x07\x06\x05\x04\x03\x02\x01"
            "99999999999999"
            "00000000002000"
            "00000000001000"
            "003annblob");
}

TEST(RedisValue, IsReadAsItWasWritten) {
  auto wanted = record();
  for (const auto& owner : {std::string(), std::string(redis::max_owner, '\0')}) {
    wanted.owner = owner;
    for (const auto& blob : {std::string(), std::string(100'000, '\xff')}) {
      wanted.blob = blob;
      auto value = value_of(wanted);
      EXPECT_EQ(value.size(), redis::value_size(wanted));
      Record got;
      ASSERT_TRUE(redis::read_value(value, got));
      EXPECT_EQ(got.token, wanted.token);
      EXPECT_EQ(got.owner, wanted.owner);
      EXPECT_EQ(got.created_at, wanted.created_at);
      EXPECT_EQ(got.last_seen, wanted.last_seen);
      EXPECT_EQ(got.expires_at, wanted.expires_at);
      EXPECT_EQ(got.blob, wanted.blob);
    }
  }
}

TEST(RedisValue, ThatIsDamagedOrNewerIsNotRead) {
  const auto whole = value_of(record());
  const auto is_read = [](std::string value) {
    Record got;
    return redis::read_value(value, got);
  };
  const auto owner_end = redis::header_size + 3;
  for (std::size_t size = 0; size < owner_end; ++size)
    EXPECT_FALSE(is_read(whole.substr(0, size))) << size;
  EXPECT_TRUE(is_read(whole.substr(0, owner_end)));
  for (std::size_t at = 0; at < redis::header_size; ++at) {
    auto damaged = whole;
    damaged[at] = 'x';
    EXPECT_EQ(is_read(damaged), at >= 1 && at <= redis::token_size) << at;
  }
  auto newer = whole;
  newer[0] = '2';
  EXPECT_FALSE(is_read(newer));
  auto longer = whole;
  longer.replace(redis::header_size - 3, 3, "999");
  EXPECT_FALSE(is_read(longer));
}

TEST(RedisValue, FitsOrNot) {
  const auto with = [](auto&& change) {
    auto out = record();
    change(out);
    return redis::fits(out);
  };
  EXPECT_TRUE(redis::fits(record()));
  EXPECT_TRUE(with([](Record& r) { r.blob.resize(redis::max_record); }));
  EXPECT_FALSE(with([](Record& r) { r.blob.resize(redis::max_record + 1); }));
  EXPECT_TRUE(with([](Record& r) { r.owner.resize(320); }));
  EXPECT_FALSE(with([](Record& r) { r.owner.resize(321); }));
  EXPECT_FALSE(with([](Record& r) { r.expires_at += 1ms; }));
  EXPECT_FALSE(with([](Record& r) { r.created_at = TimePoint{-1ms}; }));
}

}  // namespace
}  // namespace flame::session
