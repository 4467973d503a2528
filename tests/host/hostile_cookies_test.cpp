#include "hostile_cookies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <flame/flame.hpp>
#include <flame/sessioner.hpp>

#include "support.hpp"

namespace flame {
namespace {

using session::Session;
using test::HostileCookie;

constexpr std::size_t selector_size = 16, id_size = 43;

session::Options options(const char* id_header) {
  session::Options made;
  made.id_header = id_header;
  made.on_event = [](const session::Event&) {};
  return made;
}

/// The value of the first field of this name; counts them.
std::string field_of(const std::string& answer, const std::string& name, int& count) {
  std::string first;
  count = 0;
  for (auto at = answer.find("\r\n" + name + ": "); at != std::string::npos;
       at = answer.find("\r\n" + name + ": ", at + 1)) {
    const auto begin = at + name.size() + 4;
    if (++count == 1) first = answer.substr(begin, answer.find("\r\n", begin) - begin);
  }
  return first;
}

std::string id_in(const std::string& set_cookie) {
  const auto begin = set_cookie.find('=') + 1;
  return set_cookie.substr(begin, set_cookie.find(';') - begin);
}

/// With something in the character's spare bits.
char with_spare_bits(char last, int bits) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet.at(alphabet.find(last) + static_cast<std::size_t>(bits));
}

class HostileCookies : public testing::TestWithParam<const char*> {
 protected:
  HostileCookies() : manager_(options(GetParam())) {
    f_.use(session::sessioner_on(manager_));
    for (const char* end : {"", "/{**}"}) {
      f_.any(std::string("/read") + end, [](const Session& s) { return name_of(s); });
      f_.any(std::string("/write") + end, [](Session& s) {
        s.set("written", true);
        return name_of(s);
      });
    }
    f_.get("/begin/{name}", [](Context& c, Session& s) { s.set("name", c.param("name")); });
    f_.get("/renew", [](Session& s) { s.regenerate(); });
    f_.get("/end", [](Session& s) { s.destroy(); });
  }
  void SetUp() override {
    ASSERT_TRUE(manager_.open());
    ASSERT_TRUE(f_.start());
    names_["C"] = manager_.cookie_name();
    for (const char* name : {"O", "B", "D"}) names_[name] = id_after(std::string("/begin/") + name);
    names_["A"] = id_after("/renew", names_["O"]);
    ask("/end", cookie(names_["D"]));
    names_["N"] = std::string(id_size - 1, 'x') + 'A';
    ASSERT_NE(names_["A"], names_["O"]);
  }

  void expect(const HostileCookie& row) {
    const auto lines = filled(row.lines), shown = testing::PrintToString(row.lines);
    const auto events = event_counts();
    const auto answer = ask("/read" + filled(row.target_end), lines, filled(row.body));
    int cookies = 0, headers = 0;
    field_of(answer, "Set-Cookie", cookies);
    EXPECT_EQ(with_events(seen(answer, row), events), row.opened) << shown << row.target_end;
    EXPECT_EQ(cookies, 0) << shown;

    const auto written = ask("/write" + filled(row.target_end), lines, filled(row.body));
    const auto fresh = id_in(field_of(written, "Set-Cookie", cookies));
    const auto in_header = field_of(written, "X-Session-ID", headers);
    if (!row.opened.starts_with("none")) {
      EXPECT_EQ(cookies + headers, 0) << shown;
      return;
    }
    EXPECT_EQ(cookies, 1) << shown;
    EXPECT_EQ(fresh.size(), id_size) << shown;
    EXPECT_EQ((lines + row.target_end + row.body).find(fresh), std::string::npos) << shown;
    for (const auto& [name, id] : names_) EXPECT_NE(fresh, id) << shown << name;
    EXPECT_EQ(in_header, *GetParam() != '\0' ? fresh : std::string()) << shown;
  }
  void expect_all(const test::HostileCookies& rows) {
    for (const auto& row : rows) expect(row);
    expect({"Cookie: {C}={A}", "A"});
    expect({"Cookie: {C}={B}", "B"});
  }

 private:
  static std::string name_of(const Session& s) {
    const auto name = s.get_or<std::string>("name", "none");
    return name == "O" ? "A" : name;
  }
  static std::string cookie_line(const std::string& name, const std::string& id) {
    return "Cookie: " + name + "=" + id;
  }
  std::string cookie(const std::string& id) { return cookie_line(names_["C"], id); }

