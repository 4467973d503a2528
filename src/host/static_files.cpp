#include "static_files.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "access.hpp"
#include "file.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

/// Segment by segment, so that nothing on the way is a link or leads out of the folder.
Descriptor open_below(int folder, std::string_view path) {
  errno = ENOENT;
  Descriptor at(-1);
  while (!path.empty()) {
    const std::string segment(path.substr(0, path.find('/')));
    path.remove_prefix(segment.size());
    const bool last = path.empty();
    if (!last) path.remove_prefix(1);
    if (segment.empty() || segment.front() == '.' || segment.find('\0') != std::string::npos) {
      errno = ENOENT;
      return Descriptor(-1);  // hidden files are nobody's business; `..` is one of them
    }
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
    at = Descriptor(::openat(at ? at.get() : folder, segment.c_str(), flags));
    if (!at) return at;
  }
  return at;
}

std::string_view content_type(std::string_view path) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> types{{
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".txt", "text/plain; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".wasm", "application/wasm"},
  }};
  for (const auto& [ending, type] : types) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

void serve(const Descriptor& folder, Context& context) {
  const auto method = context.request().method();
  if (method != Method::get && method != Method::head) return;
  auto path = percent_decoded(context.request().path());
  if (!path || path->empty() || path->front() != '/') return;
  if (path->back() == '/') *path += "index.html";
  auto opened = open_below(folder.get(), std::string_view(*path).substr(1));
  if (!opened && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    Response busy(503, "Service Unavailable\n");
    busy.set("Retry-After", "1").set("Cache-Control", "no-store");
    return context.answer(std::move(busy));
  }
  if (!opened) return;
  auto file = File::of(std::move(opened));
  if (!file) return;
  Response response;
  ResponseAccess::set_file(response, std::move(file));
  response.set("Content-Type", content_type(*path)).set("X-Content-Type-Options", "nosniff");
  context.answer(std::move(response));
}

}  // namespace

std::vector<Link> static_files(const std::string& folder) {
  auto opened =
      std::make_shared<Descriptor>(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!*opened) return {};
  return links_of([opened](Context& context) { serve(*opened, context); });
}

}  // namespace flame::inline v0::detail
