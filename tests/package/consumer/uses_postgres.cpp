#include <flame/session/postgres.hpp>

int main() {
  const auto store = flame::session::postgres::store({.dsn = ""});
  return store && store->traits().blocking ? 0 : 1;
}
