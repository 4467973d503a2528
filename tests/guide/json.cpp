/// The endpoints of docs/guide/json.md, and what they answer.
#if __has_include(<nlohmann/json.hpp>)

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flame/flame.hpp>
#include <flame/json.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

namespace session = flame::session;

//! [line]
struct Line {
  std::string id;
  int quantity = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Line, id, quantity)
//! [line]

namespace {

using nlohmann::json;

//! [endpoints]
json cart(const session::Session& s) { return s.get_or("cart", std::vector<Line>()); }

std::pair<int, json> add(flame::Context& c, session::Session& s) {
  const auto line = flame::json_body<json, Line>(c);
  if (line.quantity < 1) throw flame::HttpError(422, "quantity is 1 at least");
  s.update(
      "cart", std::vector<Line>(),
      [](std::vector<Line> lines, const Line& more) {
        lines.push_back(more);
        return lines;
      },
      line);
  return {201, line};
}
//! [endpoints]

//! [guard]
std::optional<flame::Response> need_user(const session::Session& s) {
  if (s.owner().empty()) return flame::Response(401, "Sign in first");
  return std::nullopt;  // the chain goes on
}
//! [guard]

void add_routes(flame::Flame& f) {
  //! [routes]
  f.group("/api/cart", [&] {
    f.use(need_user);
    f.get("/", cart);  // GET /api/cart
    f.post("/", add);
  });
  //! [routes]
  f.post("/tries", []() -> std::string {
    //! [fields]
    throw flame::HttpError(429, "Too many tries").set("Retry-After", "60");
    //! [fields]
  });
  //! [errors]
  f.on_error([](const flame::Context& c, int status, std::string_view text) {
    if (!c.request().path().starts_with("/api/"))
      return flame::html("<h1>" + std::to_string(status) + "</h1>" + flame::escape_html(text));
    return flame::Response(json{{"error", text}}.dump()).set("Content-Type", "application/json");
  });
  //! [errors]
}

flame::Flame service() {
  flame::Flame f;
  f.use(session::sessioner());
  f.post("/login", [](session::Session& s) { s.set_owner("ann"); });
  add_routes(f);
  return f;
}

class GuideJson : public testing::Test {
 protected:
  flame::Response add(const std::string& body, const std::string& type = "application/json") {
    return ann.post("/api/cart", body, {{"Content-Type", type}});
  }
  flame::Flame f = service();
  flame::TestClient client{f};
  flame::TestVisitor ann{client};
};

TEST_F(GuideJson, KeepsACart) {
  ann.post("/login", "");
  EXPECT_EQ(ann.get("/api/cart").body(), "[]");
  //! [send]
  const auto added = ann.post("/api/cart", R"({"id": "tea", "quantity": 2})",
                              {{"Content-Type", "application/json"}});
  EXPECT_EQ(added.status(), 201);
  //! [send]
  EXPECT_EQ(added.body(), R"({"id":"tea","quantity":2})");
  EXPECT_EQ(ann.get("/api/cart").body(), R"([{"id":"tea","quantity":2}])");
  EXPECT_EQ(ann.get("/api/cart/").status(), 200);
}

TEST_F(GuideJson, IsForUsers) {
  EXPECT_EQ(ann.get("/api/cart").status(), 401);
  EXPECT_EQ(ann.get("/api/cart").body(), "Sign in first");
}

TEST_F(GuideJson, SaysWhatIsWrong) {
  ann.post("/login", "");
  const struct {
    std::string body, type;
    int status;
    std::string text;
  } table[]{
      {"id=tea", "text/plain", 415, "this takes JSON: send it with Content-Type: application/json"},
      {"{", "application/json", 400, "the body is no JSON"},
      {R"({"id": "tea"})", "application/json", 422, "the JSON in the body lacks quantity"},
      {R"({"id": "tea", "quantity": "2"})", "application/json", 422,
       "the JSON in the body has another type at quantity than is wanted here"},
      {R"({"id": "tea", "quantity": 0})", "application/json", 422, "quantity is 1 at least"},
  };
  for (const auto& each : table) {
    const auto answer = add(each.body, each.type);
    EXPECT_EQ(answer.status(), each.status) << each.body;
    EXPECT_EQ(answer.body(), json({{"error", each.text}}).dump());
    EXPECT_EQ(answer.get("Content-Type"), "application/json");
  }
  EXPECT_EQ(ann.get("/api/cart").body(), "[]");
  EXPECT_EQ(ann.post("/tries", "").get("Retry-After"), "60");
  EXPECT_EQ(ann.post("/tries", "").body(), "<h1>429</h1>Too many tries");
}

}  // namespace

#endif
