#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <flame/session/session.hpp>

struct Product {
  std::string_view id, name;
  int cents;
};

inline constexpr std::array products{
    Product{"tea", "Darjeeling, 100 g", 690},
    Product{"cup", "Cup & saucer", 1450},
    Product{"kettle", "Kettle", 3900},
};

inline const Product* find_product(std::string_view id) {
  const auto* found = std::ranges::find(products, id, &Product::id);
  return found == products.end() ? nullptr : found;
}

/// A session keeps a std::vector of these: nothing is to be declared for it.
struct Line {
  std::string id;
  int quantity = 0;
};
using Cart = std::vector<Line>;

inline Cart cart_of(const flame::session::Session& s) { return s.get_or("cart", Cart()); }

/// Atomic: what two requests add at once is all in the cart.
inline void add_to_cart(flame::session::Session& s, const Line& added) {
  s.update(
      "cart", Cart(),
      [](Cart cart, const Line& more) {
        const auto line = std::ranges::find(cart, more.id, &Line::id);
        if (line == cart.end())
          cart.push_back(more);
        else
          line->quantity += more.quantity;
        return cart;
      },
      added);
}
