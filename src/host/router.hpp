#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/request.hpp>

#include "chain.hpp"

namespace flame::inline v0::detail {

inline constexpr std::size_t methods = 8;  // Method::other stands for any of them
inline constexpr std::array<std::string_view, methods> method_names{
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"};

/// A path's parameters by name, or an error: what is wrong with the path.
struct Pattern {
  std::vector<std::string> segments{};  // fixed ones; "{" for a parameter, "{**" for the rest
  std::vector<std::string> parameters{};
  std::string error{};
};
[[nodiscard]] Pattern parse_pattern(std::string_view path);

/// Finds the route of a path, segment by segment.
class Router {
 public:
  /// False where there is such a route already. The route must stay where it is.
  bool add(Method method, const Pattern& pattern, const Route& route);

  struct Match {
    const Route* route = nullptr;
    unsigned allowed = 0;  // without a route: a bit for each method that has one
  };
  /// `captured` gets what the parameters matched.
  [[nodiscard]] Match find(Method method, std::string_view path,
                           std::vector<std::string_view>& captured) const;

 private:
  struct Node;
  struct NodeDeleter {
    void operator()(Node* node) const noexcept;
  };
  using NodePtr = std::unique_ptr<Node, NodeDeleter>;
  struct Node {
    std::vector<std::pair<std::string, NodePtr>> fixed{};  // sorted
    NodePtr parameter{}, rest{};
    std::array<const Route*, methods> routes{};
  };
  struct Search;

  static Node& child(Node& node, const std::string& segment);

  Node root_{};
};

/// The value of an Allow field.
[[nodiscard]] std::string allow(unsigned methods_allowed);

}  // namespace flame::inline v0::detail
