#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <flame/session/value.hpp>

#include "value_random.hpp"

/// Whatever set() takes can be read again; nothing else can be read by mistake.
namespace {

namespace session = flame::session;
namespace chrono = std::chrono;
using value_random::Colour;
using value_random::Generator;
using value_random::make;
using value_random::same;
using value_random::Tree;

constexpr std::uint64_t seed = 20260000;
constexpr int rounds = 500;

enum class Read : std::uint8_t { absent, same, other };

/// What the tests do with a type, so that they are compiled once and not for each.
struct Kind {
  std::string name;
  /// A random value into `bytes`, and what is read from there.
  Read (*write)(Generator& random, std::string& bytes);
  /// What is read, when it is written and read once more.
  Read (*read)(std::string_view bytes);
};

template <class T>
Read compare(const T& value, const std::optional<T>& read) {
  if (!read) return Read::absent;
  return same(value, *read) ? Read::same : Read::other;
}

template <class T>
Kind kind() {
  return {testing::internal::GetTypeName<T>(),
          [](Generator& random, std::string& bytes) {
            const T value = make<T>(random);
            bytes = session::encode(value);
            return compare(value, session::decode<T>(bytes));
          },
          [](std::string_view bytes) {
            const auto value = session::decode<T>(bytes);
            if (!value) return Read::absent;
            const auto again = compare(*value, session::decode<T>(session::encode(*value)));
            return again == Read::same ? Read::same : Read::other;
          }};
}

template <class... T>
std::vector<Kind> kinds() {
  return {kind<T>()...};
}

const auto all_kinds = kinds<
    bool, char, signed char, char8_t, int, std::int64_t, std::uint64_t, float, double, Colour,
    std::byte, std::string, std::vector<std::byte>, std::array<std::byte, 7>, chrono::nanoseconds,
    chrono::milliseconds, chrono::seconds, chrono::duration<std::int32_t, std::ratio<3600>>,
    chrono::duration<int, std::ratio<1, 50>>, chrono::system_clock::time_point,
    chrono::sys_time<chrono::milliseconds>, std::optional<int>,
    std::optional<std::optional<std::string>>, std::optional<std::monostate>,
    std::variant<int, std::string, std::vector<double>, int>, std::pair<std::string, float>,
    std::tuple<>, std::tuple<bool, std::optional<double>, std::string>, std::array<std::string, 3>,
    std::vector<bool>, std::vector<int>, std::vector<std::uint8_t>, std::deque<std::string>,
    std::list<double>, std::set<std::string>, std::multiset<char>, std::unordered_set<std::int64_t>,
    std::map<std::string, std::vector<int>>, std::map<int, std::map<bool, std::string>>,
    std::unordered_map<std::string, std::optional<int>>, value_random::Leaf, Tree,
    std::map<std::string, Tree>>();

class ValueKind : public testing::TestWithParam<std::size_t> {
 protected:
  std::string trace(int round, std::string_view bytes) const {
    std::string text =
        kind_.name + ", seed " + std::to_string(seed) + ", round " + std::to_string(round) + ": ";
    for (const unsigned char byte : bytes.substr(0, 100)) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }
  std::string write() {
    std::string bytes;
    kind_.write(random_, bytes);
    return bytes;
  }

  const Kind& kind_ = all_kinds[GetParam()];
  Generator random_{seed + GetParam()};
};

INSTANTIATE_TEST_SUITE_P(All, ValueKind, testing::Range(std::size_t{0}, all_kinds.size()));

TEST_P(ValueKind, IsReadAsItWasWritten) {
  std::string bytes;
  for (int round = 0; round < rounds; ++round) {
    ASSERT_EQ(kind_.write(random_, bytes), Read::same) << trace(round, bytes);
  }
}

TEST_P(ValueKind, IsOneWholeItem) {
  for (int round = 0; round < rounds; ++round) {
    const auto bytes = write();
    session::Reader reader(bytes);
    ASSERT_EQ(reader.skip(), bytes) << trace(round, bytes);
    ASSERT_EQ(kind_.read(bytes + '\0'), Read::absent) << trace(round, bytes);
  }
}

TEST_P(ValueKind, IsAbsentCutAtAnyLength) {
  for (int round = 0; round < 50; ++round) {
    const auto bytes = write();
    const auto step = 1 + bytes.size() / 200;
    for (std::size_t size = 0; size < bytes.size(); size += step) {
      const std::vector<char> cut(
          bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(
                                             size));  // on the heap: reading past its end is seen
      const std::string_view view(cut.data(), cut.size());
      ASSERT_EQ(kind_.read(view), Read::absent) << trace(round, view);
      session::Reader reader(view);
      ASSERT_FALSE(reader.skip().has_value()) << trace(round, view);
    }
  }
}

TEST_P(ValueKind, IsAbsentOrAnotherOfItsTypeWithBytesFlipped) {
  for (int round = 0; round < rounds; ++round) {
    auto bytes = write();
    for (auto flips = 1 + value_random::below(random_, 3); flips > 0; --flips) {
      bytes[value_random::below(random_, bytes.size())] ^= static_cast<char>(1 + random_() % 255);
    }
    ASSERT_NE(kind_.read(bytes), Read::other) << trace(round, bytes);
  }
}

TEST_P(ValueKind, IsReadFromWellFormedBytesOnly) {
  for (int round = 0; round < 4 * rounds; ++round) {
    std::string bytes(value_random::below(random_, 40), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    session::Reader reader(bytes);
    const bool well_formed = reader.skip() == bytes;
    const auto read = kind_.read(bytes);
    ASSERT_NE(read, Read::other) << trace(round, bytes);
    ASSERT_TRUE(well_formed || read == Read::absent) << trace(round, bytes);
  }
}

template <class T>
struct Sample {
  using Type = T;
  T value;
};

/// One of each shape that no other of them has.
const std::tuple samples{Sample<bool>{true},
                         Sample<int>{-7},
                         Sample<float>{1.5F},
                         Sample<double>{1.5},
                         Sample<std::string>{"seven"},
                         Sample<std::vector<std::byte>>{{std::byte{7}}},
                         Sample<chrono::seconds>{chrono::seconds(7)},
                         Sample<chrono::sys_seconds>{chrono::sys_seconds(chrono::seconds(7))},
                         Sample<std::monostate>{{}},
                         Sample<std::vector<int>>{{7, 7, 7}},
                         Sample<std::vector<std::string>>{{"seven", "seven", "seven"}},
                         Sample<std::vector<double>>{{7.0}},
                         Sample<std::pair<int, std::string>>{{7, "seven"}},
                         Sample<std::map<int, int>>{{{7, 7}}},
                         Sample<std::map<std::string, int>>{{{"other", 7}}},
                         Sample<value_random::Leaf>{{"name", 7, true}},
                         Sample<Tree>{{{"name", 7, true}, {}}}};

TEST(ValueKinds, AreNeverReadAsOneAnother) {
  const auto against = [](const auto& stored) {
    const auto bytes = session::encode(stored.value);
    std::apply(
        [&](const auto&... other) {
          const auto check = [&]<class Other>(const Sample<Other>&) {
            const bool own = std::is_same_v<Sample<Other>, std::remove_cvref_t<decltype(stored)>>;
            EXPECT_EQ(session::decode<Other>(bytes).has_value(), own)
                << testing::internal::GetTypeName<decltype(stored)>() << " as "
                << testing::internal::GetTypeName<Other>();
          };
          (check(other), ...);
        },
        samples);
  };
  std::apply([&](const auto&... stored) { (against(stored), ...); }, samples);
}

}  // namespace
