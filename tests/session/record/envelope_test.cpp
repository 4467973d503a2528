#include "session/record/envelope.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "values/documents.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using tests::blob_of, tests::key_of, tests::verifier_of;

Header small_header() {
  Header header;
  header.current = verifier_of(1);
  header.push(WriteToken{7});
  return header;
}

Header full_header() {
  Header header = small_header();
  header.superseded[0].verifier = verifier_of(2);
  header.superseded[0].until = TimePoint(1234567890123ms);
  for (std::uint64_t n = 1; n <= 20; ++n) header.push(WriteToken{n << 40 | n});
  return header;
}

Opened opened(std::string_view blob, const SessionKey& key = key_of(1)) {
  Header header;
  std::string_view payload;
  return open_envelope(blob, key, header, payload);
}

Header header_with_terms() {
  static const std::string application(max_application_size, 'a'), label(max_label_size, 'b');
  Header header = full_header();
  for (auto& each : header.superseded) each = header.superseded[0];
  header.application = application;
  header.terms = {1ms, std::chrono::hours(1'000'000), true, label};
  return header;
}

void expect_round_trip(const Header& header, const std::string& content) {
  const auto blob = blob_of(header, key_of(1), content);
  EXPECT_LE(blob.size(), content.size() + max_envelope_overhead);
  Header read;
  std::string_view payload;
  ASSERT_EQ(open_envelope(blob, key_of(1), read, payload), Opened::done);
  EXPECT_EQ(payload, content);
  EXPECT_EQ(read.current, header.current);
  for (std::size_t i = 0; i < superseded_kept; ++i) {
    EXPECT_EQ(read.superseded[i].until, header.superseded[i].until);
    const bool is_used = header.superseded[i].until != TimePoint{};
    EXPECT_TRUE(!is_used || read.superseded[i].verifier == header.superseded[i].verifier);
  }
  EXPECT_EQ(read.tokens, header.tokens);
  EXPECT_EQ(read.application, header.application);
  EXPECT_EQ(read.terms, header.terms);
}

