#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <flame/session/value.hpp>

namespace {

using namespace std::string_view_literals;
namespace session = flame::session;
namespace chrono = std::chrono;
using session::decode;
using session::encode;

/// A type of a user's own, that is no plain struct.
class Money {
 public:
  explicit Money(std::int64_t cents) : cents_(cents) {}
  [[nodiscard]] std::int64_t cents() const { return cents_; }
  bool operator==(const Money&) const = default;

 private:
  std::int64_t cents_;
};

/// A plain struct whose author wants another form; null is one of its values.
struct Level {
  int number = 0;
  bool operator==(const Level&) const = default;
};

struct Careless {};

}  // namespace

template <>
struct flame::session::Codec<Money> {
  static void write(Writer& out, const Money& money) { out.integer(money.cents()); }
  static std::optional<Money> read(Reader& in) {
    const auto cents = in.integer();
    return cents ? std::optional(Money(*cents)) : std::nullopt;
  }
};

template <>
struct flame::session::Codec<Level> {
  static constexpr bool nullable = true;
  static void write(Writer& out, const Level& level) {
    level.number == 0 ? out.null() : out.integer(level.number);
  }
  static std::optional<Level> read(Reader& in) {
    if (in.null()) return Level{};
    const auto number = Codec<int>::read(in);
    return number ? std::optional(Level{*number}) : std::nullopt;
  }
};

template <>
struct flame::session::Codec<Careless> {
  static void write(Writer& out, const Careless&) { out.array(2), out.null(); }
  static std::optional<Careless> read(Reader&) { return std::nullopt; }
};