  std::string ask(const std::string& target, std::string lines, const std::string& body = {}) {
    for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += 2) {
      lines.replace(at, 1, "\r\n");
    }
    test::Wire wire(f_.address());
    wire.send((body.empty() ? "GET " : "POST ") + target + " HTTP/1.1\r\nHost: h\r\n" + lines +
              "\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\nConnection: close\r\n\r\n" + body);
    return wire.read_all();
  }
  std::string id_after(const std::string& path, const std::string& id = {}) {
    int count = 0;
    return id_in(field_of(ask(path, id.empty() ? "X: y" : cookie(id)), "Set-Cookie", count));
  }

  /// What a handler saw. Of a superseded session it sees nothing; that it may not begin another is
  /// seen by what it writes.
  static std::string seen(const std::string& answer, const HostileCookie& row) {
    if (test::status_of(answer) != "200") return test::status_of(answer);
    const auto body = test::body_of(answer);
    return body == "none" && row.opened.starts_with("superseded") ? "superseded" : body;
  }

  std::map<std::string_view, std::uint64_t> event_counts() const {
    std::map<std::string_view, std::uint64_t> counts;
    for (const auto& [name, count] : manager_.event_counts()) counts[name] = count;
    return counts;
  }
  std::string with_events(std::string text,
                          std::map<std::string_view, std::uint64_t> before) const {
    for (const auto& [name, count] : event_counts()) {
      for (auto more = count - before[name]; more > 0; --more) text.append(", ").append(name);
    }
    return text;
  }

  std::string filled(const std::string& text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('}', at);
      const auto value = text[at] == '{' && end != std::string::npos
                             ? value_of(text.substr(at + 1, end - at - 1))
                             : std::string();
      out += value.empty() ? std::string(1, text[at]) : value;
      at = value.empty() ? at + 1 : end + 1;
    }
    return out;
  }
  /// Empty: it is none of the table's.
  std::string value_of(const std::string& spelled) const {
    if (spelled == "a") return other_case(names_.at("A"));
    const auto first = names_.find(spelled.substr(0, 1));
    if (first == names_.end()) return {};
    auto id = first->second;
    if (spelled.size() == 1) return id;
    const char what = spelled[1];
    if (what == '@') {
      id.at(std::stoul(spelled.substr(2, 2))) = spelled.at(4);
    } else if (what == '-') {
      id.pop_back();
    } else if (what == '+') {
      id += 'A';
    } else if (what == '~') {
      std::reverse(id.begin(), id.end());
    } else if (what >= '1' && what <= '3') {
      id.back() = with_spare_bits(id.back(), what - '0');
    } else if (what == spelled[0]) {
      id += id;
    } else {
      id = id.substr(0, selector_size) + names_.at(spelled.substr(1)).substr(selector_size);
    }
    return id;
  }
  static std::string other_case(std::string text) {
    for (char& c : text) {
      const auto byte = static_cast<unsigned char>(c);
      c = static_cast<char>(std::isupper(byte) != 0 ? std::tolower(byte) : std::toupper(byte));
    }
    return text;
  }

  session::Manager manager_;
  Flame f_{test::local()};
  std::map<std::string, std::string> names_{};
};

class HostileCookieLines : public HostileCookies {};
TEST_P(HostileCookieLines, OneLine) { expect_all(test::cookie_lines()); }
TEST_P(HostileCookieLines, NearMisses) { expect_all(test::near_misses()); }
TEST_P(HostileCookieLines, Several) { expect_all(test::several()); }
TEST_P(HostileCookieLines, Elsewhere) { expect_all(test::elsewhere()); }
INSTANTIATE_TEST_SUITE_P(All, HostileCookieLines, testing::Values("", "X-Session-ID"));

class HostileIdHeaders : public HostileCookies {};
TEST_P(HostileIdHeaders, AskedFor) { expect_all(test::id_headers()); }
INSTANTIATE_TEST_SUITE_P(All, HostileIdHeaders, testing::Values("X-Session-ID"));

class HostileIdHeadersIgnored : public HostileCookies {};
TEST_P(HostileIdHeadersIgnored, NotAskedFor) { expect_all(test::header_that_is_not_asked_for()); }
INSTANTIATE_TEST_SUITE_P(All, HostileIdHeadersIgnored, testing::Values(""));

TEST(HostileCookiesTable, IsLong) {
  std::size_t rows = 0;
  for (const auto& part :
       {test::cookie_lines(), test::near_misses(), test::several(), test::elsewhere(),
        test::header_that_is_not_asked_for(), test::id_headers()}) {
    rows += part.size();
  }
  EXPECT_GE(rows, 200U);
}

}  // namespace
}  // namespace flame
