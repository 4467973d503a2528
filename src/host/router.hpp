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
#include "pattern.hpp"

namespace flame::inline v0::detail {

inline constexpr std::size_t methods = 8;  // Method::other stands for any of them
inline constexpr std::array<std::string_view, methods> method_names{
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"};

/// Finds the route of a path, segment by segment.
class Router {
 public:
  /// The route that has this method and these paths already; null: there was none, and this one is
  /// added. It must stay where it is.
  [[nodiscard]] const Route* add(Method method, const Pattern& pattern, const Route& route);

  struct Match {
    const Route* route = nullptr;
    unsigned allowed = 0;  // without a route: a bit for each method that has one
  };
  /// `captured` gets what the parameters matched.
  [[nodiscard]] Match find(Method method, std::string_view path,
                           std::vector<std::string_view>& captured) const;
  /// A bit for each method that some path has.
  [[nodiscard]] unsigned allowed_anywhere() const noexcept { return anywhere_; }

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
  unsigned anywhere_ = 0;
};

/// The value of an Allow field, with the methods that the host answers of itself.
[[nodiscard]] std::string allow(unsigned methods_allowed);

}  // namespace flame::inline v0::detail
