#include "session/jobs/cookie.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flame::session {
namespace {

using Kind = Presented::Kind;

const std::string id_a = std::string(42, 'a') + "A";
const std::string id_b = std::string(42, 'b') + "A";
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
  return read_presented(views, header, rules);
}

std::string pair(std::string_view value) { return "__Host-session=" + std::string(value); }

void check(const std::vector<Case>& cases) {
  for (const auto& each : cases) {
    const auto presented = read(each.lines, each.header);
    EXPECT_EQ(presented.kind, each.kind) << each.what;
    if (each.kind == Kind::id) {
      EXPECT_EQ(presented.id.text(), each.id) << each.what;
    }
  }
}

TEST(CookieIn, FindsOurPairAmongOthers) {
  check({
      {"nothing at all", {}, Kind::nothing},
      {"empty lines", {"", "", ""}, Kind::nothing},
      {"alone", {pair(id_a)}, Kind::id, id_a},
      {"first", {pair(id_a) + "; x=y"}, Kind::id, id_a},
      {"last", {"x=y; " + pair(id_a)}, Kind::id, id_a},
      {"without the space", {"x=y;" + pair(id_a) + ";z=w"}, Kind::id, id_a},
      {"second line", {"x=y", pair(id_a)}, Kind::id, id_a},
      {"empty pairs around", {";;; ;" + pair(id_a) + ";;"}, Kind::id, id_a},
      {"spaces and tabs around all", {" \t__Host-session\t =\t " + id_a + " \t"}, Kind::id, id_a},
      {"= in another value", {"x=a=b==; " + pair(id_a)}, Kind::id, id_a},
      {"our pair inside quotes is data, and `;` ends it",
       {"x=\"" + pair(id_a) + "\""},
       Kind::nothing},
      {"a quote in another value hides nothing",
       {"x=\"; " + pair(id_a) + "; y=\""},
       Kind::id,
       id_a},
      {"a broken pair before", {"=;=;; =x; x;" + pair(id_a)}, Kind::id, id_a},
      {"bytes beyond ASCII before", {"\xff\xfe=\x80; " + pair(id_a)}, Kind::id, id_a},
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

TEST(CookieIn, TwoValuesOpenNothingWhateverTheirOrder) {
  for (const auto& [x, y] : std::vector<std::pair<std::string, std::string>>{{id_a, id_b},
                                                                             {id_b, id_a},
                                                                             {id_a, "bad"},
                                                                             {"bad", id_a},
                                                                             {"bad", "worse"},
                                                                             {id_a, ""}}) {
    const auto what = x + " and " + y;
    check({{what + ", one line", {pair(x) + "; " + pair(y)}, Kind::duplicate},
           {what + ", two lines", {pair(x), pair(y)}, Kind::duplicate},
           {what + ", twice", {pair(x), pair(x), pair(y), pair(y)}, Kind::duplicate}});
  }
  check({{"the same, one line", {pair(id_a) + "; " + pair(id_a)}, Kind::id, id_a},
         {"the same, two lines", {pair(id_a), " " + pair(id_a) + " "}, Kind::id, id_a},
         {"the same, malformed", {pair("x"), pair("x")}, Kind::malformed}});
}

TEST(CookieIn, TheHeaderFollowsTheSameRules) {
  check({{"header alone", {}, Kind::id, id_a, id_a},
         {"blanks around", {}, Kind::id, id_a, " \t" + id_a + " "},
         {"both the same", {pair(id_a)}, Kind::id, id_a, id_a},
         {"both differ", {pair(id_a)}, Kind::duplicate, {}, id_b},
         {"bad header, good cookie", {pair(id_a)}, Kind::duplicate, {}, "x"},
         {"bad", {}, Kind::malformed, {}, "Bearer " + id_a},
         {"a pair", {}, Kind::malformed, {}, pair(id_a)},
         {"two in one", {}, Kind::malformed, {}, id_a + ", " + id_a},
         {"blank is absent", {pair(id_a)}, Kind::id, id_a, "  "}});
}

TEST(CookieIn, IsCappedInBytesOverAllLines) {
  const auto ours = "; " + pair(id_a);
  const std::string fits(max_cookie_bytes - ours.size(), 'x');
  check({{"at the cap", {fits + ours}, Kind::id, id_a},
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
  check({{"pairs of nothing", {line + pair(id_a)}, Kind::id, id_a}});
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
