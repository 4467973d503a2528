#include <gtest/gtest.h>

#include <functional>
#include <string>

#include <flame/session/store_url.hpp>

namespace flame::session {
namespace {

std::string refused(const std::function<void()>& f) {
  try {
    f();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.kind(), StoreError::Kind::refused);
    return error.what();
  }
  return {};
}
bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST(StoreUrl, HasItsParts) {
  const auto url = parse_store_url("MySQL://us%40er:p%3A%2Fw@Db.example:3307/na%20me?a=1&b=%26");
  EXPECT_EQ(url.scheme, "mysql");
  EXPECT_EQ(url.user, "us@er");
  EXPECT_EQ(url.password, "p:/w");
  EXPECT_EQ(url.host, "Db.example");
  EXPECT_EQ(url.port, 3307);
  EXPECT_EQ(url.path, "/na me");
  EXPECT_EQ(url.parameters, "a=1&b=%26");
}

TEST(StoreUrl, MayLackThem) {
  const auto url = parse_store_url("redis://");
  EXPECT_EQ(url.user, std::nullopt);
  EXPECT_EQ(url.password, std::nullopt);
  EXPECT_EQ(url.port, std::nullopt);
  EXPECT_EQ(url.host + url.path + url.parameters, "");
  EXPECT_EQ(parse_store_url("redis://u:@h").password, "");
  EXPECT_EQ(parse_store_url("redis://u@h").password, std::nullopt);
  EXPECT_EQ(parse_store_url("redis://h:").port, std::nullopt);
  EXPECT_EQ(parse_store_url("redis://[::1]:7").host, "::1");
  EXPECT_EQ(parse_store_url("unix:/run/x.sock").path, "/run/x.sock");
  EXPECT_EQ(parse_store_url("unix:run%2Fx.sock?a=/?").path, "run/x.sock");
  EXPECT_EQ(parse_store_url("redis://h?a=/?:@").parameters, "a=/?:@");
}

TEST(StoreUrl, RefusesWhatIsNoneAndRepeatsNoPartOfIt) {
  for (const char* wrong : {"",
                            "redis",
                            "redis://u:se/cret@h",
                            "redis://u:se#cret@h",
                            "redis://u:se[cret@h",
                            "redis://u:secret@h:65536",
                            "redis://u:secret@h:99999",
                            "redis://secret@h:0",
                            "redis://h/%zzsecret",
                            "redis://h:secret/",
                            "re dis://secret",
                            "://x",
                            "redis://h/?a=secret#secret",
                            "redis://u:secret@[::1",
                            "redis://u:secret@[::g]",
                            "redis://u:secret@[::1]x",
                            "redis://u:secret@h@h",
                            "redis://u:secret@h/ ",
                            "redis://h/%2",
                            "redis://u:secret%@h",
                            "redis://h?a[secret",
                            "red_is://secret",
                            "1redis://secret"}) {
    const auto text = refused([&] { static_cast<void>(parse_store_url(wrong)); });
    EXPECT_FALSE(text.empty()) << wrong;
    EXPECT_FALSE(says(text, "secret")) << text;
  }
}

TEST(UrlParameters, AreReadByName) {
  constexpr std::string_view known[] = {"text", "n", "on", "level"};
  const UrlParameters given("x:", "text=a%20b%3D&n=42&on=true&level=high", known);
  std::string text = "before", other = "before";
  std::size_t n = 0;
  bool on = false;
  int level = 0;
  constexpr std::pair<std::string_view, int> levels[] = {{"low", 1}, {"high", 2}};
  given.text("text", text);
  given.text("other", other);
  given.number("n", n);
  given.flag("on", on);
  given.choice<int>("level", levels, level);
  EXPECT_EQ(text, "a b=");
  EXPECT_EQ(other, "before");
  EXPECT_EQ(n, 42U);
  EXPECT_TRUE(on);
  EXPECT_EQ(level, 2);
  EXPECT_EQ(given.all().size(), 4U);
}

TEST(UrlParameters, RefuseWhatTheyDoNotKnowAndRepeatNoValue) {
  constexpr std::string_view known[] = {"n", "on"};
  const auto text = [&](const char* wrong) {
    return refused([&] {
      const UrlParameters given("x:", wrong, known);
      std::size_t n = 0;
      bool on = false;
      given.number("n", n);
      given.flag("on", on);
    });
  };
  EXPECT_TRUE(says(text("m=secret"), "unknown parameter `m`: it takes n, on"));
  EXPECT_TRUE(says(text("n=1&n=2"), "`n` is given twice"));
  EXPECT_TRUE(says(text("n"), "name=value"));
  EXPECT_TRUE(says(text("=1"), "name=value"));
  EXPECT_TRUE(says(text("n=1&"), "name=value"));
  EXPECT_TRUE(says(text("n=-1"), "whole number"));
  EXPECT_TRUE(says(text("n=1x"), "whole number"));
  EXPECT_TRUE(says(text("n=99999999999999999999"), "whole number"));
  EXPECT_TRUE(says(text("on=yes"), "one of true, false"));
  EXPECT_TRUE(says(text("n=%4"), "no escape"));
  for (const char* wrong : {"m=secret", "n=secret", "on=secret", "n=%secret", "secret"})
    EXPECT_FALSE(says(text(wrong), "secret")) << text(wrong);
}

TEST(TableName, IsANameAndPerhapsASchema) {
  EXPECT_EQ(parse_table_name("t", "sessions").table, "sessions");
  EXPECT_EQ(parse_table_name("t", "sessions").schema, "");
  EXPECT_EQ(parse_table_name("t", "web.Sessions_2").schema, "web");
  EXPECT_EQ(parse_table_name("t", "web.Sessions_2").table, "Sessions_2");
  EXPECT_EQ(parse_table_name("t", std::string(63, 'a')).table.size(), 63U);
}

TEST(TableName, RefusesAllElse) {
  using namespace std::string_literals;
  for (const auto& wrong :
       {""s, "."s, ".a"s, "a."s, "a.b.c"s, "1a"s, "a-b"s, "a b"s, "a\"b"s, "a`b"s, "a'b"s, "a;b"s,
        "a\0b"s, "ä"s, "$a"s, std::string(64, 'a'), "a\n"s}) {
    const auto text =
        refused([&] { static_cast<void>(parse_table_name("postgres: table", wrong)); });
    EXPECT_TRUE(text.starts_with("postgres: table must be")) << wrong;
  }
}

}  // namespace
}  // namespace flame::session
