#include "session/plan/rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "session/jobs/cookie.hpp"

namespace flame::session {
namespace {

using namespace std::chrono_literals;
using Edit = std::function<void(Options&)>;

constexpr StoreTraits traits{};
const auto id = SessionId::parse(std::string(43, 'A')).value();

Result<Rules> checked(const Edit& edit) {
  Options options;
  edit(options);
  return check(options, traits);
}

struct Good {
  Edit edit;
  std::string name, attributes;
};

/// The cookie as it goes out is `name`, the ID, `attributes`, to the byte.
void expect(const std::vector<Good>& cases) {
  for (const auto& each : cases) {
    const auto rules = checked(each.edit);
    if (!rules) {
      ADD_FAILURE() << each.name << each.attributes << ": " << rules.error().text;
      continue;
    }
    const auto& usual = rules->lifetimes.usual;
    EXPECT_EQ(set_cookie(rules->cookie, id, usual.persistent ? usual.absolute : 0ms),
              each.name + "=" + std::string(id.text()) + each.attributes);
  }
}

TEST(Rules, CookieTextsToTheByte) {
  expect({
      {[](Options&) {}, "__Host-session", "; Path=/; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.name = "sid"; }, "__Host-sid",
       "; Path=/; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.name = "__Host-sid"; }, "__Host-sid",
       "; Path=/; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.name = "__Secure-sid"; }, "__Secure-sid",
       "; Path=/; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.name = "!#$%&'*+-.^_`|~09azAZ"; }, "__Host-!#$%&'*+-.^_`|~09azAZ",
       "; Path=/; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.partitioned = true; }, "__Host-session",
       "; Path=/; Secure; HttpOnly; SameSite=Lax; Partitioned"},
      {[](Options& o) { o.cookie.path = "/shop"; }, "__Secure-session",
       "; Path=/shop; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.domain = "example.org"; }, "__Secure-session",
       "; Path=/; Domain=example.org; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) {
         o.cookie = {.name = "__Secure-x", .path = "/a", .domain = "a-b.example.org"};
       },
       "__Secure-x", "; Path=/a; Domain=a-b.example.org; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.same_site = SameSite::strict; }, "__Host-session",
       "; Path=/; Secure; HttpOnly; SameSite=Strict"},
      {[](Options& o) { o.cookie.same_site = SameSite::none; }, "__Host-session",
       "; Path=/; Secure; HttpOnly; SameSite=None"},
      {[](Options& o) { o.cookie.plain_http = true; }, "session",
       "; Path=/; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie = {.path = "/a", .domain = "localhost", .plain_http = true}; },
       "session", "; Path=/a; Domain=localhost; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.persistent = true; }, "__Host-session",
       "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=43200"},
      {[](Options& o) { o.cookie.persistent = true, o.absolute_timeout = 24h * 400; },
       "__Host-session", "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=34560000"},
      {[](Options& o) { o.cookie.persistent = true, o.absolute_timeout = 24h * 3650; },
       "__Host-session", "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=34560000"},
      {[](Options& o) {
         o.cookie.persistent = true, o.cookie.plain_http = true, o.absolute_timeout = 1s;
       },
       "session", "; Path=/; HttpOnly; SameSite=Lax; Max-Age=1"},
      {[](Options& o) { o.cookie.path = "/" + std::string(1023, 'p'); }, "__Secure-session",
       "; Path=/" + std::string(1023, 'p') + "; Secure; HttpOnly; SameSite=Lax"},
      {[](Options& o) { o.cookie.name = std::string(4096 - 43 - 9, 'n'); },
       "__Host-" + std::string(4096 - 43 - 9, 'n'), "; Path=/; Secure; HttpOnly; SameSite=Lax"},
  });
}

TEST(Rules, TheRemovalRepeatsTheAttributes) {
  const auto rules = checked([](Options& o) {
    o.cookie = {.name = "n",
                .path = "/p",
                .domain = "d.org",
                .same_site = SameSite::strict,
                .persistent = true};
  });
  EXPECT_EQ(removal_cookie(rules->cookie),
            "__Secure-n=; Path=/p; Domain=d.org; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
}

struct Bad {
  Edit edit;
  std::vector<std::string> says;  ///< the option, and the remedy
};

void expect_refused(const std::vector<Bad>& cases) {
  for (const auto& each : cases) {
    const auto rules = checked(each.edit);
    if (rules) {
      ADD_FAILURE() << "accepted: " << rules->cookie.name << rules->cookie.attributes
                    << ", should say " << each.says.front();
      continue;
    }
    EXPECT_EQ(rules.error().code, Errc::invalid_option);
    for (const auto& part : each.says)
      EXPECT_NE(rules.error().text.find(part), std::string::npos) << rules.error().text;
    for (const unsigned char c : rules.error().text)
      EXPECT_TRUE(c >= 0x20 && c != 0x7f) << "breaks the line: " << rules.error().text;
  }
}

Edit named(std::string name) {
  return [=](Options& o) { o.cookie.name = name; };
}
Edit path(std::string text) {
  return [=](Options& o) { o.cookie.path = text; };
}
Edit domain(std::string text) {
  return [=](Options& o) { o.cookie.domain = text; };
}

TEST(Rules, BadNamesAreRefused) {
  const std::string token = "is no token: use letters";
  expect_refused({
      {named(""), {"cookie.name ``", token}},
      {named("a b"), {"cookie.name `a b`", token}},
      {named(" a"), {"cookie.name", token}},
      {named("a=b"), {"cookie.name `a=b`", token}},
      {named("a;b"), {"cookie.name", token}},
      {named("a,b"), {"cookie.name", token}},
      {named("\"a\""), {"cookie.name", token}},
      {named("a\r\nSet-Cookie: b"), {"cookie.name `a??Set-Cookie: b`", token}},
      {named(std::string("a\0b", 3)), {"cookie.name `a?b`", token}},
      {named("\xc3\xa4"), {"cookie.name `??`", token}},
      {named("a\x7f"), {"cookie.name `a?`", token}},
      {named(std::string(100, '(')), {"cookie.name", "…`", token}},
      {named(std::string(4096 - 43 - 8, 'n')), {"cookie.name is too long", "4096"}},
      {named("__Host-"), {"cookie.name `__Host-`", "must follow"}},
      {named("__Secure-"), {"cookie.name `__Secure-`", "must follow"}},
      {named("__hOsT-a"), {"cookie.name `__hOsT-a`", "write the prefix as `__Host-`"}},
      {named("__host-a"), {"cookie.name", "`__Host-`"}},
      {named("__SECURE-a"), {"cookie.name", "`__Secure-`"}},
  });
}

TEST(Rules, BadCombinationsAreRefused) {
  expect_refused({
      {[](Options& o) { o.cookie = {.name = "__Host-a", .domain = "example.org"}; },
       {"cookie.name `__Host-a`", "leave out the domain or the prefix"}},
      {[](Options& o) { o.cookie = {.name = "__Host-a", .path = "/a"}; },
       {"cookie.name `__Host-a`", "leave out the path or the prefix"}},
      {[](Options& o) { o.cookie = {.name = "__Host-a", .plain_http = true}; },
       {"cookie.name `__Host-a`", "cookie.plain_http", "leave out the prefix"}},
      {[](Options& o) { o.cookie = {.name = "__Secure-a", .plain_http = true}; },
       {"cookie.name `__Secure-a`", "cookie.plain_http", "leave out the prefix"}},
      {[](Options& o) { o.cookie = {.same_site = SameSite::none, .plain_http = true}; },
       {"cookie.same_site none", "Secure", "choose lax"}},
  });
}

TEST(Rules, BadPathsAndDomainsAreRefused) {
  const std::string printable = "printable ASCII";
  expect_refused({
      {path(""), {"cookie.path ``", "start with `/`"}},
      {path("a"), {"cookie.path `a`", "start with `/`"}},
      {path("/a;b"), {"cookie.path", printable}},
      {path("/; Secure"), {"cookie.path", printable}},
      {path("/\r\nX: y"), {"cookie.path `/??X: y`", printable}},
      {path(std::string("/\0", 2)), {"cookie.path `/?`", printable}},
      {path("/\xc3\xa4"), {"cookie.path", printable}},
      {path("/a\x7f"), {"cookie.path", printable}},
      {path("/a "), {"cookie.path", printable}},  // a browser drops it, and reads another path
      {path("/" + std::string(1024, 'p')), {"cookie.path", "1024"}},
      {domain(".example.org"), {"cookie.domain", "without a leading dot"}},
      {domain("example.org."), {"cookie.domain", "no host name"}},
      {domain("example..org"), {"cookie.domain", "no host name"}},
      {domain("-a.org"), {"cookie.domain", "no host name"}},
      {domain("a-.org"), {"cookie.domain", "no host name"}},
      {domain("a_b.org"), {"cookie.domain", "no host name"}},
      {domain("a b"), {"cookie.domain", "no host name"}},
      {domain("a.org:80"), {"cookie.domain", "no host name"}},
      {domain("a.org; Path=/x"), {"cookie.domain", "no host name"}},
      {domain("a\r\nb"), {"cookie.domain `a??b`", "no host name"}},
      {domain(std::string("a\0b", 3)), {"cookie.domain", "no host name"}},
      {domain("b\xc3\xbc.org"), {"cookie.domain", "no host name"}},
      {domain(std::string(64, 'a') + ".org"), {"cookie.domain", "no host name"}},
      {domain(std::string(1025, 'a')), {"cookie.domain", "1024"}},
  });
}

TEST(Rules, BadLimitsAndHeadersAreRefused) {
  expect_refused({
      {[](Options& o) { o.idle_timeout = 0s; }, {"idle_timeout", "1 s"}},
      {[](Options& o) { o.idle_timeout = -1s; }, {"idle_timeout", "1 s"}},
      {[](Options& o) { o.idle_timeout = std::chrono::seconds::max(); },
       {"idle_timeout", "100 years"}},
      {[](Options& o) { o.absolute_timeout = 0s; }, {"absolute_timeout", "1 s"}},
      {[](Options& o) { o.absolute_timeout = std::chrono::seconds::min(); },
       {"absolute_timeout", "1 s"}},
      {[](Options& o) { o.absolute_timeout = std::chrono::seconds::max(); },
       {"absolute_timeout", "years"}},
      {[](Options& o) { o.idle_timeout = 24h; },
       {"idle_timeout of 86400 s", "absolute_timeout", "after 43200 s", "raise that"}},
      {[](Options& o) { o.deadline = 0ms; }, {"deadline", "1 ms"}},
      {[](Options& o) { o.deadline = 1h + 1ms; }, {"deadline", "1 h"}},
      {[](Options& o) { o.max_created_per_second = 1'000'001; },
       {"max_created_per_second", "1000000", "0 for any number"}},
      {[](Options& o) { o.max_bytes = 63; }, {"max_bytes", "64"}},
      {[](Options& o) { o.max_bytes = traits.max_record; }, {"max_bytes", "what this store takes"}},
      {[](Options& o) { o.id_header = "X Session"; }, {"id_header `X Session`", "header name"}},
      {[](Options& o) { o.id_header = "X:"; }, {"id_header", "header name"}},
      {[](Options& o) { o.id_header = "X\r\nY"; }, {"id_header `X??Y`", "header name"}},
      {[](Options& o) { o.id_header = "\xc3\xa4"; }, {"id_header", "header name"}},
      {[](Options& o) { o.id_header = "cOOkie"; }, {"id_header", "choose another name"}},
      {[](Options& o) { o.id_header = "set-cookie"; }, {"id_header", "choose another name"}},
      {[](Options& o) { o.id_header = "Vary"; }, {"id_header", "choose another name"}},
      {[](Options& o) { o.id_header = "content-length"; }, {"id_header", "choose another name"}},
      {[](Options& o) { o.id_header = "Cache-Control"; }, {"id_header", "choose another name"}},
  });
}

TEST(Rules, AllThatIsWrongIsToldAtOnce) {
  const auto wrong = checked([](Options& o) {
    o.cookie = {.name = "a b", .same_site = SameSite::none, .partitioned = true};
    o.cookie.plain_http = true;
    o.idle_timeout = 0s;
    o.longest_login = 0s;
    o.max_bytes = 1;
    o.application = std::string(65, 'a');
    o.id_header = "Vary";
  });
  ASSERT_FALSE(wrong);
  for (const auto* said : {"cookie.name", "same_site", "cookie.partitioned", "idle_timeout",
                           "longest_login", "max_bytes", "application", "id_header"})
    EXPECT_NE(wrong.error().text.find(said), std::string::npos) << said;
}

TEST(Rules, AnApplicationIsShortAndHasNoNul) {
  EXPECT_TRUE(checked([](Options& o) { o.application = std::string(64, 'a'); }));
  EXPECT_FALSE(checked([](Options& o) { o.application = std::string(65, 'a'); }));
  EXPECT_FALSE(checked([](Options& o) { o.application = std::string("a\0b", 3); }));
}

TEST(Rules, LimitsAtTheirEdgesAreTaken) {
  for (const Edit& edit : std::vector<Edit>{
           [](Options& o) { o.idle_timeout = o.absolute_timeout = 1s; },
           [](Options& o) { o.absolute_timeout = 1s; },
           [](Options& o) { o.idle_timeout = o.absolute_timeout = 24h * 36500; },
           [](Options& o) { o.deadline = 1ms; },
           [](Options& o) { o.deadline = 1h; },
           [](Options& o) { o.max_bytes = 64; },
           [](Options& o) { o.max_created_per_second = 0; },
           [](Options& o) { o.max_created_per_second = 1'000'000; },
           [](Options& o) { o.max_bytes = traits.max_record - 768; },
           [](Options& o) { o.id_header = "X-Session"; },
       })
    EXPECT_TRUE(checked(edit)) << checked(edit).error().text;
  EXPECT_FALSE(check(Options{}, {.max_record = 100}))
      << "a store that takes 100 bytes holds no session";
}

TEST(Rules, ASessionIsNoLargerThanItsEnvelopeCounts) {
  constexpr auto most = std::numeric_limits<std::uint32_t>::max() - std::size_t{768};
  const StoreTraits unbounded{.max_record = std::numeric_limits<std::size_t>::max()};
  Options options;
  options.max_bytes = most;
  EXPECT_TRUE(check(options, unbounded));
  options.max_bytes = most + 1;
  EXPECT_FALSE(check(options, unbounded));
}

TEST(Rules, AsManySessionsBeginAsTheStoreHoldsForAnIdleTimeout) {
  const auto limit = [](std::size_t max_sessions, std::chrono::seconds idle,
                        std::optional<std::size_t> chosen = {}) {
    Options options;
    options.idle_timeout = idle;
    options.max_created_per_second = chosen;
    return check(options, {.max_sessions = max_sessions})->max_created_per_second;
  };
  EXPECT_EQ(limit(1'000'000, 30min), 555U);
  EXPECT_EQ(limit(1'800, 30min), 1U);
  EXPECT_EQ(limit(10, 30min), 1U) << "at least one";
  EXPECT_EQ(limit(std::numeric_limits<std::size_t>::max(), 1s), 1'000'000U);
  EXPECT_EQ(limit(0, 30min), 10'000U) << "a store without such a bound";
  EXPECT_EQ(limit(1'000'000, 30min, 7), 7U);
  EXPECT_EQ(limit(1'000'000, 30min, 0), 0U) << "any number";
}

TEST(Rules, VaryNamesThePlacesOfTheId) {
  EXPECT_EQ(checked([](Options&) {})->vary, "Cookie");
  EXPECT_EQ(checked([](Options& o) { o.id_header = "X-Session"; })->vary, "Cookie, X-Session");
}

/// What a user agent makes of a Set-Cookie value (RFC 6265bis, 5.6).
std::map<std::string, std::string> as_read_by_a_browser(std::string_view text) {
  const auto trimmed = [](std::string_view part) {
    while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
    while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
    return std::string(part);
  };
  std::map<std::string, std::string> out;
  for (bool first = true; !text.empty(); first = false) {
    const auto end = std::min(text.find(';'), text.size());
    const auto part = text.substr(0, end);
    const auto equals = std::min(part.find('='), part.size());
    const auto name = trimmed(part.substr(0, equals));
    const auto value = equals < part.size() ? trimmed(part.substr(equals + 1)) : std::string();
    if (first) out["name"] = name;
    EXPECT_TRUE(out.emplace(first ? "value" : name, value).second) << "twice: " << name;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

TEST(Rules, ABrowserReadsWhatWasAskedFor) {
  for (int c = 0x20; c < 0x7f; ++c) {
    const auto options = [c](Options& o) {
      o.cookie.path = "/" + std::string(1, static_cast<char>(c));
    };
    const auto rules = checked(options);
    if (!rules) continue;
    const std::map<std::string, std::string> expected{
        {"name", "__Secure-session"},
        {"value", std::string(id.text())},
        {"Path", "/" + std::string(1, static_cast<char>(c))},
        {"Secure", ""},
        {"HttpOnly", ""},
        {"SameSite", "Lax"}};
    EXPECT_EQ(as_read_by_a_browser(set_cookie(rules->cookie, id)), expected);
  }
}

}  // namespace
}  // namespace flame::session