namespace {

TEST(Value, IntegersAreReadIntoAnyTypeTheyFit) {
  EXPECT_EQ(decode<std::uint8_t>(encode(std::int64_t{255})), 255);
  EXPECT_FALSE(decode<std::uint8_t>(encode(256)));
  EXPECT_FALSE(decode<std::uint8_t>(encode(-1)));
  EXPECT_EQ(decode<std::int8_t>(encode(-128L)), -128);
  EXPECT_FALSE(decode<std::int8_t>(encode(-129)));
  EXPECT_FALSE(decode<std::int8_t>(encode(128)));
  EXPECT_FALSE(decode<std::int64_t>(encode(std::numeric_limits<std::uint64_t>::max())));
  EXPECT_FALSE(decode<std::uint64_t>(encode(std::numeric_limits<std::int64_t>::min())));
  EXPECT_EQ(decode<char>(encode(97)), 'a');
  EXPECT_EQ(decode<std::uint32_t>(encode(U'\U0001F525')), 0x1F525u);
}

TEST(Value, KindsOfNumbersDoNotMix) {
  EXPECT_FALSE(decode<bool>(encode(1)));
  EXPECT_FALSE(decode<int>(encode(true)));
  EXPECT_FALSE(decode<double>(encode(1)));
  EXPECT_FALSE(decode<int>(encode(1.0)));
  EXPECT_FALSE(decode<double>(encode(1.0F)));
  EXPECT_FALSE(decode<float>(encode(1.0)));
}

TEST(Value, TextIsReadAsString) {
  const char buffer[16] = "in a buffer";
  const char* pointer = "by pointer";
  EXPECT_EQ(decode<std::string>(encode("literal")), "literal");
  EXPECT_EQ(decode<std::string>(encode(buffer)), "in a buffer");
  EXPECT_EQ(decode<std::string>(encode(pointer)), "by pointer");
  EXPECT_EQ(decode<std::string>(encode("with\0zero"sv)), "with\0zero"sv);
  EXPECT_EQ(decode<std::string>(encode("\xff\xfe"sv)), "\xff\xfe");
  const char* null = nullptr;
  EXPECT_THROW(static_cast<void>(encode(null)), session::ValueError);
}

TEST(Value, BytesAreNotText) {
  const std::vector<std::byte> bytes{std::byte{0xff}, std::byte{'a'}};
  EXPECT_EQ(encode(bytes), "\xd8\x40\x42\xff\x61"sv);  // RFC 8746, 2.1
  EXPECT_FALSE(decode<std::string>(encode(bytes)));
  EXPECT_FALSE(decode<std::vector<std::byte>>(encode("\xff\x61")));
  EXPECT_TRUE((decode<std::array<std::byte, 2>>(encode(bytes))));
  EXPECT_FALSE((decode<std::array<std::byte, 3>>(encode(bytes))));
  EXPECT_FALSE(decode<std::vector<std::uint8_t>>(encode(bytes)));
}

enum class Small : std::int8_t { low = -3 };

TEST(Value, EnumsAreTheirIntegers) {
  EXPECT_EQ(encode(Small::low), encode(-3));
  EXPECT_EQ(decode<Small>(encode(-3)), Small::low);
  EXPECT_FALSE(decode<Small>(encode(300)));
}

TEST(Value, TimesAreExact) {
  EXPECT_EQ(encode(chrono::milliseconds(-1500)),
            "\xd9\x03\xea\xa2\x01\x21\x28\x1a\x1d\xcd\x65\x00"sv);
  EXPECT_EQ(encode(chrono::sys_seconds(chrono::seconds(7))), "\xd9\x03\xe9\xa1\x01\x07"sv);
  EXPECT_EQ(decode<chrono::nanoseconds>(encode(chrono::hours(-2))), chrono::hours(-2));
  EXPECT_EQ(decode<chrono::hours>(encode(chrono::seconds(7200))), chrono::hours(2));
  EXPECT_FALSE(decode<chrono::hours>(encode(chrono::seconds(7201))));
  EXPECT_FALSE(decode<chrono::seconds>(encode(chrono::milliseconds(1))));
  EXPECT_FALSE((decode<chrono::duration<std::uint32_t>>(encode(chrono::seconds(-1)))));
  EXPECT_FALSE((decode<chrono::duration<std::uint64_t>>(encode(chrono::seconds(-1)))));
  EXPECT_FALSE(decode<chrono::seconds>(encode(chrono::sys_seconds(chrono::seconds(7)))));
  EXPECT_FALSE(decode<chrono::sys_seconds>(encode(chrono::seconds(7))));
}

TEST(Value, TimesDoNotOverflow) {
  using Hours = chrono::duration<std::int64_t, std::ratio<3600>>;
  EXPECT_THROW(static_cast<void>(encode(Hours::max())), session::ValueError);
  EXPECT_THROW(static_cast<void>(encode(Hours::min())), session::ValueError);
  EXPECT_THROW(static_cast<void>(encode(chrono::duration<std::uint64_t>::max())),
               session::ValueError);
  for (const auto seconds : {chrono::seconds::min(), chrono::seconds::max()}) {
    EXPECT_EQ(decode<chrono::seconds>(encode(seconds)), seconds);
    EXPECT_FALSE(decode<chrono::milliseconds>(encode(seconds)));
  }
  for (const auto all : {chrono::nanoseconds::min(), chrono::nanoseconds::max()}) {
    EXPECT_EQ(decode<chrono::nanoseconds>(encode(all)), all);
  }
  // Nanoseconds that are none: 0, 10^9, -1.
  for (const auto bad : {"\x28\x00"sv, "\x28\x1a\x3b\x9a\xca\x00"sv, "\x28\x20"sv, "\x29\x01"sv}) {
    EXPECT_FALSE(decode<chrono::nanoseconds>("\xd9\x03\xea\xa2\x01\x07" + std::string(bad)));
  }
}

TEST(Value, OptionalsKeepTheirLevels) {
  using Twice = std::optional<std::optional<int>>;
  for (const Twice& value : {Twice(), Twice(std::optional<int>()), Twice(5)}) {
    EXPECT_EQ(decode<Twice>(encode(value)).value(), value);
  }
  EXPECT_EQ(decode<std::optional<int>>(encode(5)).value(), 5);
  EXPECT_EQ(decode<int>(encode(std::optional(5))), 5);
  EXPECT_EQ(decode<std::optional<Level>>(encode(std::optional(Level{}))).value(), Level{});
}

TEST(Value, VariantsRememberTheIndex) {
  using Variant = std::variant<int, std::string, int>;
  const auto bytes = encode(Variant(std::in_place_index<2>, 7));
  EXPECT_EQ(bytes, "\x82\x02\x07"sv);
  EXPECT_EQ(decode<Variant>(bytes)->index(), 2u);
  EXPECT_FALSE(decode<Variant>("\x82\x03\x07"sv));
  EXPECT_FALSE(decode<Variant>("\x82\x01\x07"sv));
}

TEST(Value, TuplesAndArraysHaveOneLength) {
  EXPECT_TRUE((decode<std::tuple<int, int>>(encode(std::vector{1, 2}))));
  EXPECT_FALSE((decode<std::tuple<int, int>>(encode(std::vector{1, 2, 3}))));
  EXPECT_FALSE((decode<std::array<int, 2>>(encode(std::vector{1}))));
}

TEST(Value, KeysAndElementsOfSetsAreThereOnce) {
  using Map = std::map<std::string, int>;
  EXPECT_FALSE(decode<Map>("\xa2\x61\x61\x01\x61\x61\x02"sv));
  EXPECT_FALSE(decode<std::set<int>>(encode(std::vector{1, 1})));
  EXPECT_TRUE(decode<std::multiset<int>>(encode(std::vector{1, 1})));
}

TEST(Value, StructsAreMapsByMemberName) {
  struct Notice {
    std::string success, error;
    bool operator==(const Notice&) const = default;
  };
  const Notice notice{.success = "It worked!", .error = ""};
  EXPECT_EQ(encode(notice),
            "\xa2\x67success\x6aIt worked!\x65"
            "error\x60"sv);
  EXPECT_EQ(decode<Notice>(encode(notice)), notice);
  EXPECT_EQ((decode<std::map<std::string, std::string>>(encode(notice)))->at("success"),
            "It worked!");
}

TEST(Value, StructsOfTwoVersionsShareSessions) {
  struct Old {
    int id;
    std::vector<int> gone;
  };
  struct New {
    std::optional<std::string> added;
    int id;
  };
  struct Stricter {
    int id;
    std::string added;
  };
  struct Other {
    std::string id;
  };
  const auto bytes = encode(Old{7, {1, 2}});
  const auto read = decode<New>(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, 7);
  EXPECT_FALSE(read->added);
  EXPECT_FALSE(decode<Stricter>(bytes)) << "a member is missing";
  EXPECT_FALSE(decode<Other>(bytes)) << "a member of another type";
  EXPECT_FALSE(decode<Old>(encode(New{"x", 7}))) << "a member is missing";
}

TEST(Value, StructsHaveEachMemberOnce) {
  struct One {
    int a;
  };
  EXPECT_TRUE(decode<One>("\xa1\x61\x61\x01"sv));
  EXPECT_FALSE(decode<One>("\xa2\x61\x61\x01\x61\x61\x01"sv));
  EXPECT_FALSE(decode<One>("\xa2\x61\x61\x01\x05\x01"sv)) << "a key that is no name";
}

struct Chain {
  std::vector<Chain> next;
};

Chain chain(std::size_t length) {
  Chain head;
  for (std::size_t i = 1; i < length; ++i) {
    Chain longer;
    longer.next.push_back(std::move(head));
    head = std::move(longer);
  }
  return head;
}

TEST(Value, NestsToMaxDepth) {
  const auto bytes = encode(chain(session::max_depth / 2));  // a map and an array each
  EXPECT_EQ(encode(decode<Chain>(bytes).value()), bytes);
  EXPECT_THROW(static_cast<void>(encode(chain(session::max_depth / 2 + 1))), session::ValueError);
  std::string deeper;
  for (int i = 0; i < 100'000; ++i) deeper += "\xa1\x64next\x81";
  EXPECT_FALSE(decode<Chain>(deeper));
}

/// Counts the bytes that a container asks for.
std::size_t asked_for = 0;
template <class T>
struct Counting : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Counting<U>;
  };
  T* allocate(std::size_t n) {
    asked_for += n * sizeof(T);
    return std::allocator<T>::allocate(n);
  }
};
template <class T>
using Vector = std::vector<T, Counting<T>>;

