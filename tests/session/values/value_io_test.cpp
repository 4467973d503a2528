#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <flame/session/value_io.hpp>

namespace {

using namespace std::string_view_literals;
namespace session = flame::session;
using session::Reader;
using session::Writer;

template <class Write>
std::string written(Write write) {
  std::string out;
  Writer writer(out);
  write(writer);
  return out;
}

std::string integer(std::int64_t value) {
  return written([&](Writer& out) { out.integer(value); });
}
std::string real(double value) {
  return written([&](Writer& out) { out.real(value); });
}
std::string text(std::string_view value) {
  return written([&](Writer& out) { out.text(value); });
}

// The examples of RFC 8949, Appendix A, that have the form written here.
TEST(Writer, WritesIntegersAsInRfc8949) {
  EXPECT_EQ(integer(0), "\x00"sv);
  EXPECT_EQ(integer(1), "\x01"sv);
  EXPECT_EQ(integer(10), "\x0a"sv);
  EXPECT_EQ(integer(23), "\x17"sv);
  EXPECT_EQ(integer(24), "\x18\x18"sv);
  EXPECT_EQ(integer(100), "\x18\x64"sv);
  EXPECT_EQ(integer(1000), "\x19\x03\xe8"sv);
  EXPECT_EQ(integer(1000000), "\x1a\x00\x0f\x42\x40"sv);
  EXPECT_EQ(integer(1000000000000), "\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"sv);
  EXPECT_EQ(integer(-1), "\x20"sv);
  EXPECT_EQ(integer(-10), "\x29"sv);
  EXPECT_EQ(integer(-100), "\x38\x63"sv);
  EXPECT_EQ(integer(-1000), "\x39\x03\xe7"sv);
  EXPECT_EQ(written([](Writer& out) { out.unsigned_integer(18446744073709551615U); }),
            "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"sv);
  EXPECT_EQ(written([](Writer& out) { out.negative_integer(18446744073709551615U); }),
            "\x3b\xff\xff\xff\xff\xff\xff\xff\xff"sv);
}

TEST(Writer, WritesRealsAndSimpleValuesAsInRfc8949) {
  EXPECT_EQ(real(1.1), "\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"sv);
  EXPECT_EQ(real(-4.1), "\xfb\xc0\x10\x66\x66\x66\x66\x66\x66"sv);
  EXPECT_EQ(real(std::numeric_limits<double>::infinity()),
            "\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00"sv);
  EXPECT_EQ(written([](Writer& out) { out.real(100000.0F); }), "\xfa\x47\xc3\x50\x00"sv);
  EXPECT_EQ(written([](Writer& out) { out.boolean(false); }), "\xf4"sv);
  EXPECT_EQ(written([](Writer& out) { out.boolean(true); }), "\xf5"sv);
  EXPECT_EQ(written([](Writer& out) { out.null(); }), "\xf6"sv);
}

TEST(Writer, WritesTextAndContainersAsInRfc8949) {
  EXPECT_EQ(text(""), "\x60"sv);
  EXPECT_EQ(text("IETF"), "\x64IETF"sv);
  EXPECT_EQ(text("\xc3\xbc"), "\x62\xc3\xbc"sv);
  EXPECT_EQ(written([](Writer& out) { out.bytes(std::as_bytes(std::span("\1\2\3\4", 4))); }),
            "\x44\x01\x02\x03\x04"sv);
  EXPECT_EQ(written([](Writer& out) {
              out.tag(1);
              out.integer(1363896240);
            }),
            "\xc1\x1a\x51\x4b\x67\xb0"sv);
  EXPECT_EQ(written([](Writer& out) {
              out.map(2);
              out.text("a");
              out.integer(1);
              out.text("b");
              out.array(2);
              out.integer(2);
              out.integer(3);
            }),
            "\xa2\x61\x61\x01\x61\x62\x82\x02\x03"sv);
}

TEST(Writer, KeepsTheBitsOfEveryNan) {
  for (const std::uint64_t bits : {0x7ff0000000000001U, 0xfff8000000000000U, 0x7ff4dead0000beefU}) {
    const auto bytes = real(std::bit_cast<double>(bits));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(Reader(bytes).real64().value()), bits);
  }
  for (const std::uint32_t bits : {0x7f800001U, 0xffc00000U, 0x7fa0beefU}) {
    const auto bytes = written([&](Writer& out) { out.real(std::bit_cast<float>(bits)); });
    EXPECT_EQ(std::bit_cast<std::uint32_t>(Reader(bytes).real32().value()), bits);
  }
}

