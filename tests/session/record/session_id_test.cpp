#include "session/record/session_id.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <flame/session/test_support/seeded_random.hpp>

namespace flame::session {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const std::string valid = std::string(42, 'b') + "A";

SessionId drawn(RandomSource& random = system_random()) { return SessionId::draw(random).value(); }

TEST(SessionId, ParsesWhatItDrew) {
  for (int i = 0; i < 1000; ++i) {
    const auto id = drawn();
    const auto parsed = SessionId::parse(id.text());
    ASSERT_TRUE(parsed) << id.text();
    EXPECT_EQ(parsed->text(), id.text());
    EXPECT_EQ(parsed->key(), id.key());
    EXPECT_EQ(to_string(id.key()), id.text().substr(0, SessionId::selector_size));
  }
}

TEST(SessionId, OtherLengthsAreNone) {
  for (std::size_t size = 0; size < 200; ++size)
    EXPECT_EQ(SessionId::parse(std::string(size, 'A')).has_value(), size == SessionId::size)
        << size;
  EXPECT_FALSE(SessionId::parse(std::string(1 << 20, 'A')));
}

TEST(SessionId, OtherCharactersAreNoneAnywhere) {
  ASSERT_TRUE(SessionId::parse(valid));
  for (std::size_t at = 0; at < valid.size(); ++at)
    for (int c = 0; c < 256; ++c) {
      auto text = valid;
      text[at] = static_cast<char>(c);
      const auto index = alphabet.find(text[at]);
      const bool spare_bits = at + 1 == valid.size() && index % 4 != 0;
      EXPECT_EQ(SessionId::parse(text).has_value(), index != std::string_view::npos && !spare_bits)
          << at << ' ' << c;
    }
}

TEST(SessionId, ANewSecretKeepsTheKeyItIsGiven) {
  const auto old = drawn(), fresh = drawn();
  const auto renewed = fresh.with_key(old.key());
  EXPECT_EQ(renewed.key(), old.key());
  EXPECT_EQ(renewed.text().substr(0, 16), old.text().substr(0, 16));
  EXPECT_EQ(renewed.text().substr(16), fresh.text().substr(16));
  EXPECT_EQ(SessionId::parse(renewed.text())->key(), old.key());
}

TEST(SessionId, WithoutRandomBytesThereIsNone) {
  test_support::SeededRandom random;
  random.fail();
  EXPECT_FALSE(SessionId::draw(random));
  EXPECT_TRUE(SessionId::draw(random));
}

TEST(SessionId, AMillionHaveNoDuplicate) {
  // 64 bits of the key: duplicates of less would show, too. A table of our own, since sorting takes
  // minutes under a sanitizer.
  constexpr std::size_t size = 1 << 21;
  static std::uint64_t table[size];
  for (int i = 0; i < 1'000'000; ++i) {
    std::uint64_t head = 0;
    std::memcpy(&head, drawn().key().bytes.data(), sizeof head);
    std::size_t slot = head % size;
    while (table[slot] != 0 && table[slot] != head) slot = (slot + 1) % size;
    ASSERT_NE(table[slot], head) << i;
    table[slot] = head;
  }
}

TEST(SessionId, NoPositionHasABias) {
  constexpr std::size_t n = 100'000;
  static std::uint32_t seen[SessionId::size][256];
  for (std::size_t i = 0; i < n; ++i) {
    const auto id = drawn();
    const char* text = id.text().data();
    for (std::size_t at = 0; at < SessionId::size; ++at)
      ++seen[at][static_cast<unsigned char>(text[at])];
  }
  // A chi-square of k degrees is above k + 8 sqrt(2k) less often than once in 10^6 runs.
  for (std::size_t at = 0; at < SessionId::size; ++at) {
    const std::size_t step = at + 1 == SessionId::size ? 4 : 1, cells = 64 / step;
    const double expected = static_cast<double>(n) / static_cast<double>(cells);
    double chi = 0;
    for (std::size_t i = 0; i < 64; i += step) {
      const double off = seen[at][static_cast<unsigned char>(alphabet[i])] - expected;
      chi += off * off / expected;
    }
    EXPECT_LT(chi, cells == 64 ? 63 + 8 * 11.3 : 15 + 8 * 5.5) << "position " << at;
  }
}

TEST(Verifier, DependsOnApplicationSelectorAndSecret) {
  const auto id = drawn(), other = drawn();
  const VerifierHash shop("shop"), forum("forum");
  EXPECT_TRUE(equal(shop(id), shop(id)));
  EXPECT_FALSE(equal(shop(id), forum(id)));
  EXPECT_FALSE(equal(shop(id), shop(other)));
  EXPECT_FALSE(equal(shop(id), shop(id.with_key(other.key()))));
  EXPECT_FALSE(equal(shop(id), shop(other.with_key(id.key()))));
}

TEST(Verifier, IsTheSha256OfApplicationAndId) {
  const auto verifier = VerifierHash("app")(*SessionId::parse(std::string(43, 'A')));
  // printf 'appAAA…' | sha256sum
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const auto byte : verifier) {
    hex += digits[std::to_integer<std::size_t>(byte) >> 4];
    hex += digits[std::to_integer<std::size_t>(byte) & 15];
  }
  EXPECT_EQ(hex, "626af8800ace85c3268311e2bb60fc82e1b10597840df0c9fd10f4f614ad9e1d");
}

TEST(Verifier, EqualSeesEachByte) {
  const Verifier a{};
  for (std::size_t at = 0; at < a.size(); ++at) {
    auto b = a;
    b[at] = std::byte{1};
    EXPECT_FALSE(equal(a, b)) << at;
  }
}

TEST(WriteTokens, AreUniqueOverThreadsAndNeverZero) {
  constexpr std::size_t threads = 4, each = 100'000;
  std::vector<WriteToken> tokens(threads * each);
  {
    std::vector<std::jthread> running;
    for (std::size_t t = 0; t < threads; ++t)
      running.emplace_back([&, t] {
        for (std::size_t i = 0; i < each; ++i) tokens[t * each + i] = draw_write_token();
      });
  }
  std::ranges::sort(tokens);
  EXPECT_EQ(std::ranges::adjacent_find(tokens), tokens.end());
  EXPECT_NE(tokens.front(), WriteToken{});
}

/// What a forked child draws next.
struct Drawn {
  std::array<WriteToken, 64> tokens{};
  std::array<char, SessionId::size> id{};
};

Drawn draw_all() {
  Drawn out;
  for (auto& token : out.tokens) token = draw_write_token();
  const auto id = drawn();
  std::ranges::copy(id.text(), out.id.begin());
  return out;
}

Drawn draw_in_child() {
  int ends[2];
  if (pipe(ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    const auto out = draw_all();
    _exit(write(ends[1], &out, sizeof out) == sizeof out ? 0 : 1);
  }
  Drawn out;
  const auto got = read(ends[0], &out, sizeof out);
  int status = -1;
  waitpid(child, &status, 0);
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(got, static_cast<ssize_t>(sizeof out));
  EXPECT_EQ(status, 0);
  return out;
}

TEST(Fork, ParentAndChildrenDrawApart) {
  static_cast<void>(draw_all());  // started before the fork
  const std::array all{draw_in_child(), draw_in_child(), draw_all()};
  std::vector<WriteToken> tokens;
  std::vector<std::array<char, SessionId::size>> ids;
  for (const auto& each : all) {
    tokens.insert(tokens.end(), each.tokens.begin(), each.tokens.end());
    ids.push_back(each.id);
  }
  std::ranges::sort(tokens);
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(tokens), tokens.end());
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
}

}  // namespace
}  // namespace flame::session
