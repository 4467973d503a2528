#pragma once

#include <string>
#include <vector>

/// What requests say of their session, and which one is opened by it (S02, S17, S18, S20).
/// hostile_cookies_test.cpp sends them.
///
/// In braces: `C` the cookie's name; `A`, `B` the IDs of two live sessions; `N` one that was never
/// issued; `D` of a session that was destroyed; `O` the one that A's had before it got a new one.
/// `AN`: A's key with N's secret, and so on. `A-`: A without its last character, `A+`: with one
/// more; `a`: its letters in the other case; `A~`: backwards; `A1` to `A3`: its last character's
/// spare bits are not zero. `A@12x`: with x as its character 12.
namespace flame::test {

struct HostileCookie {
  std::string lines;  ///< fields, with a line feed between
  /// The session that a handler sees, or `none`; then the events that this request causes.
  std::string opened;
  std::string target_end{};  ///< after the path
  std::string body{};
};
using HostileCookies = std::vector<HostileCookie>;

inline const std::string none = "none", rejected = "none, id_rejected", two = "none, dup_cookie";

/// Of one Cookie field.
inline HostileCookies cookie_lines() {
  const std::string other = "k=v", long_one(3'000, 'v');
  return {
      {"X: y", none},
      {"Cookie:", none},
      {"Cookie: ", none},
      {"Cookie: ;", none},
      {"Cookie: ;;;=;=;", none},
      {"Cookie: k=v", none},
      {"Cookie: {C}", none},
      {"Cookie: {A}", none},
      {"Cookie: ={A}", none},
      {"Cookie: {C}=", rejected},
      {"Cookie: {C}=;", rejected},
      {"Cookie: {C}=x", rejected},
      {"Cookie: {C}={A}", "A"},
      {"cookie: {C}={A}", "A"},
      {"COOKIE:{C}={A}", "A"},
      {"Cookie: {C}={B}", "B"},
      {"Cookie: {C}={N}", rejected},
      {"Cookie: {C}={D}", rejected},
      {"Cookie: {C}={O}", "superseded, id_rejected"},
      {"Cookie: {C}={A};", "A"},
      {"Cookie: ;{C}={A}", "A"},
      {"Cookie: k=v; {C}={A}", "A"},
      {"Cookie: k=v;{C}={A}", "A"},
      {"Cookie: k=v;\t{C}={A}\t;l=w", "A"},
      {"Cookie: k=v;;; {C}={A};;", "A"},
      {"Cookie: k; {C}={A}; l", "A"},
      {"Cookie: {C}={A}; k=v", "A"},
      {"Cookie:   {C}={A}   ", "A"},
      {"Cookie: {C} = {A}", "A"},
      {"Cookie: k=\"v;{C}={A}\"", rejected},  // quotes hold nothing together
      {"Cookie: k=\"v; {C}={A}; l=w\"", "A"},
      {"Cookie: {C}=\"{A}\"", rejected},
      {"Cookie: {C}='{A}'", rejected},
      {"Cookie: {C}=\"{A}", rejected},
      {"Cookie: \"{C}\"={A}", none},
      {"Cookie: \"{C}={A}\"", none},
      {"Cookie: {C}=={A}", rejected},
      {"Cookie: {C}={A}=", rejected},
      {"Cookie: {C}={A}={A}", rejected},
      {"Cookie: ={C}={A}", none},
      {"Cookie: k={C}={A}", none},
      {"Cookie: k={A}", none},
      {"Cookie: {C}:{A}", none},
      {"Cookie: {C} {A}", none},
      {"Cookie: $Version=1; {C}={A}; $Path=/", "A"},
      {"Cookie: $Version=\"1\"; {C}=\"{A}\"; $Path=\"/\"", rejected},
      {"Cookie: k=v, {C}={A}", none},
      {"Cookie: {C}={A}, k=v", rejected},
      {"Cookie: {C}={A},{C}={A}", rejected},
      {"Cookie: {C}={A}; Path=/; Secure; HttpOnly", "A"},
      {"Cookie: {C}={A}; expires=Thu, 01 Jan 1970 00:00:00 GMT", "A"},
      {"Cookie: {C}={A} ; k=v", "A"},
      {"Cookie: {C}={A}|k=v", rejected},
      {"Cookie: {C}={A}&k=v", rejected},
      {"Cookie: {C}={A}#", rejected},
      {"Cookie: {C}={A}%00", rejected},
      {"Cookie: {C}={A}%3Bk=v", rejected},
      {"Cookie: {C}={A}\\", rejected},
      {"Cookie: {C}={A}.{A}", rejected},
      {"Cookie: {C}=s:{A}", rejected},
      {"Cookie: {C}={A}\xc2\xa0", rejected},
      {"Cookie: \xc2\xa0{C}={A}", none},
      {"Cookie: k=\xff\xfe; {C}={A}", "A"},
      {"Cookie: k=v\xc3\xa9; {C}={A}", "A"},
      {"Cookie: \xef\xbb\xbf{C}={A}", none},
      {"Cookie: k=" + long_one + "; {C}={A}; l=" + long_one, "A"},
      {"Cookie: " + long_one + "={A}; {C}={A}", "A"},
      {"Cookie: {C}={A}" + long_one, rejected},
      {"Cookie: {C}=" + long_one, rejected},
      {"Cookie: " + std::string(3'000, ';') + "{C}={A}", "A"},
  };
}

/// What is not quite the cookie's name, or an ID.
inline HostileCookies near_misses() {
  HostileCookies rows;
  for (const char* name : {"session",
                           "__host-session",
                           "__HOST-session",
                           "__Host-Session",
                           "__Host-SESSION",
                           "__Secure-session",
                           "_Host-session",
                           "Host-session",
                           "__Host_session",
                           "__Host--session",
                           "__Host-session2",
                           "__Host-session.x",
                           "__Host-session[]",
                           "__Host-session[0]",
                           "x{C}",
                           "__Host-sessio",
                           "%5F%5FHost-session",
                           "__Host-%73ession",
                           "__Host-s\xc3\xa9ssion",
                           "__Host-session\xc2\xa0",
                           "$__Host-session",
                           "+__Host-session",
                           "__Host- session"}) {
    rows.push_back({"Cookie: " + std::string(name) + "={A}", none});
  }
  for (const char* id :
       {"A-",    "A+",    "AA",    "a",     "A~",     "A1",      "A2",     "A3",       "AN",
        "NA",    "AB",    "BA",    "AD",    "DA",     "A@00+",   "A@00/",  "A@00=",    "A@00.",
        "A@00%", "A@00*", "A@00!", "A@00~", "A@00,",  "A@00:",   "A@00\"", "A@00\\",   "A@00(",
        "A@00<", "A@00@", "A@00$", "A@00 ", "A@16 ",  "A@16\t",  "A@16=",  "A@16\xe9", "A@15.",
        "A@42=", "A@42.", "A@42+", "A@42/", "A@42\"", "A@42\xff"}) {
    rows.push_back({"Cookie: {C}={" + std::string(id) + "}", rejected});
  }
  for (const char* text :
       {"0", "1", "null", "undefined", "deleted", "-", "true", "admin", "../../etc/passwd", "*",
        "' OR 1=1 --", "%s%n", "${A}", "{{A}}", "[]", "{}", "\\0", "\\r\\nX: y", "<script>"}) {
    rows.push_back({"Cookie: {C}=" + std::string(text), rejected});
  }
  for (const char character : {'A', '0', '-', '_'}) {
    rows.push_back({"Cookie: {C}=" + std::string(43, character), rejected});
  }
  return rows;
}

/// More than one.
inline HostileCookies several() {
  std::string hundred = "Cookie: k=v";
  for (int i = 0; i < 100; ++i) hundred += "; __Host-session" + std::to_string(i) + "={B}";
  return {
      {"Cookie: {C}={A}; {C}={A}", "A"},
      {"Cookie: {C}={A}\nCookie: {C}={A}", "A"},
      {"Cookie: {C}={A}; {C}={A}; {C}={A}; {C}={A}", "A"},
      {"Cookie: k=v\nCookie: {C}={A}\nCookie: l=w", "A"},
      {"Cookie: {C}={A}\nCookie: k=v\nCookie:", "A"},
      {hundred + "; {C}={A}", "A"},
      {hundred, none},
      // Both live: nobody knows which was meant
      {"Cookie: {C}={A}; {C}={B}", two},
      {"Cookie: {C}={B}; {C}={A}", two},
      {"Cookie: {C}={A}\nCookie: {C}={B}", two},
      {"Cookie: {C}={B}\nCookie: k=v\ncookie: {C}={A}", two},
      {"Cookie: {C}={A}; {C}={B}; {C}={A}", two},
      // One live
      {"Cookie: {C}={A}; {C}={N}", "A, id_rejected"},
      {"Cookie: {C}={N}; {C}={A}", "A, id_rejected"},
      {"Cookie: {C}={A}\nCookie: {C}={N}", "A, id_rejected"},
      {"Cookie: {C}={D}; {C}={A}", "A, id_rejected"},
      {"Cookie: {C}={A}; {C}={D}", "A, id_rejected"},
      {"Cookie: {C}={O}; {C}={A}", "A, id_rejected"},
      {"Cookie: {C}={A}; {C}={O}", "A, id_rejected"},
      {"Cookie: {C}={AN}; {C}={A}", "A, id_rejected"},
      {"Cookie: {C}={A}; {C}={AB}", "A, id_rejected"},
      // What is no ID is not counted
      {"Cookie: {C}=; {C}={A}", "A"},
      {"Cookie: {C}={A}; {C}=", "A"},
      {"Cookie: {C}=x; {C}={A}", "A"},
      {"Cookie: {C}={A}; {C}=x", "A"},
      {"Cookie: {C}={A}\nCookie: {C}=\"{B}\"", "A"},
      {"Cookie: {C}={A1}; {C}={A}", "A"},
      {"Cookie: {C}={A}; {C}={A+}", "A"},
      {"Cookie: {C}=x; {C}=y; {C}=z; {C}={A}", "A"},
      // None live
      {"Cookie: {C}={N}; {C}={D}", "none, id_rejected, id_rejected"},
      {"Cookie: {C}={D}\nCookie: {C}={N}", "none, id_rejected, id_rejected"},
      {"Cookie: {C}=x; {C}=y", rejected},
      {"Cookie: {C}={O}; {C}={N}", "superseded, id_rejected, id_rejected"},
      // Three
      {"Cookie: {C}={A}; {C}={N}; {C}={D}", two},
      {"Cookie: {C}={N}; {C}={D}; {C}={A}", two},
      {"Cookie: {C}={A}; {C}={B}; {C}={N}", two},
      {"Cookie: {C}={A}\nCookie: {C}={B}\nCookie: {C}={D}", two},
      {"Cookie: {C}={NA}; {C}={ND}; {C}={NB}", two},
  };
}

/// Where no ID is taken from.
inline HostileCookies elsewhere() {
  const std::string form = "Content-Type: application/x-www-form-urlencoded";
  return {
      {"X: y", none, "?{C}={A}"},
      {"X: y", none, "?session={A}"},
      {"X: y", none, "?X-Session-ID={A}"},
      {"X: y", none, "?Cookie={C}={A}"},
      {"X: y", none, "/{A}"},
      {"X: y", none, "/;{C}={A}"},
      {"X: y", none, "/{C}={A}"},
      {"Cookie: {C}={N}", rejected, "?{C}={A}"},
      {"Cookie: {C}={A}", "A", "?{C}={B}"},
      {form, none, "", "{C}={A}"},
      {form, none, "", "session={A}&X-Session-ID={A}"},
      {"Content-Type: application/json", none, "", "{\"{C}\":\"{A}\"}"},
      {"Cookie: {C}={A}\n" + form, "A", "", "{C}={B}"},
      {"Cookie2: {C}={A}", none},
      {"Set-Cookie: {C}={A}", none},
      {"X-Cookie: {C}={A}", none},
      {"Cookies: {C}={A}", none},
      {"{C}: {A}", none},
      {"Authorization: Bearer {A}", none},
      {"Referer: http://h/?{C}={A}", none},
      {"X-Forwarded-Cookie: {C}={A}", none},
      {"X: Cookie: {C}={A}", none},
      {"Etag: {A}", none},
      {"If-None-Match: \"{A}\"", none},
  };
}

/// Of a host without Options::id_header.
inline HostileCookies header_that_is_not_asked_for() {
  return {
      {"X-Session-ID: {A}", none},
      {"X-Session-ID: {A}\nCookie: {C}={B}", "B"},
      {"X-Session-ID: x\nCookie: {C}={B}", "B"},
  };
}

/// Of one with `X-Session-ID`.
inline HostileCookies id_headers() {
  return {
      {"X-Session-ID: {A}", "A"},
      {"x-session-id:{A}", "A"},
      {"X-SESSION-ID: \t{A}\t ", "A"},
      {"X-Session-ID: {B}", "B"},
      {"X-Session-ID:", none},
      {"X-Session-ID: \t", none},
      {"X-Session-ID: x", rejected},
      {"X-Session-ID: {N}", rejected},
      {"X-Session-ID: {D}", rejected},
      {"X-Session-ID: {O}", "superseded, id_rejected"},
      {"X-Session-ID: {A-}", rejected},
      {"X-Session-ID: {A+}", rejected},
      {"X-Session-ID: {A1}", rejected},
      {"X-Session-ID: {a}", rejected},
      {"X-Session-ID: {AN}", rejected},
      {"X-Session-ID: \"{A}\"", rejected},
      {"X-Session-ID: Bearer {A}", rejected},
      {"X-Session-ID: {C}={A}", rejected},
      {"X-Session-ID: {A};", rejected},
      {"X-Session-ID: {A}, {A}", rejected},
      {"X-Session-ID: {A},{B}", rejected},
      {"X-Session-ID: {A} {A}", rejected},
      {"X-Session-ID: {A}\xff", rejected},
      {"X-Session-ID: {A}\nX-Session-ID: {A}", "A"},
      {"X-Session-ID: {A}\nX-Session-ID:", "A"},
      {"X-Session-ID: {A}\nX-Session-ID: x", "A"},
      {"X-Session-ID: {A}\nX-Session-ID: {B}", two},
      {"X-Session-ID: {A}\nX-Session-ID: {N}", two},
      {"X-Session-ID2: {A}", none},
      {"X-Session: {A}", none},
      {"X_Session_ID: {A}", none},
      {"Session-ID: {A}", none},
      {"Cookie: X-Session-ID={A}", none},
      {"X: y", none, "?X-Session-ID={A}"},
      // Beside a cookie
      {"Cookie: {C}={A}", "A"},
      {"X-Session-ID: {A}\nCookie: {C}={A}", "A"},
      {"X-Session-ID: {A}\nCookie: {C}={A}\nCookie: {C}={A}", "A"},
      {"X-Session-ID: {A}\nCookie: {C}={B}", two},
      {"X-Session-ID: {B}\nCookie: {C}={A}", two},
      {"X-Session-ID: {A}\nCookie: {C}={N}", two},
      {"X-Session-ID: {N}\nCookie: {C}={A}", two},
      {"X-Session-ID: {A}\nCookie: {C}={O}", two},
      {"X-Session-ID: {A}\nCookie: {C}={A}; {C}={B}", two},
      {"X-Session-ID: {A}\nCookie: {C}={A}; {C}={N}", two},
      {"X-Session-ID: {A}\nCookie: {C}=x", "A"},
      {"X-Session-ID: {A}\nCookie: {C}=", "A"},
      {"X-Session-ID: x\nCookie: {C}={A}", "A"},
      {"X-Session-ID:\nCookie: {C}={A}", "A"},
      {"X-Session-ID: x\nCookie: {C}=y", rejected},
      {"X-Session-ID: x\nCookie: {C}={A}; {C}={B}", two},
  };
}

}  // namespace flame::test