TEST(Writer, WritesTextThatIsNotUtf8AsBytes) {
  constexpr std::string_view not_utf8[] = {"\x80",
                                           "\xc3",
                                           "\xc0\xaf",
                                           "\xe0\x80\xaf",
                                           "\xed\xa0\x80",
                                           "\xf4\x90\x80\x80",
                                           "\xf0\x80\x80\x80",
                                           "\xf5\x80\x80\x80",
                                           "\xe2\x82",
                                           "\xe2\x28\xa1",
                                           "\xc3\x28",
                                           "12345678\xff",
                                           "1234567\xff",
                                           "\xe2\x82\x28",
                                           "\xf0\x90\x80\x28",
                                           "\xe2\x82\xac"sv.substr(0, 2),
                                           "\xf0\x90\x80\x80"sv.substr(0, 3),
                                           "\xff"
                                           "2345678"};
  for (const auto bad : not_utf8) {
    const auto bytes = text(bad);
    EXPECT_EQ(bytes[0] & 0xe0, 0x40) << testing::PrintToString(bad);
    EXPECT_EQ(Reader(bytes).text(), bad);
  }
  constexpr std::string_view utf8[] = {"\xc2\x80",         "\xdf\xbf",         "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\0"sv};
  for (const auto good : utf8) {
    const auto bytes = text(good);
    EXPECT_EQ(bytes[0] & 0xe0, 0x60) << testing::PrintToString(good);
    EXPECT_EQ(Reader(bytes).text(), good);
  }
}

TEST(Writer, IsCompleteAfterOneItem) {
  std::string out;
  const auto complete = [&](auto write) {
    Writer writer(out);
    write(writer);
    return writer.complete();
  };
  EXPECT_FALSE(complete([](Writer&) {}));
  EXPECT_TRUE(complete([](Writer& w) { w.null(); }));
  EXPECT_FALSE(complete([](Writer& w) { w.null(), w.null(); }));
  EXPECT_TRUE(complete([](Writer& w) { w.array(0); }));
  EXPECT_FALSE(complete([](Writer& w) { w.array(1); }));
  EXPECT_TRUE(complete([](Writer& w) { w.array(1), w.array(1), w.item("\x01"); }));
  EXPECT_FALSE(complete([](Writer& w) { w.map(1), w.null(); }));
  EXPECT_TRUE(complete([](Writer& w) { w.map(1), w.null(), w.null(); }));
  EXPECT_FALSE(complete([](Writer& w) { w.tag(1); }));
  EXPECT_FALSE(complete([](Writer& w) { w.null(), w.tag(1); }));
  EXPECT_TRUE(complete([](Writer& w) { w.tag(1), w.null(); }));
}

TEST(Reader, StaysWhereItIsOnAMismatch) {
  Reader reader("\x05\x61x"sv);
  EXPECT_FALSE(reader.null());
  EXPECT_FALSE(reader.boolean());
  EXPECT_FALSE(reader.negative_integer());
  EXPECT_FALSE(reader.real32());
  EXPECT_FALSE(reader.real64());
  EXPECT_FALSE(reader.text());
  EXPECT_FALSE(reader.bytes());
  EXPECT_FALSE(reader.array());
  EXPECT_FALSE(reader.map());
  EXPECT_FALSE(reader.tag());
  EXPECT_EQ(reader.unsigned_integer(), 5u);
  EXPECT_FALSE(reader.integer());
  EXPECT_EQ(reader.text(), "x");
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.null());
  EXPECT_FALSE(reader.skip());
}

