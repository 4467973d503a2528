#include "router.hpp"

#include <algorithm>

#include "text.hpp"

namespace flame::inline v0::detail {
namespace {

constexpr std::size_t index(Method method) noexcept { return static_cast<std::size_t>(method); }
constexpr unsigned bit(Method method) noexcept { return 1U << index(method); }

bool equal_segment(std::string_view raw, std::string_view fixed) {
  if (raw.find('%') == std::string_view::npos) return raw == fixed;
  const auto decoded = percent_decoded(raw);
  return decoded && *decoded == fixed;
}

}  // namespace

void Router::NodeDeleter::operator()(Node* node) const noexcept { delete node; }

Router::Node& Router::child(Node& node, const std::string& segment) {
  const auto made = [](NodePtr& pointer) -> Node& {
    if (!pointer) pointer.reset(new Node);
    return *pointer;
  };
  if (segment == parameter_mark) return made(node.parameter);
  if (segment == rest_mark) return made(node.rest);
  auto at = std::lower_bound(node.fixed.begin(), node.fixed.end(), segment,
                             [](const auto& each, const auto& text) { return each.first < text; });
  if (at == node.fixed.end() || at->first != segment) at = node.fixed.emplace(at, segment, nullptr);
  return made(at->second);
}

const Route* Router::add(Method method, const Pattern& pattern, const Route& route) {
  Node* node = &root_;
  for (const auto& segment : pattern.segments) node = &child(*node, segment);
  auto& place = node->routes[index(method)];
  if (place != nullptr) return place;
  place = &route;
  anywhere_ |= bit(method);
  return nullptr;
}

struct Router::Search {
  Method method;
  std::vector<std::string_view>& captured;
  unsigned allowed = 0;

  const Route* at_end(const Node& node) noexcept {
    const Route* route = node.routes[index(method)];
    if (route == nullptr && method == Method::head) route = node.routes[index(Method::get)];
    if (route == nullptr) route = node.routes[index(Method::other)];
    if (route != nullptr) return route;
    for (std::size_t i = 0; i < methods; ++i) {
      if (node.routes[i] != nullptr) allowed |= 1U << i;
    }
    return nullptr;
  }

  /// `path` is empty at the end, else it starts with the / of its first segment.
  const Route* find(const Node& node, std::string_view path) {
    if (path.empty()) return at_end(node);
    const auto segment = path.substr(1, path.find('/', 1) - 1);
    const auto left = path.substr(1 + segment.size());
    if (const auto* next = fixed(node, segment)) {
      if (const auto* route = find(*next, left)) return route;
    }
    if (node.parameter && !segment.empty()) {
      captured.push_back(segment);
      if (const auto* route = find(*node.parameter, left)) return route;
      captured.pop_back();
    }
    if (!node.rest) return nullptr;
    captured.push_back(path.substr(1));
    if (const auto* route = at_end(*node.rest)) return route;
    captured.pop_back();
    return nullptr;
  }

  static const Node* fixed(const Node& node, std::string_view segment) {
    if (segment.find('%') != std::string_view::npos) {
      for (const auto& [text, next] : node.fixed) {
        if (equal_segment(segment, text)) return next.get();
      }
      return nullptr;
    }
    const auto at =
        std::lower_bound(node.fixed.begin(), node.fixed.end(), segment,
                         [](const auto& each, std::string_view text) { return each.first < text; });
    return at != node.fixed.end() && at->first == segment ? at->second.get() : nullptr;
  }
};

Router::Match Router::find(Method method, std::string_view path,
                           std::vector<std::string_view>& captured) const {
  if (path.empty() || path.front() != '/') return {};
  Search search{method, captured};
  const Route* route = search.find(root_, path);
  return {route, search.allowed};
}

std::string allow(unsigned methods_allowed) {
  if ((methods_allowed & bit(Method::other)) != 0) methods_allowed = ~0U;
  if ((methods_allowed & bit(Method::get)) != 0) methods_allowed |= bit(Method::head);
  methods_allowed |= bit(Method::options);
  std::string text;
  for (std::size_t i = 0; i + 1 < methods; ++i) {
    if ((methods_allowed & (1U << i)) == 0) continue;
    if (!text.empty()) text += ", ";
    text += method_names[i];
  }
  return text;
}

}  // namespace flame::inline v0::detail
