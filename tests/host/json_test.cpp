#if __has_include(<nlohmann/json.hpp>)

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flame/flame.hpp>
#include <flame/json.hpp>
#include <flame/test_client.hpp>

namespace flame {
namespace {

using nlohmann::json;

struct Order {
  std::string item{};
  int count = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Order, item, count)

struct Line {
  std::string name{};
  Order order{};
  std::vector<Order> more{};
  std::optional<int> left_out{};  // the library of Debian 12 cannot read it
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Line, name, order, more)

struct Loose {
  int count = 0;
  std::string text{};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Loose, count, text)

/// Reads what has other names in JSON.
struct Renamed {
  std::string item{};
};
void from_json(const json& from, Renamed& to) { from.at("itemName").get_to(to.item); }

struct Numbers {
  std::int8_t small = 0;
  std::uint64_t large = 0;
  double real = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Numbers, small, large, real)

enum class Color { red, green };
struct Held {
  std::map<std::string, int> map{};
  std::array<int, 2> array{};
  std::list<unsigned> list{};
  Color color{};
  json any{};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Held, map, array, list, color, any)

/// Reads its numbers in its own way.
struct Price {
  int cents = 0;
};
void from_json(const json& from, Price& to) {
  to.cents = static_cast<int>(std::lround(from.at("cents").get<double>() * 100));
}

class JsonTest : public testing::Test {
 protected:
  JsonTest() {
    f.get("/", [] { return json{{"a", {1, 2.5, nullptr}}}; });
    f.get("/status", [] { return std::pair{201, json{{"id", 7}}}; });
    f.get("/task", []() -> Task<json> { co_return json::array(); });
    f.get("/bytes", [] { return json("\xff"); });
    f.post("/echo", [](Context& c) { return json_body<json>(c); });
    f.post("/order", [](Context& c) {
      const auto order = json_body<json, Order>(c);
      return order.item + std::to_string(order.count);
    });
    f.post("/held", [](Context& c) { return json_body<json, Held>(c).any; });
    f.post("/price", [](Context& c) { return std::to_string(json_body<json, Price>(c).cents); });
    f.post("/numbers", [](Context& c) {
      const auto numbers = json_body<json, std::vector<Numbers>>(c);
      return std::to_string(numbers[0].small) + ' ' + std::to_string(numbers[0].large);
    });
    f.post("/line", [](Context& c) { return json_body<json, Line>(c).name; });
    f.post("/lines",
           [](Context& c) { return std::to_string(json_body<json, std::vector<Line>>(c).size()); });
    f.post("/loose", [](Context& c) { return json_body<json, Loose>(c).text; });
    f.post("/renamed", [](Context& c) { return json_body<json, Renamed>(c).item; });
  }
  Response send(const char* path, const std::string& body,
                const std::string& type = "application/json") {
    TestClient client(f);
    return client.post(path, body, {{"Content-Type", type}});
  }
  Flame f{};
};

TEST_F(JsonTest, IsAResult) {
  TestClient client(f);
  EXPECT_EQ(client.get("/").body(), R"({"a":[1,2.5,null]})");
  EXPECT_EQ(client.get("/").get("Content-Type"), "application/json");
  EXPECT_EQ(client.get("/status").status(), 201);
  EXPECT_EQ(client.get("/status").body(), R"({"id":7})");
  EXPECT_EQ(client.get("/task").body(), "[]");
  EXPECT_EQ(client.get("/bytes").body(), "\"\xef\xbf\xbd\"");
}

TEST_F(JsonTest, IsABody) {
  EXPECT_EQ(send("/echo", R"( {"a":"\"]}[{"} )").body(), R"({"a":"\"]}[{"})");
  EXPECT_EQ(send("/order", R"({"item":"tea","count":2})").body(), "tea2");
  for (const char* type : {"Application/JSON", "application/json; charset=utf-8",
                           "application/problem+json", "application/ld+JSON;x=y"}) {
    EXPECT_EQ(send("/echo", "1", type).status(), 200) << type;
  }
}

TEST_F(JsonTest, OfAnotherTypeIsA415) {
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "text/json",
                           "application/jsonx", "+json"}) {
    EXPECT_EQ(send("/echo", "1", type).status(), 415) << type;
  }
  EXPECT_EQ(send("/echo", "1", "text/plain").body(),
            "this takes JSON: send it with Content-Type: application/json\n");
}

TEST_F(JsonTest, MalformedIsA400) {
  for (const char* text :
       {"", " ", "{", "{\"a\":}", "[1,]", "nul", "1 2", "\"\xff\"", "'a'", "[1]x"}) {
    const auto refused = send("/echo", text);
    EXPECT_EQ(refused.status(), 400) << text;
    EXPECT_EQ(refused.body(), "the body is no JSON\n") << text;
  }
}

TEST_F(JsonTest, NestedTooDeeplyIsA400) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_EQ(send("/echo", nested(100)).status(), 200);
  EXPECT_EQ(send("/echo", nested(101)).status(), 400);
  EXPECT_EQ(send("/echo", std::string(1'000'000, '[')).status(), 400);
  EXPECT_EQ(send("/echo", "\"" + std::string(200, '[') + "\"").status(), 200);
  EXPECT_EQ(send("/echo", "[\"a\"," + nested(100) + "]").status(), 400);
  std::string wide = "[0";
  for (int i = 0; i < 200; ++i) wide += ",[]";
  EXPECT_EQ(send("/echo", wide + "]").status(), 200);
}

