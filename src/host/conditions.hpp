#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <flame/request.hpp>

/// What a GET or HEAD asks of a file before it wants it, and how much of it (RFC 9110, 13 and 14).
namespace flame::inline v0::detail {

/// What tells one state of a file from another.
struct Validators {
  std::string_view etag{};    // strong, with its quotes
  std::int64_t modified = 0;  // seconds since the epoch
};

enum class Condition { holds, not_modified, failed };

/// By If-Match, else If-Unmodified-Since; then by If-None-Match, else If-Modified-Since.
[[nodiscard]] Condition condition_of(const Request& request, const Validators& file,
                                     std::int64_t now);

struct Part {
  enum class Kind { whole, part, none };  // none: no byte of it is there
  Kind kind = Kind::whole;
  std::size_t first = 0, size = 0;
};

/// By Range and If-Range. Several ranges, one that is not well-formed, another unit than bytes: the
/// whole file. If-Range by a date too: we always send an ETag, which is to be preferred, and tells
/// what a date does not.
[[nodiscard]] Part part_of(const Request& request, std::string_view etag, std::size_t size);

}  // namespace flame::inline v0::detail
