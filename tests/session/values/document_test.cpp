#include "session/values/document.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "documents.hpp"

namespace flame::session {
namespace {

using namespace std::string_view_literals;
using tests::payload_of;

std::string rewritten(const Document& document) {
  std::string out;
  document.append_to(out);
  EXPECT_EQ(out.size(), document.payload_size());
  return out;
}

std::optional<Document> read(std::string_view payload) { return Document::read(payload); }

TEST(Document, IsIndexedAndRewrittenToTheByte) {
  const auto payload = payload_of({{{"a", 1}, {"b", 500}, {"c", -70000}}, encode(true)});
  const auto document = read(payload);
  ASSERT_TRUE(document);
  ASSERT_EQ(document->entries().size(), 3U);
  EXPECT_EQ(decode<int>(document->find("b")->value()), 500);
  EXPECT_EQ(decode<bool>(*document->flash()), true);
  EXPECT_EQ(document->find("1"), nullptr);
  EXPECT_EQ(document->find(""), nullptr);
  EXPECT_EQ(rewritten(*document), payload);
  // The head of the map is not counted: everything else is.
  EXPECT_EQ(document->content_size(), payload.size() - 1);
}

TEST(Document, KeysAscendWithoutDuplicates) {
  EXPECT_TRUE(
      read("\xa2\x61"
           "a\x01\x61"
           "b\x02"sv));
  EXPECT_FALSE(
      read("\xa2\x61"
           "b\x01\x61"
           "a\x02"sv))
      << "descending";
  EXPECT_FALSE(
      read("\xa2\x61"
           "a\x01\x61"
           "a\x02"sv))
      << "twice";
  EXPECT_FALSE(read("\xa2\x01\x01\x01\x02"sv)) << "two flash messages";
  // As bytes, not as signed characters; a shorter key before its longer fellow.
  EXPECT_TRUE(read("\xa3\x61z\x01\x62zz\x01\x62\xc3\xa4\x01"sv));
}

TEST(Document, OnlyAMapOfItsOwnKindIsRead) {
  for (const auto payload : {
           ""sv,
           "\xa1"sv,
           "\xa1\x61"sv,
           "\xa1\x61"
           "a"sv,  // cut
           "\xa0\x00"sv,
           "\xa1\x61"
           "a\x01\x01"sv,  // more than the map
           "\x80"sv,
           "\x01"sv,
           "\xf6"sv,
           "\x60"sv,  // other items
           "\xbf\x61"
           "a\x01\xff"sv,  // indefinite length
           "\xa1\x20\x01"sv,
           "\xa1\xf5\x01"sv,
           "\xa1\x80\x01"sv,  // keys of other kinds
           "\xa1\xf6\x01"sv,
           "\xa1\xc1\x01\x01"sv,
           "\xa1\x61\xff\x01"sv,  // text that is not UTF-8
           "\xa1\x61"
           "a\xff"sv,
           "\xa1\x61"
           "a\x1c"sv,                                 // malformed values
           "\xbb\xff\xff\xff\xff\xff\xff\xff\xff"sv,  // more announced than there is
           "\xa1\x7b\xff\xff\xff\xff\xff\xff\xff\xff"sv,
       })
    EXPECT_FALSE(read(payload)) << testing::PrintToString(std::string(payload));
  EXPECT_TRUE(read("\xa0"sv));
}

TEST(Document, UnknownLibraryKeysSurviveARewrite) {
  // 1: the flash message; 2 and 300: of a newer release.
  const auto payload = "\xa4\x01\xf5\x02\x82\x01\x02\x19\x01\x2c\x61x\x61k\x05"sv;
  auto document = read(payload);
  ASSERT_TRUE(document);
  EXPECT_EQ(rewritten(*document), payload);
  document->clear();
  document->set_flash(std::nullopt);
  EXPECT_EQ(rewritten(*document), "\xa2\x02\x82\x01\x02\x19\x01\x2c\x61x"sv);
  EXPECT_FALSE(document->empty());
}

TEST(Document, PutAndErase) {
  const auto payload = payload_of({{{"b", 1}, {"d", 2}}, {}});
  auto document = *read(payload);
  const auto other = payload_of({{{"a", 10}, {"b", 11}, {"c", 12}, {"e", 13}}, {}});
  const auto puts = *read(other);
  for (const auto& entry : puts.entries()) document.put(entry);
  EXPECT_EQ(rewritten(document),
            payload_of({{{"a", 10}, {"b", 11}, {"c", 12}, {"d", 2}, {"e", 13}}, {}}));
  EXPECT_TRUE(document.erase("c"));
  EXPECT_FALSE(document.erase("c"));
  EXPECT_FALSE(document.erase(""));
  EXPECT_EQ(rewritten(document), payload_of({{{"a", 10}, {"b", 11}, {"d", 2}, {"e", 13}}, {}}));
  for (const auto key : {"a", "b", "d", "e"}) EXPECT_TRUE(document.erase(key));
  EXPECT_TRUE(document.empty());
}

TEST(Document, TheMapsHeadIsAsLongAsItIsCounted) {
  for (const std::size_t n : {23U, 24U, 255U, 256U, 65535U, 65536U}) {
    std::string payload;
    Writer writer(payload);
    writer.map(n);
    for (std::size_t i = 0; i < n; ++i) {
      std::string key(5, '0');
      for (std::size_t at = 5, rest = i; at-- > 0; rest /= 10)
        key[at] = static_cast<char>('0' + rest % 10);
      writer.text(key);
      writer.boolean(true);
    }
    const auto document = read(payload);
    ASSERT_TRUE(document) << n;
    EXPECT_EQ(rewritten(*document), payload) << n;
  }
}

TEST(Document, DamagedOrRandomBytesAreHarmless) {
  std::mt19937 random(1);
  const auto good =
      payload_of({{{"a", 1}, {"bb", 100000}, {"ccc", -5}}, encode(std::string("hi"))});
  for (int round = 0; round < 50'000; ++round) {
    auto payload = good;
    if (round % 2 == 0) {
      payload.resize(random() % 40);
      for (char& c : payload) c = static_cast<char>(random());
    } else {
      for (auto flips = 1 + random() % 3; flips > 0; --flips)
        payload[random() % payload.size()] = static_cast<char>(random());
    }
    // A sanitizer sees what it would read too far; whatever is read is written again as long as
    // announced.
    if (const auto document = read(payload)) static_cast<void>(rewritten(*document));
  }
}

}  // namespace
}  // namespace flame::session
