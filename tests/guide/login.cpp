/// The site of docs/guide/login.md, and that it does what that says.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include <flame/csrf.hpp>
#include <flame/flame.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

using namespace std::chrono_literals;
namespace session = flame::session;

namespace {

std::map<std::string, std::string> passwords{};

bool is_password_of(const std::string& user, const std::string& password) {
  const auto found = passwords.find(user);
  return found != passwords.end() && found->second == password;
}

void save_password(const std::string& user, const std::string& password) {
  passwords[user] = password;
}

//! [sign_in]
flame::Response sign_in(flame::Context& c, session::Session& s) {
  const auto user = c.form("user").value_or("");
  if (!is_password_of(user, c.form("password").value_or(""))) {
    s.set_flash("Name or password is wrong");
    return flame::redirect("/login");
  }
  s.set_owner(user);  // a new ID: what was known before the login opens nothing
  return flame::redirect("/");
}
//! [sign_in]

//! [sign_out]
flame::Response sign_out(session::Session& s) {
  s.destroy();  // record and cookie go
  return flame::redirect("/login");
}
//! [sign_out]

//! [guard]
void need_login(flame::Context& c, const session::Session& s) {
  if (s.owner().empty()) c.redirect("/login");  // ends the chain: no handler behind it runs
}
//! [guard]

flame::Response login_page(session::Session& s, const session::Flash& flash) {
  return flame::html(flash.get<std::string>().value_or("") + session::csrf_field(s));
}

std::string home(const session::Session& s) { return "Hello, " + std::string(s.owner()); }

//! [password]
flame::Response change_password(flame::Context& c, session::Session& s, session::Manager& manager) {
  save_password(std::string(s.owner()), c.form("new").value_or(""));
  s.regenerate();                               // a copy of this browser's ID is worth nothing now
  manager.end_all(s.owner(), s.key()).value();  // nor are all other sessions of the user
  return flame::redirect("/");
}
//! [password]

//! [list]
std::string where_signed_in(const session::Session& s, session::Manager& manager) {
  std::string page;
  const auto own = manager.list(s.owner()).value();  // named: a loop over the call itself dangles
  for (const auto& each : own) page += each.label + (each.key == s.key() ? " (this one)\n" : "\n");
  return page;
}
//! [list]

bool for_a_user(session::Session& s, session::Manager& manager, const std::string& user) {
  //! [owner]
  s.set_owner(user, {.idle = 14 * 24h, .absolute = 90 * 24h, .persistent = true, .label = "Phone"});
  const auto own = manager.list(user);  // key, label, when it began, was last seen and ends
  const auto others = manager.end_all(user, s.key());  // "sign out everywhere else": how many
  const auto all = manager.end_everyone();             // of this application
  //! [owner]
  return own && others && all;
}

void add_routes(flame::Flame& f) {
  //! [routes]
  f.use(session::sessioner());
  f.use(session::csrf());  // refuses what pages of other sites send
  f.get("/login", login_page);
  f.post("/login", sign_in);
  f.group("", [&] {
    f.use(need_login);  // for every route of this group
    f.get("/", home);
    f.post("/logout", sign_out);
    f.post("/password", flame::blocking(change_password));  // it waits for the store
    f.get("/sessions", flame::blocking(where_signed_in));
  });
  //! [routes]
}

class GuideLogin : public testing::Test {
 protected:
  GuideLogin() {
    passwords = {{"ann", "secret"}};
    add_routes(f);
    f.post("/cart", [](session::Session& s) { s.set("cart", 1); });
    f.get("/cart", [](const session::Session& s) { return std::to_string(s.get_or("cart", 0)); });
    f.post("/wrong", [](session::Session& s) { s.set("user_id", 123); });
  }
  flame::Response sign_in_as(flame::TestVisitor& who, const std::string& password = "secret") {
    return who.post_form("/login", {{"user", "ann"}, {"password", password}});
  }
  static std::string id_of(const flame::TestVisitor& who) {
    return who.cookie("__Host-session").value_or("none");
  }
  flame::Flame f{};
};

TEST_F(GuideLogin, LetsInWhoKnowsThePassword) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  EXPECT_EQ(ann.get("/").get("Location"), "/login");
  EXPECT_TRUE(ann.follow(sign_in_as(ann, "guess")).body().starts_with("Name or password"));
  EXPECT_EQ(ann.follow(sign_in_as(ann)).body(), "Hello, ann");
  EXPECT_EQ(ann.post("/logout", "").status(), 303);
  EXPECT_EQ(id_of(ann), "none");
  EXPECT_EQ(ann.get("/").get("Location"), "/login");
}

TEST_F(GuideLogin, GivesANewId) {
  flame::TestClient client(f);
  flame::TestVisitor thief(client), ann(client);
  thief.post("/cart", "");
  ann.set_cookie("__Host-session=" + id_of(thief) + "; Path=/; Secure");  // planted
  sign_in_as(ann);
  EXPECT_NE(id_of(ann), id_of(thief));
  EXPECT_EQ(ann.get("/").body(), "Hello, ann");
  EXPECT_EQ(thief.get("/").get("Location"), "/login");
}

TEST_F(GuideLogin, TakesAVisitorsValuesAlongAndNoOtherUsers) {
  passwords["bob"] = "hidden";
  flame::TestClient client(f);
  flame::TestVisitor browser(client);
  browser.post("/cart", "");
  sign_in_as(browser);
  EXPECT_EQ(browser.get("/cart").body(), "1");
  browser.post_form("/login", {{"user", "bob"}, {"password", "hidden"}});
  EXPECT_EQ(browser.get("/").body(), "Hello, bob");
  EXPECT_EQ(browser.get("/cart").body(), "0");
}

TEST_F(GuideLogin, ByAValueAloneItKeepsTheId) {  // what the page warns of
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  ann.post("/cart", "");
  const auto before = id_of(ann);
  ann.post("/wrong", "");
  EXPECT_EQ(id_of(ann), before);
}

TEST_F(GuideLogin, RefusesFormsOfOtherSites) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  sign_in_as(ann);
  EXPECT_EQ(ann.post("/logout", "", {{"Sec-Fetch-Site", "cross-site"}}).status(), 403);
  EXPECT_EQ(ann.get("/").body(), "Hello, ann");
}

TEST_F(GuideLogin, ANewPasswordEndsAllOthers) {
  flame::TestClient client(f);
  flame::TestVisitor ann(client), elsewhere(client);
  sign_in_as(ann);
  sign_in_as(elsewhere);
  EXPECT_NE(ann.get("/sessions").body().find("(this one)"), std::string::npos);
  const auto before = id_of(ann);
  EXPECT_EQ(ann.post_form("/password", {{"new", "better"}}).status(), 303);
  EXPECT_NE(id_of(ann), before);
  EXPECT_EQ(ann.get("/").body(), "Hello, ann");
  EXPECT_EQ(elsewhere.get("/").get("Location"), "/login");
  EXPECT_EQ(sign_in_as(elsewhere).get("Location"), "/login") << "the old password";
}

TEST_F(GuideLogin, EveryoneCanBeEnded) {
  f.post("/all", flame::blocking([](session::Session& s, session::Manager& manager) {
           for_a_user(s, manager, "ann");
         }));
  flame::TestClient client(f);
  flame::TestVisitor ann(client), elsewhere(client);
  sign_in_as(elsewhere);
  EXPECT_EQ(ann.post("/all", "").status(), 200);
  EXPECT_EQ(elsewhere.get("/").get("Location"), "/login");
}

}  // namespace
