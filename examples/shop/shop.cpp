// A small shop: how sessions are meant to be used. Sign in as ann or bob, password `secret`.
#include "shop.hpp"

#include <nlohmann/json.hpp>

#include <flame/csrf.hpp>
#include <flame/json.hpp>

#include "pages.hpp"

using namespace std::chrono_literals;
namespace session = flame::session;
using flame::Context, nlohmann::json, session::Flash, session::Session;

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Line, id, quantity)

namespace {

/// Stands for a table of password hashes.
bool is_password_of(const std::string& user, const std::string& password) {
  return (user == "ann" || user == "bob") && password == "secret";
}

void need_login(Context& c, Session& s) {
  if (!s.owner().empty()) return;
  s.set_flash("Please sign in first");
  c.redirect("/login");
}

/// A page: what the layout shows of a visitor is asked for here, for all of them.
auto page(std::string (*text)(Session&, const Flash&)) {
  return [text](Session& s, const Flash& flash) { return flame::html(text(s, flash)); };
}

flame::Response home(Session& s, const Flash& flash) {
  s.update("visits", 0, [](int n) { return n + 1; });
  return flame::html(pages::home(s, flash));
}

flame::Response add(Context& c, Session& s) {
  const auto* product = find_product(c.form("id").value_or(""));
  if (!product) return flame::Response(422, "No such product");
  add_to_cart(s, {std::string(product->id), 1});
  s.set_flash(std::string(product->name) + " is in your cart");
  return flame::redirect("/cart");
}

flame::Response empty_cart(Session& s) {
  s.erase("cart");
  return flame::redirect("/cart");
}

json cart(const Session& s) { return cart_of(s); }

std::pair<int, json> add_json(Context& c, Session& s) {
  const auto line = flame::json_body<json, Line>(c);
  if (!find_product(line.id) || line.quantity < 1 || line.quantity > 99)
    throw flame::HttpError(422, "No such product or quantity");
  add_to_cart(s, line);
  return {201, cart_of(s)};
}

flame::Response sign_in(Context& c, Session& s) {
  const auto user = c.form("user").value_or("");
  if (!is_password_of(user, c.form("password").value_or(""))) {
    s.set_flash("Name or password is wrong");
    return flame::redirect("/login");
  }
  session::Login login;
  if (c.form("remember")) login = {.absolute = 30 * 24h, .persistent = true};
  // A new ID. A visitor's cart stays, another user's does not.
  s.set_owner(user, login);
  s.set_flash("Welcome, " + user);
  return flame::redirect("/account");
}

flame::Response sign_out(Session& s) {
  s.destroy();
  s.set_flash("You are signed out");
  return flame::redirect("/login");
}

flame::Response sign_out_everywhere(Session& s, session::Manager& manager) {
  manager.end_all(s.owner(), s.key()).value();
  return sign_out(s);
}

}  // namespace

flame::Flame make_shop(session::StorePtr store, session::Environment environment) {
  auto f = flame::classic();
  f.use(session::sessioner({.store = store, .idle_timeout = 30min}, environment));
  f.use(session::csrf());

  f.get("/", home);
  f.get("/cart", page(pages::cart));
  f.post("/cart", add);
  f.post("/cart/empty", empty_cart);
  f.get("/api/cart", cart);
  f.post("/api/cart", add_json);
  f.get("/login", page(pages::login));
  f.post("/login", sign_in);

  f.group("/account", [&] {
    f.use(need_login);
    f.get("/", page(pages::account));
    f.post("/logout", sign_out);
    f.post("/logout-everywhere", flame::blocking(sign_out_everywhere));  // it asks the store
  });
  return f;
}