TEST_F(JsonTest, OfOtherMembersIsA422) {
  for (const char* text : {"{}", "[]", R"({"item":"tea"})", R"({"item":"tea","count":"two"})"}) {
    EXPECT_EQ(send("/order", text).status(), 422) << text;
  }
}

TEST_F(JsonTest, TheMemberThatDoesNotFitIsNamed) {
  const std::string in = "the JSON in the body ", type = "has another type at ",
                    than = " than is wanted here\n", order = R"("order":{"item":"","count":1})";
  const struct {
    const char* path;
    std::string body, text;
  } table[]{
      {"/order", R"({"item":"tea"})", in + "lacks count\n"},
      {"/order", R"({"count":1})", in + "lacks item\n"},
      {"/order", R"({"item":"tea","count":"canary"})", in + type + "count" + than},
      {"/order", R"({"canary":{},"item":["canary"],"count":"canary"})", in + type + "item" + than},
      {"/line", R"({"name":1,)" + order + R"(,"more":[]})", in + type + "name" + than},
      {"/line", R"({"name":"","order":{"item":1,"count":1},"more":[]})",
       in + type + "order.item" + than},
      {"/line", R"({"name":"","order":{"item":""},"more":[]})", in + "lacks order.count\n"},
      {"/line", R"({"name":"","order":"canary","more":[]})", in + type + "order" + than},
      {"/line", R"({"name":"",)" + order + R"(,"more":{}})", in + type + "more" + than},
      {"/line",
       R"({"name":"",)" + order + R"(,"more":[{"item":"","count":1},{"item":"","count":[]}]})",
       in + type + "more[1].count" + than},
      {"/lines", R"([{"name":"",)" + order + R"(,"more":[{}]}])", in + "lacks [0].more[0].item\n"},
      {"/loose", R"({"text":7})", in + type + "text" + than},
  };
  for (const auto& each : table) {
    const auto refused = send(each.path, each.body);
    EXPECT_EQ(refused.status(), 422) << each.body;
    EXPECT_EQ(refused.body(), each.text) << each.body;
  }
}

TEST_F(JsonTest, ANumberThatAnIntegerWouldNotKeepIsA422) {
  const auto numbers = [this](const std::string& members) {
    return send("/numbers", "[{" + members + "}]").body();
  };
  EXPECT_EQ(numbers(R"("small":127,"large":18446744073709551615,"real":2)"),
            "127 18446744073709551615");
  EXPECT_EQ(numbers(R"("small":-128,"large":0,"real":1.5)"), "-128 0");
  EXPECT_EQ(numbers(R"("small":1.0,"large":1e3)"), "1 1000") << "nothing is lost";
  const auto refused = [](const std::string& member) {
    return "the JSON in the body has another type at [0]." + member + " than is wanted here\n";
  };
  for (const char* wrong :
       {"128", "-129", "4294967298", "-4294967294", "18446744073709551615", "1.99", "128.0",
        "-128.5", "1e300", "-1e300", "true", "99999999999999999999"})
    EXPECT_EQ(numbers(std::string(R"("small":)") + wrong), refused("small")) << wrong;
  for (const char* wrong : {"-1", "-0.5", "-1.0", "1.5", "false", "1e20"})
    EXPECT_EQ(numbers(std::string(R"("large":)") + wrong), refused("large")) << wrong;
  EXPECT_EQ(numbers(R"("real":true)"), refused("real"));
}

TEST_F(JsonTest, NumbersAreLookedAtWhereverTheyAreHeld) {
  EXPECT_EQ(
      send("/held", R"({"map":{"x":1},"array":[1,2],"list":[3],"color":1,"any":[1.5]})").body(),
      "[1.5]");
  const std::pair<const char*, const char*> table[]{{R"({"map":{"canary":1.5}})", "map"},
                                                    {R"({"array":[1,true]})", "array[1]"},
                                                    {R"({"list":[1,-1]})", "list[1]"},
                                                    {R"({"color":0.5})", "color"}};
  for (const auto& [body, path] : table)
    EXPECT_EQ(send("/held", body).body(), "the JSON in the body has another type at " +
                                              std::string(path) + " than is wanted here\n");
}

TEST_F(JsonTest, ATypeMayMakeOfANumberWhatItLikes) {
  EXPECT_EQ(send("/price", R"({"cents":1.99})").body(), "199");
}

TEST_F(JsonTest, WhatCannotBeNamedIsNotGuessedAt) {
  const auto* const text =
      "the JSON in the body is not of the type, or lacks members, that are wanted here\n";
  EXPECT_EQ(send("/renamed", R"({"canary":1})").body(), text);
  EXPECT_EQ(send("/renamed", R"({"itemName":1})").body(), text);
  EXPECT_EQ(send("/order", R"(["canary"])").body(), text);
  EXPECT_EQ(send("/lines", R"({"canary":1})").body(), text);
}

}  // namespace
}  // namespace flame

#endif