TEST(Envelope, ComesBack) {
  Header of_no_application = header_with_terms();
  of_no_application.application = "";
  of_no_application.terms.persistent = false;
  for (const auto& header :
       {Header{}, small_header(), full_header(), header_with_terms(), of_no_application})
    for (const auto& content : {std::string(), std::string("\xa0"), std::string(70'000, '\xff')})
      expect_round_trip(header, content);
}

TEST(Envelope, KeepsTheLastEightTokensNewestFirst) {
  Header header;
  for (std::uint64_t n = 1; n <= 10; ++n) header.push(WriteToken{n});
  for (std::uint64_t n = 1; n <= 10; ++n) EXPECT_EQ(header.contains(WriteToken{n}), n > 2) << n;
  EXPECT_EQ(header.tokens.front(), WriteToken{10});
}

TEST(Envelope, EveryTruncationAndAdditionIsFound) {
  for (const auto& header : {small_header(), full_header(), header_with_terms()}) {
    const auto blob = blob_of(header, key_of(1), "\xa1\x61k\x01");
    ASSERT_EQ(opened(blob), Opened::done);
    for (std::size_t size = 0; size < blob.size(); ++size)
      EXPECT_EQ(opened(blob.substr(0, size)), Opened::unreadable) << size;
    for (std::size_t from = 1; from < blob.size(); ++from)
      EXPECT_EQ(opened(blob.substr(from)), Opened::unreadable) << from;
    for (int c = 0; c < 256; ++c)
      EXPECT_EQ(opened(blob + static_cast<char>(c)), Opened::unreadable) << c;
    EXPECT_EQ(opened(blob + blob), Opened::unreadable);
  }
}

TEST(Envelope, EveryFlippedBitIsFound) {
  constexpr std::size_t version_at = 3;
  for (const auto& header : {small_header(), full_header(), header_with_terms()}) {
    auto blob = blob_of(header, key_of(1), "\xa1\x61k\x01");
    for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
      const auto flip = static_cast<char>(1 << bit % 8);
      blob[bit / 8] = static_cast<char>(blob[bit / 8] ^ flip);
      // A version that was raised by damage is treated as a newer one: left alone, too.
      const bool raised = bit / 8 == version_at && static_cast<unsigned char>(blob[version_at]) > 2;
      EXPECT_EQ(opened(blob), raised ? Opened::newer_version : Opened::unreadable) << bit;
      blob[bit / 8] = static_cast<char>(blob[bit / 8] ^ flip);
    }
    EXPECT_EQ(opened(blob), Opened::done);
  }
}

TEST(Envelope, UnderAnotherKeyItIsNotRead) {
  const auto blob = blob_of(full_header(), key_of(1), "\xa0");
  for (std::size_t bit = 0; bit < sizeof(SessionKey) * 8; ++bit) {
    auto other = key_of(1);
    other.bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_EQ(opened(blob, other), Opened::unreadable) << bit;
  }
}

TEST(Envelope, ANewerVersionIsKnownWhateverFollows) {
  EXPECT_EQ(opened("FLS\x03" + std::string(20, '?')), Opened::newer_version);
  EXPECT_EQ(opened("FLS\xff" + std::string(20, '?')), Opened::newer_version);
  EXPECT_EQ(opened("fls\x03" + std::string(20, '?')), Opened::unreadable);
}

TEST(Envelope, SealedNonsenseInsideIsRefused) {
  const auto good = blob_of(small_header(), key_of(1), "\xa0");
  const auto sealed_with = [&](std::size_t at, char value) {
    auto blob = good.substr(0, good.size() - 8);
    blob[at] = value;
    seal_envelope(blob, key_of(1));
    return opened(blob);
  };
  constexpr std::size_t codec_at = 4, has_previous_at = 37, tokens_at = 38, size_at = 47;
  EXPECT_EQ(sealed_with(codec_at, 1), Opened::done);
  EXPECT_EQ(sealed_with(codec_at, 2), Opened::unreadable);
  EXPECT_EQ(sealed_with(has_previous_at, 1), Opened::unreadable);
  EXPECT_EQ(sealed_with(tokens_at, 0), Opened::unreadable);
  EXPECT_EQ(sealed_with(tokens_at, 9), Opened::unreadable);
  EXPECT_EQ(sealed_with(tokens_at, '\xff'), Opened::unreadable);
  EXPECT_EQ(sealed_with(size_at, 0), Opened::unreadable);
  EXPECT_EQ(sealed_with(size_at, 2), Opened::unreadable);
  EXPECT_EQ(sealed_with(size_at + 3, '\xff'), Opened::unreadable);
}

TEST(Envelope, SealedNonsenseInTheTermsIsRefused) {
  Header header = small_header();
  header.application = "shop";
  header.terms = {5ms, 7ms, true, "me"};
  const auto good = blob_of(header, key_of(1), "\xa0");
  const auto sealed_with = [&](std::size_t at, char value) {
    auto blob = good.substr(0, good.size() - 8);
    blob[at] = value;
    seal_envelope(blob, key_of(1));
    return opened(blob);
  };
  constexpr std::size_t version_at = 3, application_at = 47, label_at = 52, idle_at = 55,
                        absolute_at = 63, persistence_at = 71;
  EXPECT_EQ(sealed_with(version_at, 2), Opened::done);
  EXPECT_EQ(sealed_with(version_at, 0), Opened::unreadable);
  EXPECT_EQ(sealed_with(application_at, 65), Opened::unreadable);
  EXPECT_EQ(sealed_with(label_at, '\xff'), Opened::unreadable);
  EXPECT_EQ(sealed_with(idle_at, 6), Opened::done);
  EXPECT_EQ(sealed_with(idle_at + 7, '\x80'), Opened::unreadable) << "negative";
  EXPECT_EQ(sealed_with(absolute_at + 7, '\x80'), Opened::unreadable) << "negative";
  EXPECT_EQ(sealed_with(persistence_at, 0), Opened::done);
  EXPECT_EQ(sealed_with(persistence_at, 3), Opened::unreadable);
}

/// Bytes that nobody wrote, but for a right checksum in half of the cases.
TEST(Envelope, RandomBytesAreNeverOpenedNorHarmful) {
  std::mt19937 random(1);
  for (int round = 0; round < 50'000; ++round) {
    std::string blob(random() % 200, '\0');
    for (char& c : blob) c = static_cast<char>(random());
    if (round % 2 == 0) blob.replace(0, 5, round % 8 < 4 ? "FLS\x01\x01" : "FLS\x02\x01");
    if (round % 4 == 0) seal_envelope(blob, key_of(1));
    Header header;
    std::string_view payload;
    if (open_envelope(blob, key_of(1), header, payload) != Opened::done) continue;
    EXPECT_EQ(round % 4, 0);
    EXPECT_LE(payload.size(), blob.size());
  }
}

}  // namespace
}  // namespace flame::session
