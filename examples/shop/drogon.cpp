// The shop of shop.cpp on Drogon: its cart and pages, and sessions by the adapter.
#include <drogon/drogon.h>

#include <cstdlib>
#include <iostream>

#include <flame/session/drogon.hpp>
#include <flame/session/open_store.hpp>

#include "pages.hpp"

using namespace drogon;
using namespace std::chrono_literals;
namespace session = flame::session;
using session::Flash;

namespace {

constexpr auto foreign = "Sent by a page of another site";

/// Stands for a table of password hashes.
bool is_password_of(const std::string& user, const std::string& password) {
  return (user == "ann" || user == "bob") && password == "secret";
}

HttpResponsePtr answer(const std::string& text, HttpStatusCode status = k200OK) {
  auto response = HttpResponse::newHttpResponse(status, CT_TEXT_HTML);
  response->setBody(text);
  return response;
}

HttpResponsePtr redirect(const std::string& target, session::Session& s, const std::string& text) {
  s.set_flash(text);
  return HttpResponse::newRedirectionResponse(target, k303SeeOther);
}

/// What pages of other sites have a browser send is refused.
bool is_own(const HttpRequestPtr& request, session::Session& s) {
  const auto& site = request->getHeader("sec-fetch-site");
  if (!site.empty()) return site == "same-origin";
  const auto& header = request->getHeader("x-csrf-token");
  return s.csrf_token() == (header.empty() ? request->getParameter("csrf_token") : header);
}

HttpResponsePtr if_not_signed_in(session::Session& s) {
  return s.owner().empty() ? redirect("/login", s, "Please sign in first") : nullptr;
}

HttpResponsePtr home(session::Session& s, const Flash& flash) {
  s.update("visits", 0, [](int n) { return n + 1; });
  return answer(pages::home(s, flash));
}

HttpResponsePtr add(const HttpRequestPtr& request, session::Session& s) {
  const auto* product = find_product(request->getParameter("id"));
  if (!product) return answer("No such product", k422UnprocessableEntity);
  add_to_cart(s, {std::string(product->id), 1});
  return redirect("/cart", s, std::string(product->name) + " is in your cart");
}

HttpResponsePtr cart(const session::Session& s) {
  Json::Value out(Json::arrayValue);
  for (const auto& line : cart_of(s)) {
    auto& each = out.append({});
    each["id"] = line.id;
    each["quantity"] = line.quantity;
  }
  return HttpResponse::newHttpJsonResponse(out);
}

HttpResponsePtr add_json(const HttpRequestPtr& request, session::Session& s) {
  const auto json = request->getJsonObject();
  if (!json) return answer("That is no JSON", k400BadRequest);
  const bool is_line = json->isObject() && (*json)["id"].isString() && (*json)["quantity"].isInt();
  const Line line = is_line ? Line{(*json)["id"].asString(), (*json)["quantity"].asInt()} : Line{};
  if (!find_product(line.id) || line.quantity < 1 || line.quantity > 99)
    return answer("No such product or quantity", k422UnprocessableEntity);
  add_to_cart(s, line);
  auto response = cart(s);
  response->setStatusCode(k201Created);
  return response;
}

HttpResponsePtr sign_in(const HttpRequestPtr& request, session::Session& s) {
  const auto& user = request->getParameter("user");
  if (!is_password_of(user, request->getParameter("password")))
    return redirect("/login", s, "Name or password is wrong");
  session::Login login;
  if (!request->getParameter("remember").empty())
    login = {.absolute = 30 * 24h, .persistent = true};
  // A new ID. A visitor's cart stays, another user's does not.
  s.set_owner(user, login);
  return redirect("/account", s, "Welcome, " + user);
}

HttpResponsePtr sign_out(const HttpRequestPtr&, session::Session& s) {
  if (auto refused = if_not_signed_in(s)) return refused;
  s.destroy();
  return redirect("/login", s, "You are signed out");
}

void add_routes(const session::drogon::Sessions& sessions) {
  const auto get = [&](const char* path, auto handler) {
    app().registerHandler(path, sessions(handler), {Get});
  };
  const auto post = [&](const char* path, auto handler) {
    const auto checked = [handler](const HttpRequestPtr& request, session::Session& s) {
      return is_own(request, s) ? handler(request, s) : answer(foreign, k403Forbidden);
    };
    app().registerHandler(path, sessions(checked), {Post});
  };
  get("/", home);
  get("/cart", [](session::Session& s, const Flash& f) { return answer(pages::cart(s, f)); });
  post("/cart", add);
  post("/cart/empty", [](const HttpRequestPtr&, session::Session& s) {
    s.erase("cart");
    return HttpResponse::newRedirectionResponse("/cart", k303SeeOther);
  });
  get("/api/cart", cart);
  post("/api/cart", add_json);
  get("/login", [](session::Session& s, const Flash& f) { return answer(pages::login(s, f)); });
  post("/login", sign_in);
  get("/account", [](session::Session& s, const Flash& flash) {
    const auto refused = if_not_signed_in(s);
    return refused ? refused : answer(pages::account(s, flash));
  });
  post("/account/logout", sign_out);
  // The store is asked, while the event loop serves others.
  const auto everywhere = [sessions](const HttpRequestPtr& request,
                                     session::Session& s) -> Task<HttpResponsePtr> {
    if (!is_own(request, s)) co_return answer(foreign, k403Forbidden);
    session::EndOperation others;
    others.owner = s.owner();
    others.except = s.key();
    auto ending = sessions.run(std::move(others));
    (co_await ending).value();
    co_return sign_out(request, s);
  };
  app().registerHandler("/account/logout-everywhere", sessions(everywhere), {Post});
}

}  // namespace

int main() {
  const char* store = std::getenv("SHOP_STORE");
  const char* port = std::getenv("PORT");
  session::Manager manager(
      {.store = session::open_store(store ? store : "memory:"), .idle_timeout = 30min});
  if (const auto opened = manager.open(); !opened) {
    std::cerr << opened.error().text << '\n';
    return 1;
  }
  add_routes(session::drogon::Sessions(manager));
  const auto say = [] {
    std::cout << "Listening on http://" << app().getListeners()[0].toIpPort() << std::endl;
  };
  app().registerBeginningAdvice([say] {  // to the main loop, and then behind what it starts there
    app().getLoop()->queueInLoop([say] { app().getIOLoop(0)->queueInLoop(say); });
  });
  app().setDocumentRoot("public").setUploadPath("/tmp/shop");
  app().addListener("127.0.0.1", std::atoi(port ? port : "2831")).run();
}
