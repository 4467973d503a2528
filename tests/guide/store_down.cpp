/// docs/guide/store-down.md: routes that need the session, and routes that do without.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include <flame/flame.hpp>
#include <flame/session/memory.hpp>
#include <flame/session/test_support/faulty_store.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

namespace session = flame::session;

namespace {

void add_routes(flame::Flame& f) {
  //! [routes]
  f.get("/account",
        [](const session::Session& s) { return "Account of " + std::string(s.owner()); });
  f.get("/news", [](const session::Session* s) -> std::string {
    if (s == nullptr) return "News";  // nobody knows who this is: not "not signed in"
    return "News for " + std::string(s->owner());
  });
  //! [routes]
  //! [value]
  f.get("/devices", flame::blocking([](const session::Session& s, session::Manager& manager) {
          const auto devices = manager.list(s.owner()).value();
          return std::to_string(devices.size()) + " devices";
        }));
  //! [value]
  //! [ready]
  f.get("/ready", [](session::Manager& manager) {
    return manager.ready() ? flame::Response(200, "ready") : flame::Response(503, "no store");
  });
  //! [ready]
  //! [page]
  f.on_error([](const flame::Context&, int status, std::string_view text) {
    return flame::html("<h1>" + std::to_string(status) + "</h1><p>" + flame::escape_html(text));
  });
  //! [page]
}

TEST(GuideStoreDown, RoutesDecide) {
  const auto store = std::make_shared<session::test_support::FaultyStore>(session::memory::store());
  flame::Flame f;
  f.use(session::sessioner({.store = store, .on_event = [](const session::Event&) {}}));
  f.post("/login", [](session::Session& s) { s.set_owner("ann"); });
  add_routes(f);
  flame::TestClient client(f);
  flame::TestVisitor ann(client), bob(client);
  ann.post("/login", "");
  EXPECT_EQ(ann.get("/account").body(), "Account of ann");
  EXPECT_EQ(ann.get("/news").body(), "News for ann");
  EXPECT_EQ(ann.get("/devices").body(), "1 devices");
  store->next(session::Verb::load, session::Outcome::refused,
              1);  // the list's, after the session's
  const auto devices = ann.get("/devices");
  EXPECT_EQ(devices.status(), 503);
  EXPECT_FALSE(devices.get("Retry-After").empty());

  store->down();
  const auto answer = ann.get("/account");
  EXPECT_EQ(answer.status(), 503);
  EXPECT_FALSE(answer.get("Retry-After").empty());
  EXPECT_TRUE(answer.body().starts_with("<h1>503</h1>")) << answer.body();
  EXPECT_EQ(ann.get("/news").body(), "News");
  EXPECT_EQ(bob.get("/account").status(), 200) << "without a cookie nothing is asked of the store";
  ann.get("/ready");
  EXPECT_EQ(ann.get("/ready").status(), 503);

  store->down(false);
  EXPECT_EQ(ann.get("/account").body(), "Account of ann");
  ann.get("/ready");
  EXPECT_EQ(ann.get("/ready").status(), 200);
}

}  // namespace
