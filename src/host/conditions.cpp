#include "conditions.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "http_date.hpp"
#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

/// Takes one entity tag from the front of a list; empty at the end of it, and where what follows is
/// none.
std::string_view take_tag(std::string_view& list) noexcept {
  list.remove_prefix(std::min(list.size(), list.find_first_not_of(", \t")));
  const std::size_t quote = list.starts_with("W/") ? 2 : 0;
  if (list.size() <= quote || list[quote] != '"') return {};
  const auto end = list.find('"', quote + 1);
  if (end == std::string_view::npos) return {};
  const auto tag = list.substr(0, end + 1);
  list = trimmed(list.substr(end + 1));
  if (!list.empty() && list.front() != ',') list = {};
  return tag;
}

/// A weak tag names our strong one only where that is all that is asked.
bool names(std::string_view tag, std::string_view etag, bool weakly) noexcept {
  if (weakly && tag.starts_with("W/")) tag.remove_prefix(2);
  return tag == etag;
}

/// Empty: there is no field of this name. Else whether it, or one of several, names the tag.
std::optional<bool> tag_matches(const Request& request, std::string_view field,
                                std::string_view etag, bool weakly) noexcept {
  std::optional<bool> out;
  for (const auto& [name, value] : request.fields()) {
    if (!same_name(name, field)) continue;
    auto list = value;
    bool found = trimmed(list) == "*";
    for (auto tag = take_tag(list); !found && !tag.empty(); tag = take_tag(list))
      found = names(tag, etag, weakly);
    out = out.value_or(false) || found;
  }
  return out;
}

/// A date that cannot be read is none.
std::optional<std::int64_t> date_of(const Request& request, std::string_view field,
                                    std::int64_t now) {
  return parse_http_date(trimmed(request.field(field)), now);
}

/// What does not fit is more than any file has.
std::optional<std::size_t> number_of(std::string_view text) noexcept {
  constexpr auto most = std::numeric_limits<std::size_t>::max();
  if (text.empty()) return std::nullopt;
  std::size_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::size_t>(c - '0');
    number = number > (most - digit) / 10 ? most : 10 * number + digit;
  }
  return number;
}

Part cut_out(std::string_view range, std::size_t size) noexcept {
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return {};
  const auto first = number_of(range.substr(0, dash)), last = number_of(range.substr(dash + 1));
  if (dash == 0) {  // the last so many
    if (!last) return {};
    if (*last == 0) return {Part::Kind::none};
    if (size == 0) return {};
    const auto taken = std::min(*last, size);
    return {Part::Kind::part, size - taken, taken};
  }
  const bool open = dash + 1 == range.size();
  if (!first || (!last && !open) || (last && *last < *first)) return {};
  if (*first >= size) return {Part::Kind::none};
  return {Part::Kind::part, *first, (open ? size - 1 : std::min(*last, size - 1)) - *first + 1};
}

/// The only range of a set; empty where there are several.
std::string_view only_range(std::string_view set) noexcept {
  std::string_view only;
  while (!set.empty()) {
    const auto each = set.substr(0, set.find(','));
    set.remove_prefix(std::min(set.size(), each.size() + 1));
    if (trimmed(each).empty()) continue;
    if (!only.empty()) return {};
    only = trimmed(each);
  }
  return only;
}

}  // namespace

Condition condition_of(const Request& request, const Validators& file, std::int64_t now) {
  if (const auto matches = tag_matches(request, "If-Match", file.etag, false)) {
    if (!*matches) return Condition::failed;
  } else if (const auto since = date_of(request, "If-Unmodified-Since", now)) {
    if (file.modified > *since) return Condition::failed;
  }
  if (const auto matches = tag_matches(request, "If-None-Match", file.etag, true)) {
    if (*matches) return Condition::not_modified;
  } else if (const auto since = date_of(request, "If-Modified-Since", now)) {
    if (file.modified <= *since) return Condition::not_modified;
  }
  return Condition::holds;
}

Part part_of(const Request& request, std::string_view etag, std::size_t size) {
  if (request.method() != Method::get) return {};
  const auto is = [](std::string_view name) {
    return [name](const Field& field) { return same_name(field.name, name); };
  };
  if (std::ranges::count_if(request.fields(), is("Range")) != 1) return {};
  for (const auto& [name, value] : request.fields()) {
    if (same_name(name, "If-Range") && trimmed(value) != etag) return {};
  }
  const auto range = request.field("Range");
  const auto equals = range.find('=');
  if (equals == std::string_view::npos || !same_name(range.substr(0, equals), "bytes")) return {};
  return cut_out(only_range(range.substr(equals + 1)), size);
}

}  // namespace flame::inline v0::detail
