// Route patterns: each is refused with a text, or matches the paths that it says; of several that
// match a path the one is chosen that flame.hpp promises.
#include <algorithm>
#include <deque>
#include <optional>

#include "fuzz.hpp"
#include "host/pattern.hpp"
#include "host/router.hpp"
#include "host/target.hpp"
#include "host/text.hpp"

namespace flame::fuzz {
namespace {

using detail::Pattern;

constexpr std::size_t most_patterns = 8;

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    out.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(out.back().size());
  }
  return out;
}

bool is_rest(std::string_view segment) { return segment == "{**}"; }
bool is_parameter(std::string_view segment) {
  return segment.starts_with('{') && !is_rest(segment);
}

/// How well a pattern, as it was written, matches: a digit for each segment, less is better.
std::optional<std::string> rank_of(std::string_view pattern, std::string_view path) {
  const auto wanted = segments_of(pattern), given = segments_of(path);
  std::string rank;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i == given.size()) return std::nullopt;
    if (is_rest(wanted[i])) return rank + '2';
    if (is_parameter(wanted[i]) ? given[i].empty() : detail::percent_decoded(given[i]) != wanted[i])
      return std::nullopt;
    rank += is_parameter(wanted[i]) ? '1' : '0';
  }
  return wanted.size() == given.size() ? std::optional(rank) : std::nullopt;
}

/// What two patterns that match the same paths have in common.
std::string shape_of(std::string_view pattern) {
  std::string shape;
  for (const auto segment : segments_of(pattern))
    shape.append("/").append(is_parameter(segment) ? "{" : segment);
  return shape;
}

/// A path that it says it matches.
std::string path_of(std::string_view pattern) {
  std::string path;
  for (const auto segment : segments_of(pattern)) {
    path += '/';
    if (is_rest(segment))
      path += "r/%73";
    else if (is_parameter(segment))
      path += "p%2F";
    else
      for (const char c : segment) detail::append_percent_encoded(path, c);
  }
  return path;
}

class Routes {
 public:
  /// Nothing is said of one that is refused.
  void add(std::string_view text) {
    const auto pattern = detail::parse_pattern(text);
    if (!pattern.error.empty()) return;
    expect(detail::parse_target(path_of(text)).is_good, "some path matches what is not refused");
    const bool is_new = std::ranges::none_of(
        patterns_, [&](std::string_view each) { return shape_of(each) == shape_of(text); });
    const auto* twin = router_.add(Method::get, pattern, routes_[patterns_.size()]);
    expect((twin == nullptr) == is_new, "two that match the same paths are an error");
    if (is_new) patterns_.push_back(text);
    look_up(path_of(text));
  }

  void look_up(std::string_view path) const {
    std::size_t best = patterns_.size();
    std::optional<std::string> rank;
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      const auto each = rank_of(patterns_[i], path);
      if (!each || (rank && *rank <= *each)) continue;
      rank = each;
      best = i;
    }
    std::vector<std::string_view> captured;
    const auto match = router_.find(Method::get, path, captured);
    expect((match.route != nullptr) == rank.has_value(), "a path has a route if one matches it");
    if (!rank) return;
    expect(match.route == &routes_[best], "the best of those that match is chosen");
    check_captured(patterns_[best], path, captured);
  }

 private:
  static void check_captured(std::string_view pattern, std::string_view path,
                             const std::vector<std::string_view>& captured) {
    const auto wanted = segments_of(pattern), given = segments_of(path);
    std::vector<std::string_view> matched;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (is_parameter(wanted[i])) matched.push_back(given[i]);
      if (is_rest(wanted[i]))
        matched.push_back(path.substr(static_cast<std::size_t>(given[i].data() - path.data())));
    }
    expect(captured == matched, "parameters get what they matched");
  }

  detail::Router router_{};
  std::vector<detail::Route> routes_{most_patterns};
  std::vector<std::string_view> patterns_{};
};

}  // namespace
}  // namespace flame::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flame::fuzz;
  auto pieces = pieces_of(text_of(data, size));
  const auto path = pieces.back();
  pieces.pop_back();
  Routes routes;
  for (std::size_t i = 0; i < std::min(pieces.size(), most_patterns); ++i) routes.add(pieces[i]);
  const auto target = flame::detail::parse_target(path);
  if (target.is_good && target.path.starts_with('/')) routes.look_up(target.path);
  return 0;
}
