/// The messages of docs/guide/flash.md, and who gets them.
#include <gtest/gtest.h>

#include <string>

#include <flame/flame.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

namespace session = flame::session;

namespace {

//! [notice]
struct Notice {
  std::string kind, text;
};
//! [notice]

//! [layout]
/// A page of the site: what its layout needs is asked for here, for all of them.
auto page(std::string (*body)(session::Session&)) {
  return [body](session::Session& s, const session::Flash& flash) {
    const auto message = flash.get<std::string>().value_or("");
    return flame::html("<p>" + flame::escape_html(message) + "</p>" + body(s));
  };
}
//! [layout]

std::string cart_page(session::Session& s) { return "Cart of " + std::string(s.owner()); }
std::string account_page(session::Session&) { return "Account"; }

class GuideFlash : public testing::Test {
 protected:
  GuideFlash() {
    f.use(session::sessioner());
    //! [once]
    f.post("/profile", [](session::Session& s) {
      s.set_flash("Saved");
      return flame::redirect("/profile");
    });
    f.get("/profile", [](const session::Flash& flash) {
      return flash.get<std::string>().value_or("Your profile");
    });
    //! [once]
    //! [struct]
    f.post("/order", [](session::Session& s) {
      s.set_flash(Notice{.kind = "error", .text = "Sold out"});
      return flame::redirect("/shop");
    });
    f.get("/shop", [](const session::Flash& flash) -> std::string {
      const auto notice = flash.get<Notice>();
      return notice ? notice->kind + ": " + notice->text : "Welcome";
    });
    //! [struct]
    //! [pages]
    f.get("/cart", page(cart_page));
    f.get("/account", page(account_page));
    //! [pages]
    f.get("/fails", [](const session::Flash& flash) {
      return flame::Response(500, flash.get<std::string>().value_or(""));
    });
    f.get("/asks-only", [](const session::Flash&) { return "-"; });
    f.get("/elsewhere", [](const session::Session&) { return "-"; });
  }
  flame::Flame f{};
};

TEST_F(GuideFlash, IsShownOnce) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  const auto answer = ann.post("/profile", "");
  EXPECT_EQ(ann.follow(answer).body(), "Saved");
  EXPECT_EQ(ann.get("/profile").body(), "Your profile");
}

TEST_F(GuideFlash, IsInTheLayoutOfAPage) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  ann.post("/profile", "");
  EXPECT_EQ(ann.get("/account").body(), "<p>Saved</p>Account");
  EXPECT_EQ(ann.get("/cart").body(), "<p></p>Cart of ");
}

TEST_F(GuideFlash, WaitsForWhoAsks) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  ann.post("/profile", "");
  ann.get("/elsewhere");
  ann.request("HEAD", "/profile");
  ann.get("/profile", {{"Sec-Purpose", "prefetch"}});
  ann.get("/profile", {{"Sec-Fetch-Dest", "image"}});
  ann.get("/asks-only");
  EXPECT_EQ(ann.get("/fails").body(), "Saved") << "and it goes back, for this is a 500";
  EXPECT_EQ(ann.get("/profile").body(), "Saved");
}

TEST_F(GuideFlash, HoldsStructs) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  EXPECT_EQ(ann.follow(ann.post("/order", "")).body(), "error: Sold out");
  ann.post("/order", "");
  EXPECT_EQ(ann.get("/profile").body(), "Your profile") << "it is used up";
  EXPECT_EQ(ann.get("/shop").body(), "Welcome");
}

TEST_F(GuideFlash, TheLaterOneStays) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  ann.post("/profile", "");
  ann.post("/order", "");
  EXPECT_EQ(ann.get("/shop").body(), "error: Sold out");
  EXPECT_EQ(ann.get("/profile").body(), "Your profile");
}

}  // namespace
