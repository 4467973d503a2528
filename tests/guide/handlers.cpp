/// docs/guide/handlers.md: what handlers of the host take and give.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <flame/flame.hpp>
#include <flame/static_files.hpp>
#include <flame/test_client.hpp>

#include "new_folder.hpp"

namespace {

//! [catalogue]
class Catalogue {
 public:
  [[nodiscard]] std::optional<std::string> find(int number) const {  // by many threads at once
    if (number != 7) return std::nullopt;
    return "tea";
  }
};
//! [catalogue]

void add_routes(flame::Flame& f) {
  //! [routes]
  f.get("/search", [](flame::Context& c) {
    return "Looking for " + c.query("q").value_or("nothing");  // /search?q=tea
  });
  f.map(std::make_shared<Catalogue>());
  f.get("/items/{id}",
        [](flame::Context& c, const Catalogue& items) -> std::pair<int, std::string> {
          const auto item = items.find(std::atoi(c.param("id").c_str()));
          if (!item) return {404, "no such item"};
          return {200, *item};
        });
  //! [routes]
  //! [around]
  f.use([](flame::Context& c, flame::Next next) -> flame::Task<> {
    co_await next();  // whatever comes after, the route's handler too
    c.header("X-Frame-Options", "DENY");
  });
  //! [around]
}

TEST(GuideHandlers, TakePathsQueriesAndServices) {
  flame::Flame f;
  add_routes(f);
  flame::TestClient client(f);
  EXPECT_EQ(client.get("/search?q=green+tea").body(), "Looking for green tea");
  EXPECT_EQ(client.get("/search").body(), "Looking for nothing");
  EXPECT_EQ(client.get("/items/7").body(), "tea");
  EXPECT_EQ(client.get("/items/8").status(), 404);
  EXPECT_EQ(client.get("/items/7").get("X-Frame-Options"), "DENY");
}

flame::Flame service(const std::string& folder) {
  //! [service]
  flame::Flame f({.address = "0.0.0.0:8080"});  // for all of the network
  f.use(flame::static_files({.folder = folder, .prefix = "/assets"}));
  //! [service]
  return f;
}

TEST(GuideHandlers, StandBesideFiles) {
  const NewFolder folder;
  std::ofstream(folder.path() + "/a.css") << "p {}";
  auto f = service(folder.path());
  flame::TestClient client(f);
  EXPECT_EQ(client.get("/assets/a.css").body(), "p {}");
}

}  // namespace
