#include "static_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ >= 0; }

 private:
  int value_;
};

/// Segment by segment, so that nothing on the way is a link or leads out of the folder.
Descriptor open_below(int folder, std::string_view path) {
  Descriptor at(-1);
  while (!path.empty()) {
    const std::string segment(path.substr(0, path.find('/')));
    path.remove_prefix(segment.size());
    const bool last = path.empty();
    if (!last) path.remove_prefix(1);
    if (segment.empty() || segment.front() == '.' || segment.find('\0') != std::string::npos) {
      return Descriptor(-1);  // hidden files are nobody's business; `..` is one of them
    }
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
    at = Descriptor(::openat(at ? at.get() : folder, segment.c_str(), flags));
    if (!at) return at;
  }
  return at;
}

std::optional<std::string> read_file(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
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
  const auto file = open_below(folder.get(), std::string_view(*path).substr(1));
  if (!file) return;
  auto text = read_file(file.get());
  if (!text) return;
  Response response(200, std::move(*text));
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
