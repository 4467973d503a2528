#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <flame/handler.hpp>
#include <flame/static_files.hpp>

#include "access.hpp"
#include "conditions.hpp"
#include "content_type.hpp"
#include "file.hpp"
#include "http_date.hpp"
#include "text.hpp"
#include "wire.hpp"

namespace flame::inline v0 {
namespace {

using detail::Condition;
using detail::Descriptor;
using detail::File;
using detail::Part;

constexpr const char* index_page = "index.html";
constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

/// What a segment of a path names. Hidden files are nobody's business; `..` is one of them.
std::optional<std::string> name_of(std::string_view segment, bool first) {
  auto name = detail::percent_decoded(segment);
  if (!name || name->empty()) return std::nullopt;
  if (name->find_first_of(std::string_view("/\0", 2)) != std::string::npos) return std::nullopt;
  if (name->front() == '.' && !(first && *name == ".well-known")) return std::nullopt;
  return name;
}

struct Found {
  Descriptor file{-1};  // a folder too; none: errno says why
  std::string name{};
};

/// Segment by segment, so that nothing below the folder is a link, or leads out of it.
Found open_below(const std::string& folder, std::string_view path) {
  Descriptor at(-1);
  for (bool first = true;; first = false) {
    const auto slash = path.find('/');
    const bool last = slash == std::string_view::npos;
    auto name = path.empty() ? index_page : name_of(path.substr(0, slash), first);
    errno = ENOENT;
    if (!name) return {};
    const auto whole = first ? folder + '/' + *name : *name;
    Descriptor next(
        ::openat(first ? AT_FDCWD : at.get(), whole.c_str(), last ? flags : flags | O_DIRECTORY));
    if (last || !next) return {std::move(next), *std::move(name)};
    at = std::move(next);
    path.remove_prefix(slash + 1);
  }
}

bool has_index(const Descriptor& folder) {
  return File::of(Descriptor(::openat(folder.get(), index_page, flags))) != nullptr;
}

/// The fields of every answer about a file.
Response begin(const Context& context, int status) {
  Response response =
      status >= 400 ? ResponseAccess::error(status, detail::reason(status)) : Response(status);
  if (context.response().get("Cache-Control").empty()) response.set("Cache-Control", "no-cache");
  return response;
}

void send_on(Context& context) {
  auto location = std::string(context.request().path()) + '/';
  const auto query = context.request().query_string();
  if (!query.empty()) location.append("?").append(query);
  auto response = begin(context, 308);
  response.set("Location", location);
  context.answer(std::move(response));
}

std::string content_range(const Part& part, std::size_t size) {
  const auto bytes = part.kind == Part::Kind::none ? "*"
                                                   : std::to_string(part.first) + '-' +
                                                         std::to_string(part.first + part.size - 1);
  return "bytes " + bytes + '/' + std::to_string(size);
}

void answer_with(Context& context, const std::shared_ptr<File>& file, std::string_view name,
                 std::int64_t modified) {
  const auto part = detail::part_of(context.request(), file->etag(), file->size());
  Response response;
  if (part.kind == Part::Kind::none) {
    response = begin(context, 416);
  } else {
    response = begin(context, part.kind == Part::Kind::part ? 206 : 200);
    response.set("Content-Type", detail::content_type(name))
        .set("X-Content-Type-Options", "nosniff")
        .set("Last-Modified", detail::http_date(modified))
        .set("ETag", file->etag());
    ResponseAccess::set_file(response, file);
  }
  response.set("Accept-Ranges", "bytes");
  if (part.kind != Part::Kind::whole)
    response.set("Content-Range", content_range(part, file->size()));
  if (part.kind == Part::Kind::part) file->narrow(part.first, part.size);
  context.answer(std::move(response));
}

void answer_about(Context& context, const std::shared_ptr<File>& file, std::string_view name) {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  const auto modified = std::min(file->modified(), now);  // not after Date
  const auto condition = detail::condition_of(context.request(), {file->etag(), modified}, now);
  if (condition == Condition::holds) return answer_with(context, file, name, modified);
  auto response = begin(context, condition == Condition::failed ? 412 : 304);
  response.set("ETag", file->etag());
  context.answer(std::move(response));
}

bool has_segment(std::string_view path, std::string_view segment) {
  const auto whole = std::string(path) + '/';
  return whole.find('/' + std::string(segment) + '/') != std::string::npos;
}

/// Of a prefix as it is used: without a slash at its end.
bool is_prefix(std::string_view text) noexcept {
  return text.empty() ||
         (text.front() == '/' && text.back() != '/' && !has_segment(text, "") &&
          !has_segment(text, ".") && !has_segment(text, "..") &&
          text.find_first_of("%?#") == std::string_view::npos && detail::is_sound_target(text));
}

class StaticFiles final : public detail::AtStart {
 public:
  explicit StaticFiles(StaticFilesOptions options) : prefix_(std::move(options.prefix)) {
    if (!prefix_.empty() && prefix_.back() == '/') prefix_.pop_back();
    std::error_code ec;
    folder_ = std::filesystem::absolute(options.folder, ec).string();
    if (ec) folder_ = std::move(options.folder);
  }

  std::vector<std::string> check() const override {
    std::vector<std::string> errors;
    const Descriptor folder(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (folder_.empty())
      errors.emplace_back("static_files: option folder is empty: name one");
    else if (!folder)
      errors.push_back("static_files: the folder " + folder_ + " cannot be opened (" +
                       std::generic_category().message(errno) + "): make it, or name another one");
    if (!is_prefix(prefix_))
      errors.push_back("static_files: no path begins with the prefix `" + prefix_ +
                       "`: give one such as /assets, undecoded");
    return errors;
  }

  std::string fault_in_a_route() const override {
    return "flame::static_files(...) is for f.use(...) outside of groups: files have paths of "
           "their "
           "own, below its option prefix";
  }

  std::string line() const override {
    return "Serving the files of " + folder_ + (prefix_.empty() ? "" : " below " + prefix_);
  }

  void serve(Context& context) const {
    const auto method = context.request().method();
    auto path = context.request().path();
    if ((method != Method::get && method != Method::head) || !path.starts_with(prefix_)) return;
    path.remove_prefix(prefix_.size());
    if (!path.empty() && path.front() != '/') return;
    auto found = path.empty() ? Found{Descriptor(::open(folder_.c_str(), flags & ~O_NOFOLLOW))}
                              : open_below(folder_, path.substr(1));
    if (!found.file) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) context.answer(detail::busy());
      return;
    }
    if (const auto file = File::of(std::move(found.file))) {
      answer_about(context, file, found.name);
    } else if (has_index(found.file)) {
      send_on(context);
    }
  }

 private:
  std::string folder_{}, prefix_;
};

}  // namespace

Middleware static_files(StaticFilesOptions options) {
  const auto files = std::make_shared<const StaticFiles>(std::move(options));
  auto links = detail::links_of([files](Context& context) { files->serve(context); });
  links.front().at_start = files;
  return Middleware(std::make_shared<const detail::Link>(std::move(links.front())));
}

}  // namespace flame::inline v0