TEST(Value, AllocatesForWhatIsThereOnly) {
  const std::string liar = std::string("\x9a\x00\x01\x00\x00"sv) +
                           std::string(65536, '\xff');  // 65536 items, none of them well-formed
  asked_for = 0;
  EXPECT_FALSE((decode<Vector<std::array<double, 10>>>(liar)));
  EXPECT_LE(asked_for, 2048u + sizeof(double) * 10);
  EXPECT_FALSE(decode<Vector<Vector<int>>>(liar));
  EXPECT_LE(asked_for, 3u * 2048);
}

TEST(Value, OfAUsersOwnTypeHasItsCodec) {
  const std::map<std::string, Money> prices{{"tea", Money(250)}};
  EXPECT_EQ((decode<std::map<std::string, Money>>(encode(prices))), prices);
  EXPECT_EQ(encode(Level{3}), encode(3));
  EXPECT_EQ(decode<Level>(encode(Level{})), Level{});
  EXPECT_THROW(static_cast<void>(encode(Careless{})), session::ValueError);
}

TEST(Value, ErrorsNameTheRemedy) {
  try {
    static_cast<void>(encode(chain(session::max_depth)));
    FAIL();
  } catch (const session::ValueError& error) {
    EXPECT_NE(std::string_view(error.what()).find("flatter"), std::string_view::npos);
  }
}

}  // namespace
