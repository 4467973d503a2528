#if __has_include(<nlohmann/json.hpp>)

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

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
void from_json(const json& from, Order& to) {
  from.at("item").get_to(to.item);
  from.at("count").get_to(to.count);
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

}  // namespace
}  // namespace flame

#endif
