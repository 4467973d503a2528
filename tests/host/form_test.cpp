#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <flame/flame.hpp>
#include <flame/test_client.hpp>

#include "support.hpp"

namespace flame {
namespace {

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const auto& value : values) out += "[" + value + "]";
  return out;
}

class FormTest : public testing::Test {
 protected:
  FormTest() {
    f.any("/query", [](Context& c) { return joined(c.query_values("a")); });
    f.any("/form", [](Context& c) { return joined(c.form_values("a")); });
    f.any("/first", [](Context& c) {
      return c.query("a").value_or("none") + "," + c.form("a").value_or("none");
    });
  }
  std::string form(const std::string& body, const std::string& type) {
    return client().post("/form", body, {{"Content-Type", type}}).body();
  }
  TestClient& client() {
    if (!client_) client_ = std::make_unique<TestClient>(f);
    return *client_;
  }

  Flame f{};
  std::unique_ptr<TestClient> client_{};
};

constexpr const char* form_type = "application/x-www-form-urlencoded";

/// What the parser of the URL standard makes of each.
TEST_F(FormTest, Decodes) {
  const std::pair<std::string, const char*> cases[]{
      {"", ""},           {"b=1", ""},          {"a", "[]"},
      {"a=", "[]"},       {"a=1", "[1]"},       {"a=1&a=2&b=3&a=4", "[1][2][4]"},
      {"a=b=c", "[b=c]"}, {"A=1", ""},          {"&&a=1&", "[1]"},
      {"a=1+2", "[1 2]"}, {"a=1%2B2", "[1+2]"}, {"%61=1", "[1]"},
      {"a=%zz", "[%zz]"}, {"a=100%", "[100%]"}, {"a=%4", "[%4]"},
      {"a=%%41", "[%A]"}, {"a=%26%3D", "[&=]"}, {"a=%C3%9F%ff", "[\xc3\x9f\xff]"},
      {"a;b=1", ""},      {"=1&a=2", "[2]"},
  };
  for (const auto& [text, values] : cases) {
    EXPECT_EQ(client().get("/query?" + text).body(), values) << text;
    EXPECT_EQ(form(text, form_type), values) << text;
  }
}

TEST_F(FormTest, TheFirstOfEach) {
  const auto both = client().post("/first?a=1&a=2", "a=3&a=4", {{"content-type", form_type}});
  EXPECT_EQ(both.body(), "1,3");
  EXPECT_EQ(client().get("/first").body(), "none,none");
}

TEST_F(FormTest, OnlyABodyOfThatTypeIsOne) {
  for (const char* type :
       {form_type, "Application/X-WWW-Form-URLEncoded",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded ; charset=x", " application/x-www-form-urlencoded\t"}) {
    EXPECT_EQ(form("a=1", type), "[1]") << type;
  }
  for (const char* type :
       {"", "text/plain", "application/x-www-form-urlencodedx", "multipart/form-data; boundary=x",
        "application/json", "text/plain; application/x-www-form-urlencoded"}) {
    EXPECT_EQ(form("a=1", type), "") << type;
  }
  EXPECT_EQ(client().post("/form", "a=1").body(), "");
  const TestClient::Fields two{{"Content-Type", form_type}, {"Content-Type", "text/plain"}};
  EXPECT_EQ(client().post("/form", "a=1", two).body(), "");
}

TEST_F(FormTest, HasABound) {
  std::string most = "a=1";
  for (std::size_t i = 1; i < max_pairs; ++i) most += "&b=2";
  EXPECT_EQ(form(most, form_type), "[1]");
  EXPECT_EQ(client().get("/query?" + most).body(), "[1]");
  const auto too_long = client().post("/form", most + "&c", {{"Content-Type", form_type}});
  EXPECT_EQ(too_long.status(), 413);
  EXPECT_EQ(too_long.body(), "the form has too many names: at most 1000 are taken\n");
  const auto query = client().get("/query?" + most + "&c");
  EXPECT_EQ(query.status(), 400);
  EXPECT_EQ(query.body(), "the query has too many names: at most 1000 are taken\n");
}

TEST(Form, IsOfItsOwnRequestOnAConnectionThatStays) {
  Flame f(test::local());
  f.get("/", [](Context& c) { return c.query("a").value_or("none"); });
  ASSERT_TRUE(f.start());
  test::Wire wire(f.address());
  for (const char* value : {"1", "2", "none"}) {
    const std::string query = value == std::string("none") ? "" : std::string("?a=") + value;
    wire.send(test::get("/" + query));
    EXPECT_EQ(test::body_of(wire.read_response()), value);
  }
}

TEST(Request, AllValuesOfAField) {
  Flame f;
  f.get("/", [](const Request& r) {
    std::string out;
    for (const auto value : r.values("x-a")) out.append("[").append(value).append("]");
    return out;
  });
  TestClient client(f);
  EXPECT_EQ(client.get("/", {{"X-A", "1"}, {"X-B", "2"}, {"x-a", "3, 4"}}).body(), "[1][3, 4]");
  EXPECT_EQ(client.get("/").body(), "");
}

}  // namespace
}  // namespace flame
