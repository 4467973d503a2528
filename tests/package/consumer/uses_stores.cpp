#include <flame/session/open_store.hpp>

int main() {
  const auto store = flame::session::open_store("memory:");
  return store && !store->traits().blocking ? 0 : 1;
}
