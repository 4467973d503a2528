#pragma once

#include <string>
#include <vector>

#include <flame/middleware.hpp>
#include <flame/session/csrf_field.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0::session {

struct CsrfOptions {
  /// Other origins whose pages may send requests, as browsers write them:
  /// `https://admin.example.com`, `http://localhost:8080`.
  std::vector<std::string> allowed_origins{};
};

/// Refuses what pages of other sites have visitors' browsers send: 403, and a line on stderr. For
/// all routes, or for one, but always after the sessioner:
///
///     f.use(session::sessioner());
///     f.use(session::csrf());
///
/// The rule: **the browser's word counts; where it says nothing, the session's token does.**
/// - GET, HEAD and OPTIONS pass, so they must not change anything.
/// - Sec-Fetch-Site decides where it is there, else Origin: from pages of this host and of allowed
///   origins a request passes, from any other, a sibling domain's too, it does not. Over TLS, and
///   on localhost, all browsers of these years send the one; over plain http they send the other.
/// - With neither, it is an old browser's, or no browser's: one with a session must bring that
///   session's Session::csrf_token(), in the form field `csrf_token` or the header `X-CSRF-Token`;
///   one without a session passes.
///
/// So a visitor's first form, a login say, needs no session and begins none, and no page grows too
/// old to be sent. Forms hold csrf_field(s), of csrf_field.hpp, which is included here. A program
/// with a cookie sends the token, or an Origin like a browser's.
///
/// Origin is compared with Request::host(), and with Request::secure() in that a page of plain http
/// sends nothing to a host on TLS. A proxy that changes Host: name it in
/// HostOptions::trusted_proxies, or the origin here.
///
/// No session is loaded for it but where a request brings neither header.
[[nodiscard]] Middleware csrf(CsrfOptions options = {});

}  // namespace flame::inline v0::session

#pragma GCC visibility pop
