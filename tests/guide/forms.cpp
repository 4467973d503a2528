/// The forms of docs/guide/forms.md on the host; those of adapters are
/// tests/adapters/cpp_httplib_test.cpp.
#include <gtest/gtest.h>

#include <string>

#include <flame/csrf.hpp>
#include <flame/flame.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

namespace session = flame::session;

namespace {

//! [form]
flame::Response profile_page(session::Session& s) {
  return flame::html("<form method=post>" + session::csrf_field(s) + "<input name=city value=\"" +
                     flame::escape_html(s.get_or("city", "")) + "\"><button>Save</button></form>");
}
//! [form]

flame::Response save_profile(flame::Context& c, session::Session& s) {
  s.set("city", c.form("city").value_or(""));
  return flame::redirect("/profile");
}

void add_routes(flame::Flame& f) {
  //! [csrf]
  f.use(session::sessioner());
  f.use(session::csrf());  // after the sessioner
  f.get("/profile", profile_page);
  f.post("/profile", save_profile);
  //! [csrf]
}

TEST(GuideForms, OwnPagesAloneCanSendAForm) {
  flame::Flame f;
  add_routes(f);
  flame::TestClient client(f);
  flame::TestVisitor ann(client);
  EXPECT_EQ(ann.get("/profile").body().find("csrf_token"), std::string::npos);
  EXPECT_EQ(ann.post_form("/profile", {{"city", "\"Graz\""}}).status(), 303);
  const flame::TestClient::Fields other{{"Sec-Fetch-Site", "cross-site"}};
  EXPECT_EQ(ann.post_form("/profile", {{"city", "Linz"}}, other).status(), 403);
  const auto page = ann.get("/profile").body();
  EXPECT_NE(page.find("value=\"&quot;Graz&quot;\""), std::string::npos) << page;

  const auto token = page.substr(page.find("csrf_token") + 19, 22);
  const std::string cookie = "__Host-session=" + ann.cookie("__Host-session").value_or("");
  EXPECT_EQ(client.post_form("/profile", {{"city", "Linz"}}, {{"Cookie", cookie}}).status(), 403)
      << "by no browser";
  const flame::TestClient::Fields script{{"Cookie", cookie}, {"X-CSRF-Token", token}};
  EXPECT_EQ(client.post_form("/profile", {{"city", "Linz"}}, script).status(), 303);
}

}  // namespace
