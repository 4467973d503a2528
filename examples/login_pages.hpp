#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <flame/csrf.hpp>
#include <flame/response.hpp>
#include <flame/session/manager.hpp>

/// What example_login shows: HTML and CSS, and nothing of sessions.
namespace pages {

namespace session = flame::session;
using flame::escape_html;

inline constexpr std::string_view style = R"(
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 18%, Canvas); --accent: #0b63ce; }
@media (prefers-color-scheme: dark) { :root { --accent: #7db7ff; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
form { margin: 0; } label { display: block; margin: 1rem 0; }
input:not([type=checkbox]) { display: block; width: 100%; font: inherit; padding: .6rem .7rem; margin-top: .25rem;
  border: 1px solid var(--line); border-radius: .5rem; background: Field; color: FieldText; }
input[type=checkbox] { width: 1.1rem; height: 1.1rem; vertical-align: -.15rem; margin: 0 .5rem 0 0; }
button { font: inherit; padding: .55rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: Canvas; color: CanvasText; cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: Canvas; width: 100%; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.message { border-left: 4px solid var(--accent); padding: .6rem .9rem; margin: 0 0 1.5rem;
  background: color-mix(in srgb, var(--accent) 10%, Canvas); border-radius: 0 .5rem .5rem 0; }
.quiet { color: color-mix(in srgb, CanvasText 65%, Canvas); }
.row { display: flex; gap: 1rem; align-items: center; justify-content: space-between; flex-wrap: wrap; }
ul { list-style: none; padding: 0; margin: 0; border-top: 1px solid var(--line); }
li { padding: .8rem 0; border-bottom: 1px solid var(--line); }
)";

inline std::string page(std::string_view title, std::string_view message, const std::string& body) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>";
  out.append(title).append("</title><style>").append(style).append("</style></head><body><main>\n");
  if (!message.empty())
    out += "<p class=\"message\" role=\"status\">" + escape_html(message) + "</p>\n";
  return out + body + "</main></body></html>\n";
}

/// A form of one button.
inline std::string button(session::Session& s, std::string_view action, std::string_view text,
                          const std::string& more = {}) {
  std::string out = "<form method=\"post\" action=\"";
  out.append(action).append("\">").append(session::csrf_field(s)).append(more);
  return out.append("<button>").append(text).append("</button></form>");
}

inline std::string login(session::Session& s, std::string_view message) {
  return page(
      "Sign in", message,
      "<h1>Sign in</h1><p class=\"quiet\">Try <b>ann</b> or <b>bob</b>, with the password "
      "<b>secret</b>.</p>\n"
      "<form method=\"post\" action=\"/login\">" +
          session::csrf_field(s) +
          "<label>Name<input name=\"user\" autocomplete=\"username\" required autofocus></label>\n"
          "<label>Password<input name=\"password\" type=\"password\" "
          "autocomplete=\"current-password\" required></label>\n"
          "<label><input type=\"checkbox\" name=\"remember\">Remember me for 30 days</label>\n"
          "<button class=\"main\">Sign in</button></form>\n");
}

inline std::string ago(session::TimePoint seen) {
  const auto minutes =
      std::chrono::duration_cast<std::chrono::minutes>(session::TimePoint::clock::now() - seen)
          .count();
  if (minutes < 2) return "just now";
  if (minutes < 120) return std::to_string(minutes) + " minutes ago";
  return std::to_string(minutes / 60) + " hours ago";
}

inline std::string home(session::Session& s, std::string_view message,
                        const std::vector<session::OwnedSession>& all) {
  const auto visits = s.get_or("visits", 0);
  std::string body = "<div class=\"row\"><h1>Hello, " + escape_html(s.owner()) + "</h1>" +
                     button(s, "/logout", "Sign out") +
                     "</div>\n<p>You have been here <b id=\"visits\">" + std::to_string(visits) +
                     "</b> " + (visits == 1 ? "time" : "times") +
                     " since you signed in.</p>\n<h2>Where you are signed in</h2>\n<ul>\n";
  for (const auto& each : all) {
    const bool own = each.key == s.key();
    body += "<li class=\"row\"><span><b>" + escape_html(each.label) +
            "</b><br><span class=\"quiet\">" +
            (own ? "this one" : "last seen " + ago(each.last_seen)) + "</span></span>";
    if (!own)
      body += button(s, "/end", "End it",
                     "<input type=\"hidden\" name=\"key\" value=\"" + to_string(each.key) + "\">");
    body += "</li>\n";
  }
  body += "</ul>\n";
  if (all.size() > 1)
    body += "<p>" + button(s, "/end-others", "Sign out everywhere else") + "</p>\n";
  return page("Home", message, body);
}

/// "Firefox on Windows", of a User-Agent field: a guess that a person recognises.
inline std::string device(std::string_view agent) {
  const auto first_of = [agent](auto... pairs) {
    std::string_view found;
    ((found.empty() && agent.find(pairs.first) != agent.npos ? found = pairs.second : found), ...);
    return found;
  };
  using Pair = std::pair<std::string_view, std::string_view>;
  const auto browser =
      first_of(Pair{"Edg/", "Edge"}, Pair{"Firefox/", "Firefox"}, Pair{"Chrome/", "Chrome"},
               Pair{"Safari/", "Safari"}, Pair{"curl/", "curl"});
  const auto system =
      first_of(Pair{"Windows", "Windows"}, Pair{"Android", "Android"}, Pair{"iPhone", "iPhone"},
               Pair{"iPad", "iPad"}, Pair{"Mac OS", "a Mac"}, Pair{"Linux", "Linux"});
  std::string out(browser.empty() ? "A browser" : browser);
  return system.empty() ? out : out + " on " + std::string(system);
}

}  // namespace pages
