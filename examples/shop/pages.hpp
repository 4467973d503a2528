#pragma once

#include <iomanip>
#include <sstream>
#include <string>

#include <flame/csrf.hpp>
#include <flame/response.hpp>

#include "cart.hpp"

/// What the shop shows: HTML, and nothing of sessions but what is in them.
namespace pages {

using flame::escape_html;
using flame::session::csrf_field, flame::session::Flash, flame::session::Session;

inline std::string price(int cents) {
  std::ostringstream out;
  out << cents / 100 << '.' << std::setw(2) << std::setfill('0') << cents % 100 << " €";
  return out.str();
}

/// A form of one button.
inline std::string button(Session& s, const std::string& action, const std::string& text,
                          const std::string& more = "") {
  return "<form method=\"post\" action=\"" + action + "\">" + csrf_field(s) + more + "<button>" +
         text + "</button></form>";
}

inline std::string page(const Session& s, const Flash& flash, const std::string& title,
                        const std::string& body) {
  int count = 0;
  for (const auto& line : cart_of(s)) count += line.quantity;
  const auto message = flash.get<std::string>();
  return R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>)" +
         title + R"(</title><link rel="stylesheet" href="/shop.css"></head><body>
<nav><a href="/">Tea &amp; Things</a> <a href="/cart">Cart ()" +
         std::to_string(count) + R"()</a>
<a href=")" +
         (s.owner().empty() ? "/login\">Sign in" : "/account\">" + escape_html(s.owner())) +
         "</a></nav><main>\n" +
         (message ? R"(<p class="message" role="status">)" + escape_html(*message) + "</p>" : "") +
         "\n<h1>" + title + "</h1>\n" + body + "</main></body></html>\n";
}

inline std::string home(Session& s, const Flash& flash) {
  std::string rows;
  for (const auto& each : products)
    rows += "<li>" + escape_html(each.name) + " <b>" + price(each.cents) + "</b>\n" +
            button(s, "/cart", "Add to cart",
                   "<input type=\"hidden\" name=\"id\" value=\"" + escape_html(each.id) + "\">") +
            "</li>\n";
  return page(s, flash, "Tea &amp; Things",
              "<ul>" + rows +
                  "</ul>\n<p class=\"quiet\">Pages seen on this visit: <b id=\"visits\">" +
                  std::to_string(s.get_or("visits", 0)) + "</b></p>");
}

inline std::string cart(Session& s, const Flash& flash) {
  const auto lines = cart_of(s);
  if (lines.empty()) return page(s, flash, "Cart", "<p>Nothing is in it yet.</p>");
  int total = 0;
  std::string rows;
  for (const auto& line : lines) {
    const auto* product = find_product(line.id);
    if (!product) continue;  // no longer sold
    total += product->cents * line.quantity;
    rows += "<li>" + std::to_string(line.quantity) + " × " + escape_html(product->name) + "\n<b>" +
            price(product->cents * line.quantity) + "</b></li>\n";
  }
  return page(s, flash, "Cart",
              "<ul>" + rows + "</ul><p>Together <b id=\"total\">" + price(total) + "</b></p>\n" +
                  button(s, "/cart/empty", "Empty it"));
}

inline std::string login(Session& s, const Flash& flash) {
  return page(s, flash, "Sign in",
              R"(<p class="quiet">Try <b>ann</b> or <b>bob</b>, with the password <b>secret</b>.</p>
<form method="post" action="/login">)" +
                  csrf_field(s) + R"(
<label>Name<input name="user" autocomplete="username" required autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<label><input type="checkbox" name="remember">Remember me for 30 days</label>
<button class="main">Sign in</button></form>)");
}

inline std::string account(Session& s, const Flash& flash) {
  return page(s, flash, "Hello, " + escape_html(s.owner()),
              "<div class=\"row\">" + button(s, "/account/logout", "Sign out") +
                  button(s, "/account/logout-everywhere", "Sign out everywhere") + "</div>");
}

}  // namespace pages
