#include <flame/session/sqlite.hpp>

int main() {
  const auto store = flame::session::sqlite::store({.path = ""});
  return store && store->traits().blocking ? 0 : 1;
}
