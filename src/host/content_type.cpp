#include "content_type.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array types{
    Pair{"7z", "application/x-7z-compressed"},
    Pair{"aac", "audio/aac"},
    Pair{"atom", "application/atom+xml"},
    Pair{"avif", "image/avif"},
    Pair{"bmp", "image/bmp"},
    Pair{"bz2", "application/x-bzip2"},
    Pair{"css", "text/css; charset=utf-8"},
    Pair{"csv", "text/csv; charset=utf-8"},
    Pair{"eot", "application/vnd.ms-fontobject"},
    Pair{"epub", "application/epub+zip"},
    Pair{"flac", "audio/flac"},
    Pair{"gif", "image/gif"},
    Pair{"gz", "application/gzip"},
    Pair{"htm", "text/html; charset=utf-8"},
    Pair{"html", "text/html; charset=utf-8"},
    Pair{"ico", "image/x-icon"},
    Pair{"ics", "text/calendar; charset=utf-8"},
    Pair{"jpeg", "image/jpeg"},
    Pair{"jpg", "image/jpeg"},
    Pair{"js", "text/javascript; charset=utf-8"},
    Pair{"json", "application/json"},
    Pair{"jsonld", "application/ld+json"},
    Pair{"m4a", "audio/mp4"},
    Pair{"m4v", "video/mp4"},
    Pair{"map", "application/json"},
    Pair{"md", "text/markdown; charset=utf-8"},
    Pair{"mjs", "text/javascript; charset=utf-8"},
    Pair{"mov", "video/quicktime"},
    Pair{"mp3", "audio/mpeg"},
    Pair{"mp4", "video/mp4"},
    Pair{"oga", "audio/ogg"},
    Pair{"ogg", "audio/ogg"},
    Pair{"ogv", "video/ogg"},
    Pair{"opus", "audio/ogg"},
    Pair{"otf", "font/otf"},
    Pair{"pdf", "application/pdf"},
    Pair{"png", "image/png"},
    Pair{"rss", "application/rss+xml"},
    Pair{"svg", "image/svg+xml"},
    Pair{"tar", "application/x-tar"},
    Pair{"tif", "image/tiff"},
    Pair{"tiff", "image/tiff"},
    Pair{"ttf", "font/ttf"},
    Pair{"txt", "text/plain; charset=utf-8"},
    Pair{"vtt", "text/vtt; charset=utf-8"},
    Pair{"wasm", "application/wasm"},
    Pair{"wav", "audio/wav"},
    Pair{"webm", "video/webm"},
    Pair{"webmanifest", "application/manifest+json"},
    Pair{"webp", "image/webp"},
    Pair{"woff", "font/woff"},
    Pair{"woff2", "font/woff2"},
    Pair{"xhtml", "application/xhtml+xml"},
    Pair{"xml", "application/xml"},
    Pair{"xz", "application/x-xz"},
    Pair{"yaml", "application/yaml"},
    Pair{"yml", "application/yaml"},
    Pair{"zip", "application/zip"},
    Pair{"zst", "application/zstd"},
};

}  // namespace

std::string_view content_type(std::string_view name) {
  const auto dot = name.rfind('.');
  const auto ending = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  const auto found =
      std::ranges::find_if(types, [&](const Pair& each) { return same_name(each.first, ending); });
  return found != types.end() ? found->second : "application/octet-stream";
}

}  // namespace flame::inline v0::detail
