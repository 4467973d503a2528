#include "pattern.hpp"

#include <algorithm>
#include <cstddef>

#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

constexpr std::string_view the_rest = "what is left of a path is /{**}, the last segment";

bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_name_char);
}

bool has(std::string_view text, std::string_view any) noexcept {
  return text.find_first_of(any) != std::string_view::npos;
}

/// `/{id}` for what another framework spells otherwise.
std::string spelled(std::string_view other) {
  const auto begin = std::find_if(other.begin(), other.end(), is_name_char);
  const auto end = std::find_if_not(begin, other.end(), is_name_char);
  return "a parameter is spelled /{" + (begin == end ? "name" : std::string(begin, end)) + "}";
}

bool has_escape(std::string_view text) noexcept {
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (is_percent_encoded(text.substr(at, 3))) return true;
  }
  return false;
}

/// No request's path does where it is percent-encoded to what the host refuses.
bool is_matched(std::string_view segment) {
  std::string encoded;
  for (const char c : segment) append_percent_encoded(encoded, c);
  return !has(segment, std::string_view("\0", 1)) && is_sound_target(encoded);
}

/// Of a segment without braces; empty: nothing.
std::string wrong_with_fixed(std::string_view segment) {
  if (has(segment, "*")) return std::string(the_rest);
  if (segment.size() > 1 && segment.front() == ':') return spelled(segment);
  if (segment.size() > 1 && segment.front() == '<' && segment.back() == '>') {
    const auto converter = segment.find(':');  // <int:id>
    return spelled(converter == std::string_view::npos ? segment : segment.substr(converter));
  }
  if (has(segment, "?#")) return "a path ends before ? and #: Context::query() has what follows";
  if (has_escape(segment)) return "a path is spelled decoded: /a b, not /a%20b";
  if (!is_matched(segment)) return "no request has such a path: it is UTF-8 without NUL";
  return {};
}

/// Of `{…}`, by what is between the braces.
std::string wrong_with_parameter(std::string_view name) {
  if (name == "**" || is_name(name)) return {};
  if (has(name, "*") || name.ends_with("...")) return std::string(the_rest);
  if (has(name, ":?=")) return spelled(name) + ": handlers check what it matched";
  return "a parameter's name is made of letters, digits and _: /{name}";
}

class PatternParser {
 public:
  explicit PatternParser(std::string_view path) : left_(path) {}

  Pattern run() && {
    if (left_.empty() || left_.front() != '/') return fail("a path starts with /");
    while (!left_.empty()) {
      left_.remove_prefix(1);
      const auto segment = left_.substr(0, left_.find('/'));
      left_.remove_prefix(segment.size());
      if (auto error = add(segment); !error.empty()) return fail(std::move(error));
    }
    return std::move(pattern_);
  }

 private:
  static Pattern fail(std::string error) {
    Pattern failed;
    failed.error = std::move(error);
    return failed;
  }

  /// What is wrong with it; empty: it is added.
  std::string add(std::string_view segment) {
    if (segment.empty() && !left_.empty()) return "two / follow each other";
    if (!has(segment, "{}")) {
      pattern_.segments.emplace_back(segment);
      return wrong_with_fixed(segment);
    }
    const auto name = segment.substr(1, std::max<std::size_t>(segment.size(), 2) - 2);
    if (segment.front() != '{' || segment.back() != '}' || has(name, "{}")) {
      return "a parameter is a segment of its own: /{name}";
    }
    return add_parameter(name);
  }

  std::string add_parameter(std::string_view name) {
    if (auto error = wrong_with_parameter(name); !error.empty()) return error;
    const bool rest = name == "**";
    if (rest && !left_.empty()) return "{**} is the last segment";
    auto& names = pattern_.parameters;
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return "two parameters have the name " + std::string(name);
    }
    pattern_.segments.emplace_back(rest ? rest_mark : parameter_mark);
    names.emplace_back(name);
    return {};
  }

  std::string_view left_;
  Pattern pattern_{};
};

}  // namespace

Pattern parse_pattern(std::string_view path) { return PatternParser(path).run(); }

}  // namespace flame::inline v0::detail