TEST(Reader, TakesIntegersOf64BitsOnly) {
  EXPECT_EQ(Reader("\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"sv).integer(),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(Reader("\x1b\x80\x00\x00\x00\x00\x00\x00\x00"sv).integer());
  EXPECT_EQ(Reader("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"sv).integer(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(Reader("\x3b\x80\x00\x00\x00\x00\x00\x00\x00"sv).integer());
}

TEST(Reader, RefusesWhatIsMalformedOrIndefinite) {
  constexpr std::string_view refused[] = {""sv,
                                          "\x18"sv,
                                          "\x1c"sv,
                                          "\x1f"sv,
                                          "\x61"sv,
                                          "\x5f\x41x\xff"sv,
                                          "\x7f\x61x\xff"sv,
                                          "\x9f\xff"sv,
                                          "\xbf\xff"sv,
                                          "\xff"sv,
                                          "\x82\x01"sv,
                                          "\xa1\x01"sv,
                                          "\xa2\x01\x02\x03"sv,
                                          "\xc1"sv,
                                          "\xf8\x18"sv,
                                          "\xfb\x00"sv,
                                          "\x81\xff"sv,
                                          "\x7b\xff\xff\xff\xff\xff\xff\xff\xff"sv,
                                          "\x7b\xff\xff\xff\xff\xff\xff\xff\xf7x"sv,
                                          "\x9b\x80\x00\x00\x00\x00\x00\x00\x00\x01"sv,
                                          "\xbb\x80\x00\x00\x00\x00\x00\x00\x00\x01"sv};
  for (const auto bytes : refused) {
    Reader reader(bytes);
    EXPECT_FALSE(reader.skip()) << testing::PrintToString(bytes);
    EXPECT_FALSE(reader.text()) << testing::PrintToString(bytes);
    EXPECT_EQ(reader.bytes_left(), bytes.size());
  }
  EXPECT_FALSE(Reader("\x9b\x80\x00\x00\x00\x00\x00\x00\x00\x01"sv).array());
  EXPECT_FALSE(Reader("\xbb\x80\x00\x00\x00\x00\x00\x00\x00\x01"sv).map());
  EXPECT_FALSE(Reader("\x61\xff"sv).text()) << "a text string that is not UTF-8";
}

TEST(Reader, SkipsWellFormedItemsThatAreNeverWritten) {
  for (const auto bytes : {"\xf7"sv, "\xf9\x3c\x00"sv, "\x18\x05"sv, "\xc1\xc2\x40"sv}) {
    EXPECT_EQ(Reader(bytes).skip(), bytes);
  }
  EXPECT_FALSE(Reader("\xf9\x3c\x00"sv).real32());
}

std::string nested(std::size_t depth) { return std::string(depth, '\x81') + '\x01'; }

TEST(Reader, SkipsToMaxDepth) {
  EXPECT_EQ(Reader(nested(session::max_depth)).skip(), nested(session::max_depth));
  EXPECT_FALSE(Reader(nested(session::max_depth + 1)).skip());
  EXPECT_FALSE(Reader(nested(1'000'000)).skip());
  EXPECT_TRUE(Reader(std::string(1'000'000, '\xc1') + '\x01').skip()) << "tags do not nest";
}

TEST(Reader, SkipsItemsOfMaxDepthWithinOthers) {
  const auto bytes = '\x81' + nested(session::max_depth);
  Reader reader(bytes);
  EXPECT_EQ(reader.array(), 1u);
  EXPECT_EQ(reader.skip(), nested(session::max_depth));
}

TEST(Reader, OpensContainersToMaxDepth) {
  const auto bytes = nested(session::max_depth + 1);
  Reader reader(bytes);
  for (std::size_t i = 0; i < session::max_depth; ++i) EXPECT_EQ(reader.array(), 1u);
  EXPECT_FALSE(reader.array());
}

TEST(Reader, CountsContainersThatAreOver) {
  std::string bytes("\x98\xff", 2);
  for (int i = 0; i < 255; ++i) bytes += "\x81\xa1\x01\x80";
  Reader reader(bytes);
  EXPECT_EQ(reader.array(), 255u);
  for (int i = 0; i < 255; ++i) {
    EXPECT_EQ(reader.array(), 1u);
    EXPECT_EQ(reader.map(), 1u);
    EXPECT_EQ(reader.integer(), 1);
    EXPECT_EQ(reader.array(), 0u);
  }
  EXPECT_TRUE(reader.at_end());
}

}  // namespace
