/// The programs of docs/guide/five-minutes.md, and that they do what it says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include <flame/flame.hpp>
#include <flame/session/open_store.hpp>
#include <flame/sessioner.hpp>
#include <flame/test_client.hpp>

#include "new_folder.hpp"

namespace session = flame::session;

namespace {

void add_visits(flame::Flame& f) {
  //! [visits]
  f.get("/visits", [](session::Session& s) {
    s.update("visits", 0, [](int n) { return n + 1; });
    return "Visit " + std::to_string(s.get_or("visits", 0));
  });
  //! [visits]
}

void use_store(flame::Flame& f) {
  //! [store]
  const char* url = std::getenv("SESSION_STORE");  // file:/var/lib/shop/sessions, say
  f.use(session::sessioner({.store = session::open_store(url ? url : "memory:")}));
  //! [store]
}

/// How many visits a visitor has made, in a service that is started anew after the second.
std::string third_visit(const char* url) {
  if (url)
    ::setenv("SESSION_STORE", url, 1);
  else
    ::unsetenv("SESSION_STORE");
  std::string cookie;
  std::string body;
  for (const int visits : {2, 1}) {
    flame::Flame f;
    use_store(f);
    add_visits(f);
    flame::TestClient client(f);
    flame::TestVisitor visitor(client);
    if (!cookie.empty()) visitor.set_cookie("__Host-session=" + cookie + "; Path=/; Secure");
    for (int i = 0; i < visits; ++i) body = visitor.get("/visits").body();
    cookie = visitor.cookie("__Host-session").value_or("");
  }
  return body;
}

TEST(FiveMinutes, VisitsAreCounted) {
  flame::Flame f;
  f.use(session::sessioner());
  add_visits(f);
  flame::TestClient client(f);
  flame::TestVisitor ann(client), bob(client);
  EXPECT_EQ(ann.get("/visits").body(), "Visit 1");
  EXPECT_EQ(ann.get("/visits").body(), "Visit 2");
  EXPECT_EQ(bob.get("/visits").body(), "Visit 1");
}

TEST(FiveMinutes, TheStoreDecidesWhatANewStartForgets) {
  EXPECT_EQ(third_visit(nullptr), "Visit 1");
  const NewFolder folder;
  EXPECT_EQ(third_visit(("file:" + folder.path()).c_str()), "Visit 3");
}

}  // namespace
