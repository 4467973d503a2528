#pragma once

#include <string>

#include <flame/middleware.hpp>

#pragma GCC visibility push(default)

namespace flame::inline v0 {

struct StaticFilesOptions {
  /// Below the folder that the program stands in when this is read, or absolute. It may be a
  /// symbolic link, and may be replaced while the host runs: each request looks it up anew.
  std::string folder = "public";
  std::string prefix = "/";  ///< of the paths that files are served for: `/assets`
};

/// Answers GET and HEAD for the regular files of a folder; for all else the chain goes on. Names
/// that begin with a dot are not served, but for `/.well-known/`, nor is what a link within the
/// folder leads to. `/docs` is sent on to `/docs/` where that folder has an index.html, which
/// answers then.
///
/// Content-Type goes by the name's ending (application/octet-stream where that is not known). With
/// ETag and Last-Modified browsers ask whether a file has changed, each time, unless a middleware
/// before this one has set another Cache-Control than `no-cache`. One range of bytes is answered as
/// such, several with the whole file. A file is read as it is sent, in pieces: it may be of any
/// size, and one that shrinks meanwhile ends the connection.
///
/// For `f.use`, outside of groups. run() and start() report one of a route or a group, a folder
/// that is not there, and a prefix that no path has.
[[nodiscard]] Middleware static_files(StaticFilesOptions options = {});

}  // namespace flame::inline v0

#pragma GCC visibility pop
