#include <cstdlib>

#include <flame/session/open_store.hpp>

#include "shop.hpp"

int main() {
  const char* store = std::getenv("SHOP_STORE");
  auto shop = make_shop(flame::session::open_store(store ? store : "memory:"));
  shop.run();
}
