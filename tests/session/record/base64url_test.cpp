#include "session/record/base64url.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace flame::session {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encoded(std::string_view bytes) {
  std::string out((4 * bytes.size() + 2) / 3, '?');
  base64url_encode(std::as_bytes(std::span(bytes)), out.data());
  return out;
}

bool decodes(std::string_view text, std::string& out) {
  out.assign(text.size() * 3 / 4, '?');
  const bool ok = base64url_decode(text, reinterpret_cast<std::byte*>(out.data()));
  EXPECT_EQ(is_base64url(text), ok) << text;
  return ok;
}

struct Vector {
  std::string_view bytes, text;
};

TEST(Base64url, KnownVectors) {
  using namespace std::string_view_literals;
  const Vector vectors[] = {
      {"", ""},
      {"f", "Zg"},
      {"fo", "Zm8"},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg"},
      {"fooba", "Zm9vYmE"},
      {"foobar", "Zm9vYmFy"},
      {"\0"sv, "AA"},
      {"\xfb\xff\xbf", "-_-_"},
      {"\xff\xff", "__8"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(encoded(bytes), text);
    std::string back;
    EXPECT_TRUE(decodes(text, back)) << text;
    EXPECT_EQ(back, bytes);
  }
}

TEST(Base64url, OnlyTheAlphabetDecodes) {
  for (int c = 0; c < 256; ++c) {
    const char text[] = {'A', 'A', static_cast<char>(c), 'A'};
    std::string out;
    const bool known = alphabet.find(static_cast<char>(c)) != std::string_view::npos;
    EXPECT_EQ(decodes({text, sizeof text}, out), known) << c;
  }
}

TEST(Base64url, SpareBitsMustBeZero) {
  std::string out;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    EXPECT_EQ(decodes(std::string{'A', alphabet[i]}, out), i % 16 == 0) << alphabet[i];
    EXPECT_EQ(decodes(std::string{'A', 'A', alphabet[i]}, out), i % 4 == 0) << alphabet[i];
  }
}

TEST(Base64url, EveryLengthComesBack) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    std::string back;
    ASSERT_TRUE(decodes(encoded(bytes), back));
    ASSERT_EQ(back, bytes);
    bytes += static_cast<char>(i * 37 + 11);
  }
}

}  // namespace
}  // namespace flame::session
