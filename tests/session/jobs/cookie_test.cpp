#include "session/jobs/cookie.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace flame::session {
namespace {

using Kind = Presented::Kind;

const std::string id_a = std::string(42, 'a') + "A";
const std::string id_b = std::string(42, 'b') + "A";
const std::string id_c = std::string(42, 'c') + "A";
const CookieRules rules{.name = "__Host-session", .attributes = "; Path=/"};

struct Case {
  std::string what;
  std::vector<std::string> lines;
  Kind kind;
  std::string id{};
  std::string header{};
};

Presented read(const std::vector<std::string>& lines, std::string_view header = {}) {
  const std::vector<std::string_view> views(lines.begin(), lines.end());
  return read_presented({.cookie_lines = views, .id_headers = {&header, 1}}, rules, true);
}

std::string pair(std::string_view value) { return "__Host-session=" + std::string(value); }

void check(const std::vector<Case>& cases) {
  for (const auto& each : cases) {
    const auto presented = read(each.lines, each.header);
    EXPECT_EQ(presented.kind, each.kind) << each.what;
    if (each.kind == Kind::ids) {
      EXPECT_EQ(presented.ids[0].text(), each.id) << each.what;
    } else {
      EXPECT_EQ(presented.count, 0U) << each.what;
    }
  }
}

TEST(CookieIn, FindsOurPairAmongOthers) {
  check({
      {"nothing at all", {}, Kind::nothing},
      {"empty lines", {"", "", ""}, Kind::nothing},
      {"alone", {pair(id_a)}, Kind::ids, id_a},
      {"first", {pair(id_a) + "; x=y"}, Kind::ids, id_a},
      {"last", {"x=y; " + pair(id_a)}, Kind::ids, id_a},
      {"without the space", {"x=y;" + pair(id_a) + ";z=w"}, Kind::ids, id_a},
      {"second line", {"x=y", pair(id_a)}, Kind::ids, id_a},
      {"empty pairs around", {";;; ;" + pair(id_a) + ";;"}, Kind::ids, id_a},
      {"spaces and tabs around all", {" \t__Host-session\t =\t " + id_a + " \t"}, Kind::ids, id_a},
      {"= in another value", {"x=a=b==; " + pair(id_a)}, Kind::ids, id_a},
      {"our pair inside quotes is data, and `;` ends it",
       {"x=\"" + pair(id_a) + "\""},
       Kind::nothing},
      {"a quote in another value hides nothing",
       {"x=\"; " + pair(id_a) + "; y=\""},
       Kind::ids,
       id_a},
      {"a broken pair before", {"=;=;; =x; x;" + pair(id_a)}, Kind::ids, id_a},
      {"bytes beyond ASCII before", {"\xff\xfe=\x80; " + pair(id_a)}, Kind::ids, id_a},
  });
}

TEST(CookieIn, LookAlikesAreNotOurs) {
  check({
      {"nameless", {"=" + id_a}, Kind::nothing},
      {"nameless that shows our name", {"=" + pair(id_a)}, Kind::nothing},
      {"no =", {"__Host-session"}, Kind::nothing},
      {"other case", {"__host-session=" + id_a + "; __HOST-SESSION=" + id_a}, Kind::nothing},
      {"longer", {"__Host-session2=" + id_a}, Kind::nothing},
      {"shorter", {"__Host-sessio=" + id_a}, Kind::nothing},
      {"without prefix", {"session=" + id_a}, Kind::nothing},
      {"encoded", {"__Host%2Dsession=" + id_a}, Kind::nothing},
      {"quoted name", {"\"__Host-session\"=" + id_a}, Kind::nothing},
      {"array", {"__Host-session[]=" + id_a + "; __Host-session[0]=" + id_a}, Kind::nothing},
      {"NUL after the name", {std::string("__Host-session\0=", 16) + id_a}, Kind::nothing},
      {"vertical tab is no blank", {"\v" + pair(id_a)}, Kind::nothing},
      {"comma ends no pair", {"x=y, " + pair(id_a)}, Kind::nothing},
  });
}

TEST(CookieIn, NothingIsDecodedOrRepaired) {
  check({
      {"empty value", {pair("")}, Kind::malformed},
      {"quotes are data", {pair("\"" + id_a + "\"")}, Kind::malformed},
      {"percent", {pair("%61" + id_a.substr(1))}, Kind::malformed},
      {"inner space", {pair(id_a.substr(0, 20) + " " + id_a.substr(20))}, Kind::malformed},
      {"too long", {pair(id_a + "A")}, Kind::malformed},
      {"too short", {pair(id_a.substr(1))}, Kind::malformed},
      {"trailing =", {pair(id_a + "=")}, Kind::malformed},
      {"spare bits", {pair(std::string(42, 'a') + "B")}, Kind::malformed},
      {"base64, not base64url", {pair("+" + id_a.substr(1))}, Kind::malformed},
      {"path", {pair("../../../../../../../../../../../etc/passwd")}, Kind::malformed},
      {"NUL", {pair(std::string(1, '\0') + id_a.substr(1))}, Kind::malformed},
      {"CR LF", {pair("\r\n" + id_a.substr(2))}, Kind::malformed},
      {"beyond ASCII", {pair("\xc3\xa4" + id_a.substr(2))}, Kind::malformed},
  });
}

std::vector<std::string> both(const Presented& presented) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < presented.count; ++i) out.emplace_back(presented.ids[i].text());
  std::ranges::sort(out);
  return out;
}

