#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include <flame/session/value_io.hpp>

#include "by_libcbor.hpp"

namespace flame::session {
namespace {

using by_libcbor::Kind;

/// What a Reader of `bytes` says when it is asked once, and where it is then.
template <class Answer>
struct Asked {
  std::optional<Answer> answer{};
  std::size_t left = 0;
  bool operator==(const Asked&) const = default;
};

template <class Answer>
Asked<Answer> ask(std::string_view bytes, std::optional<Answer> (Reader::*question)() noexcept) {
  Reader in(bytes);
  auto answer = (in.*question)();
  return {answer, in.bytes_left()};
}

template <class Answer>
Asked<Answer> wanted(std::string_view bytes, const by_libcbor::Head& head, Kind kind,
                     Answer answer) {
  if (head.kind != kind) return {std::nullopt, bytes.size()};
  return {answer, bytes.size() - head.size};
}

/// Every question, of one head.
bool is_same(std::string_view bytes) {
  const auto head = by_libcbor::head_of(bytes);
  const auto is = [&](Kind kind) { return head.kind == kind; };
  const auto count = [&](Kind kind) { return wanted(bytes, head, kind, head.value); };
  const auto as_bytes = Reader(bytes).bytes();
  const auto as_text = Reader(bytes).text();  // of bytes, too; text is nothing where it is no UTF-8
  const auto skipped = Reader(bytes).skip();
  const bool is_whole = !is(Kind::array) && !is(Kind::map) && !is(Kind::tag);
  return ask(bytes, &Reader::unsigned_integer) == count(Kind::positive) &&
         ask(bytes, &Reader::negative_integer) == count(Kind::negative) &&
         ask(bytes, &Reader::array) == count(Kind::array) &&
         ask(bytes, &Reader::map) == count(Kind::map) &&
         ask(bytes, &Reader::tag) == count(Kind::tag) &&
         ask(bytes, &Reader::boolean) == wanted(bytes, head, Kind::boolean, head.value != 0) &&
         Reader(bytes).null() == is(Kind::null) &&
         Reader(bytes).real32().has_value() == is(Kind::real32) &&
         Reader(bytes).real64().has_value() == is(Kind::real64) &&
         as_bytes.has_value() == is(Kind::bytes) &&
         (!as_bytes || std::ranges::equal(*as_bytes, std::as_bytes(std::span(head.body)))) &&
         (as_text ? (is(Kind::text) || is(Kind::bytes)) && *as_text == head.body
                  : !is(Kind::bytes)) &&
         (!is(Kind::none) || !skipped) &&
         (is(Kind::none) || !is_whole || skipped == bytes.substr(0, head.size));
}

/// Each first byte, with arguments small and large, cut off everywhere.
TEST(Reader, ReadsHeadsAsLibcborDoes) {
  const std::string arguments[] = {
      std::string(40, '\0'), std::string(40, '\xff'), std::string(1, '\0') + std::string(39, '\5'),
      std::string(7, '\0') + std::string(33, '\2'), std::string(40, '\3')};
  for (unsigned first = 0; first < 256; ++first) {
    for (const auto& argument : arguments) {
      const auto bytes = static_cast<char>(first) + argument;
      for (std::size_t size = 0; size <= bytes.size(); ++size)
        ASSERT_TRUE(is_same(std::string_view(bytes).substr(0, size)))
            << "first byte " << first << ", " << size << " bytes";
    }
  }
}

TEST(Reader, ReadsAnyBytesAsLibcborDoes) {
  std::minstd_rand random(1);
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes(random() % 24, '\0');
    // Small bytes often: whatever has large lengths does not fit.
    for (char& each : bytes) each = static_cast<char>(random() % 2 ? random() % 12 : random());
    ASSERT_TRUE(is_same(bytes)) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace flame::session
