// A site with a login: how sessions are meant to be used. Sign in as ann or bob, password `secret`.
#include <flame/csrf.hpp>
#include <flame/flame.hpp>
#include <flame/sessioner.hpp>

#include "login_pages.hpp"

using namespace std::chrono_literals;
namespace session = flame::session;

/// Stands for a table of password hashes.
bool is_password_of(const std::string& user, const std::string& password) {
  return (user == "ann" || user == "bob") && password == "secret";
}

/// Runs before the pages of those who are signed in.
void need_login(flame::Context& c, const session::Session& s) {
  if (s.owner().empty()) c.redirect("/login");
}

flame::Response sign_in(flame::Context& c, session::Session& s) {
  const auto user = c.form("user").value_or("");
  if (!is_password_of(user, c.form("password").value_or(""))) {
    s.set_flash("Name or password is wrong");
    return flame::redirect("/login");
  }
  session::Login login{.label = pages::device(c.request().field("User-Agent"))};
  if (c.form("remember")) login.persistent = true, login.absolute = 30 * 24h;
  s.set_owner(user, login);  // a new ID: what was known before the login opens nothing
  s.set_flash("Welcome, " + user);
  return flame::redirect("/");
}

flame::Response sign_out(session::Session& s) {
  s.destroy();  // the cookie goes, too: a flash message would begin a session for itself
  return flame::redirect("/login?signed_out");
}

flame::Response home(session::Session& s, const session::Flash& flash, session::Manager& manager) {
  s.update("visits", 0, [](int n) { return n + 1; });
  return flame::html(
      pages::home(s, flash.get<std::string>().value_or(""), manager.list(s.owner()).value()));
}

flame::Response end_one(flame::Context& c, session::Session& s, session::Manager& manager) {
  const auto key = session::parse_key(c.form("key").value_or(""));
  const auto own = manager.list(s.owner()).value();
  for (const auto& each : own)
    if (each.key == key) manager.end(each.key).value();  // nobody ends another's
  s.set_flash("That session has ended");
  return flame::redirect("/");
}

flame::Response end_others(session::Session& s, session::Manager& manager) {
  const auto ended = manager.end_all(s.owner(), s.key()).value();
  s.set_flash("Ended elsewhere: " + std::to_string(ended));
  return flame::redirect("/");
}

int main() {
  auto f = flame::classic();
  f.use(session::sessioner({.idle_timeout = 30min, .longest_login = 30 * 24h}));
  f.use(session::csrf());

  f.get("/login", [](flame::Context& c, session::Session& s, const session::Flash& flash) {
    const auto message = flash.get<std::string>();
    return flame::html(
        pages::login(s, c.query("signed_out") ? "You are signed out" : message.value_or("")));
  });
  f.post("/login", sign_in);

  f.group("", [&] {
    f.use(need_login);
    f.get("/", flame::blocking(home));  // to list asks the store, and may block
    f.post("/logout", sign_out);
    f.post("/end", flame::blocking(end_one));
    f.post("/end-others", flame::blocking(end_others));
  });
  f.run();
}