TEST(CookieIn, TwoIdsAreBothGivenWhateverTheirOrder) {
  for (const auto& [x, y] : {std::pair(id_a, id_b), std::pair(id_b, id_a)})
    for (const auto& lines :
         std::vector<std::vector<std::string>>{{pair(x) + "; " + pair(y)},
                                               {pair(x), pair(y)},
                                               {pair(x), pair(x), pair(y), pair(y)},
                                               {pair("bad"), pair(x), pair(""), pair(y)}}) {
      const auto presented = read(lines);
      EXPECT_EQ(presented.kind, Kind::ids);
      EXPECT_EQ(both(presented), (std::vector<std::string>{id_a, id_b}));
    }
}

TEST(CookieIn, ThreeIdsAreNone) {
  check({{"one line", {pair(id_a) + ";" + pair(id_b) + ";" + pair(id_c)}, Kind::ambiguous},
         {"three lines", {pair(id_a), pair(id_b), pair(id_c)}, Kind::ambiguous},
         {"two of them twice",
          {pair(id_a), pair(id_b), pair(id_a), pair(id_b), pair(id_c)},
          Kind::ambiguous}});
}

TEST(CookieIn, WhatIsNoIdIsNotCounted) {
  for (const std::string bad : {"bad", "", "\"\""})
    check({{"before", {pair(bad) + "; " + pair(id_a)}, Kind::ids, id_a},
           {"after", {pair(id_a), pair(bad)}, Kind::ids, id_a},
           {"twice", {pair(bad), pair(bad)}, Kind::malformed},
           {"two of them", {pair(bad), pair("worse")}, Kind::malformed}});
  check({{"the same, one line", {pair(id_a) + "; " + pair(id_a)}, Kind::ids, id_a},
         {"the same, two lines", {pair(id_a), " " + pair(id_a) + " "}, Kind::ids, id_a}});
  EXPECT_EQ(read({pair(id_a), pair("bad"), pair(id_a)}).count, 1U);
}

TEST(CookieIn, TheHeaderFollowsTheSameRules) {
  check({{"header alone", {}, Kind::ids, id_a, id_a},
         {"blanks around", {}, Kind::ids, id_a, " \t" + id_a + " "},
         {"both the same", {pair(id_a)}, Kind::ids, id_a, id_a},
         {"both differ", {pair(id_a)}, Kind::ambiguous, {}, id_b},
         {"one of two cookies", {pair(id_a), pair(id_b)}, Kind::ambiguous, {}, id_b},
         {"no ID in the header", {pair(id_a)}, Kind::ids, id_a, "x"},
         {"no ID in the cookie", {pair("x")}, Kind::ids, id_a, id_a},
         {"bad", {}, Kind::malformed, {}, "Bearer " + id_a},
         {"a pair", {}, Kind::malformed, {}, pair(id_a)},
         {"two in one", {}, Kind::malformed, {}, id_a + ", " + id_a},
         {"blank is absent", {pair(id_a)}, Kind::ids, id_a, "  "}});
  const std::string_view different[] = {id_a, id_b}, same[] = {id_a, id_a};
  EXPECT_EQ(read_presented({.id_headers = different}, rules, true).kind, Kind::ambiguous);
  EXPECT_EQ(read_presented({.id_headers = same}, rules, true).kind, Kind::ids);
}

TEST(CookieIn, PairsAreReadAsLinesAre) {
  using Pair = std::pair<std::string_view, std::string_view>;
  const Pair pairs[] = {{"x", "y"}, {"__Host-session", id_a}, {"__host-session", id_b}};
  const auto presented = read_presented({.cookies = pairs}, rules, true);
  EXPECT_EQ(presented.kind, Kind::ids);
  EXPECT_EQ(presented.count, 1U);
  EXPECT_EQ(presented.ids[0].text(), id_a);
  const std::string much(max_cookie_bytes, 'x');
  const Pair too_many[] = {{"__Host-session", id_a}, {"x", much}};
  EXPECT_EQ(read_presented({.cookies = too_many}, rules, true).kind, Kind::malformed);
}

TEST(CookieIn, IsCappedInBytesOverAllLines) {
  const auto ours = "; " + pair(id_a);
  const std::string fits(max_cookie_bytes - ours.size(), 'x');
  check({{"at the cap", {fits + ours}, Kind::ids, id_a},
         {"over it", {fits + "x" + ours}, Kind::malformed},
         {"over it by lines",
          {pair(id_a), std::string(max_cookie_bytes / 2, 'x'),
           std::string(max_cookie_bytes / 2, 'x')},
          Kind::malformed},
         {"ours first, too much later",
          {pair(id_a), std::string(max_cookie_bytes, 'x')},
          Kind::malformed}});
}

TEST(CookieIn, AHundredThousandPairs) {
  std::string line;
  for (int i = 0; i < 100'000; ++i) line += "a=b;";
  check({{"over the cap", {line + pair(id_a)}, Kind::malformed}});
  line.resize(max_cookie_bytes - pair(id_a).size());
  for (char& c : line) c = ';';  // as many pairs as there are bytes
  check({{"pairs of nothing", {line + pair(id_a)}, Kind::ids, id_a}});
  check({{"as many lines", std::vector<std::string>(100'000, ""), Kind::nothing}});
}

TEST(CookieOut, IsTextForText) {
  const auto id = *SessionId::parse(id_a);
  CookieRules own{.name = "n", .attributes = "; Path=/; HttpOnly"};
  EXPECT_EQ(set_cookie(own, id), "n=" + id_a + "; Path=/; HttpOnly");
  EXPECT_EQ(removal_cookie(own), "n=; Path=/; HttpOnly; Max-Age=0");
  EXPECT_EQ(set_cookie(own, id, std::chrono::seconds(90)),
            "n=" + id_a + "; Path=/; HttpOnly; Max-Age=90");
  EXPECT_EQ(removal_cookie(own), "n=; Path=/; HttpOnly; Max-Age=0");
}

}  // namespace
}  // namespace flame::session
