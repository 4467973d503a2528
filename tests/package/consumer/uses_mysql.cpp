#include <flame/session/mysql.hpp>

int main() {
  const auto store = flame::session::mysql::store({.dsn = ""});
  return store && store->traits().blocking ? 0 : 1;
}
