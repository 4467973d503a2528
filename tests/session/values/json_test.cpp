#if __has_include(<nlohmann/json.hpp>)

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include <flame/session/json.hpp>
#include <flame/session/session.hpp>

namespace flame::session {
namespace {

using nlohmann::json;

TEST(Json, EveryKindComesBack) {
  for (const char* text :
       {"null", "true", "0", "-5", "18446744073709551615", "-9223372036854775808", "0.1", "1e300",
        "\"\"", "\"Gr\u00fc\u00dfe\"", "[]", "{}", "[null,[1,[2]],{\"a\":{}}]",
        "{\"a\":[1,2.5,\"x\"],\"b\":{\"c\":null}}"}) {
    const auto value = json::parse(text);
    Session session;
    session.set("k", value);
    EXPECT_EQ(session.get<json>("k"), value) << text;
    EXPECT_EQ(session.get<json>("k")->type(), value.type()) << text;
  }
}

TEST(Json, IsWhatItsValueIs) {
  Session session;
  session.set("n", json(5));
  EXPECT_EQ(session.get<int>("n"), 5);
  session.set("m", std::map<std::string, int>{{"a", 1}});
  EXPECT_EQ(session.get<json>("m"), json({{"a", 1}}));
  session.set("none", std::optional<json>());
  const auto none = session.get<std::optional<json>>("none");
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->has_value());
}

TEST(Json, BinaryHasNoStoredForm) {
  Session session;
  EXPECT_THROW(session.set("k", json::binary({1, 2})), ValueError);
  EXPECT_FALSE(session.contains("k"));
}

TEST(Json, WhatIsNestedTooDeepIsRefused) {
  json deep = 1;
  for (int i = 0; i < 1000; ++i) deep = json::array({deep});
  Session session;
  EXPECT_THROW(session.set("k", deep), ValueError);
}

TEST(Json, OrderedJsonToo) {
  Session session;
  const auto value = nlohmann::ordered_json::parse("{\"b\":1,\"a\":[2]}");
  session.set("k", value);
  EXPECT_EQ(session.get<nlohmann::ordered_json>("k"), value);
}

}  // namespace
}  // namespace flame::session

#endif
