#include <flame/session/redis.hpp>

int main() {
  const auto store = flame::session::redis::store({.addr = ""});
  return store && store->traits().blocking ? 0 : 1;
}
